"""Words of the flows that judge the provider itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.provider.realtime import Limits, Line
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.environment import Secret
    from rollout_gates.wire import Reply

OWNER = "provider"
CLONE, DESIGN = "provider_clone", "provider_design"
SYSTEM_VOICE = "Cherry"
"""A voice of the vendor's own, which no model of clones or designs takes (protocol sheet, section 3)."""
_TAGS = {
    "Chinese": "zh", "English": "en", "German": "de", "Italian": "it", "Portuguese": "pt", "Spanish": "es",
    "Japanese": "ja", "Korean": "ko", "French": "fr", "Russian": "ru",
}  # fmt: skip


def preferred_name(run_id: str, what: str) -> str:
    """Return the name of a voice that this run makes, in the provider's alphabet, at most 16 characters."""
    return f"rg_{tag(run_id)}_{what}"[:16]


def language_tag(language: str) -> str:
    """Return the provider's tag of *language*; English for one that it does not know."""
    return _TAGS.get(language, "en")


def realtime_line(context: Context, key: Secret | None) -> Line:
    """Return where realtime sessions are opened. Raises `NotConfigured`."""
    provider = context.settings.provider
    if provider is None:
        raise NotConfigured("judging the provider needs the table [tts.provider]")
    return Line(context.wire, provider.realtime_url, key, Limits.of(context.wire.timeout_s))


def provider_key(context: Context) -> Secret:
    """Return the provider's key. Raises `NotConfigured`."""
    key: Secret | None = context.settings.secret("dashscope_api_key")
    if key is None:
        raise NotConfigured("judging the provider needs secrets.dashscope_api_key")
    return key


def not_made(what: str, reply: Reply) -> CouldNotJudge:
    """Return what to raise where a voice could not be made, so that nothing can be said with it."""
    told = f"{what} was not made: the provider answered {reply.status} (exchange {reply.exchange_id})"
    return CouldNotJudge(Reason.SOURCE_ABSENT, told)
