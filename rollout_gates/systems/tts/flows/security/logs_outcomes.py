"""What the log says of providers and of what cost money: one thing that was made, and one whose provider failed.

In the sandbox both are brought about in a playground. On a deployment the log is searched for what happened there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.bench import bench
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.security.failure import CATEGORIES
from rollout_gates.systems.tts.flows.security.logs import keep
from rollout_gates.systems.tts.log_source import log_lines
from rollout_gates.systems.tts.replies import json_object, text
from rollout_gates.systems.tts.settings import MODES
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.bench import Bench

Line = Mapping[str, Any]
COSTLY = ("/clone/finalize", "/voices/design/preview", "/generate", "/generate/stream")


@dataclass(frozen=True)
class Outcomes:
    """Lines about what was *made*, and about what *failed* at its provider; *provider* is the configured one."""

    provider: str
    made: tuple[Line, ...]
    failed: tuple[Line, ...]


@flow("logged_outcomes", last=True)
async def logged_outcomes(context: Context) -> Outcomes:
    """Have a preview made, and one fail; or look for such things in the log of a deployment, when the run is over.

    Raises `NotConfigured` where nobody said how to read it, `CouldNotJudge` when it tells of neither.
    """
    if context.sandbox_url is None:
        return _in_log(context, await log_lines(context.settings.logs))
    async with bench(context) as place:
        await place.ground.database.update("profiles", {"credits_remaining": RICH}, id=place.user.user_id)
        made = await _preview(place)
        provider, call = ("dashscope", "design_create") if context.settings.is_qwen else ("modal", "design")
        await place.ground.providers.script(provider, call, times=0, status=500, body={"code": "InternalError"})
        failed = await _preview(place)
    keep(context, "A provider failure, handled", list(failed))
    return Outcomes(context.settings.provider_mode, made, failed)


async def _preview(place: Bench) -> tuple[Line, ...]:
    """Order a preview, wait for its end, and return the lines that have been written meanwhile."""
    before = len(await place.ground.log())
    asked = {"text": f"Logged {secrets.token_hex(3)}.", "language": "English", "instruct": "A calm voice."}
    begun = await place.client.design_preview(**asked)
    task_id = text(json_object(begun), "task_id")
    if task_id is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"no preview was begun: it was answered {begun.status}")
    await watch(place.client, task_id, patience_s=20)
    return tuple((await place.ground.log())[before:])


def _in_log(context: Context, lines: tuple[Line, ...]) -> Outcomes:
    """Return the lines of costly calls that were accepted, and of failures at a provider, with all about them."""
    accepted = {line.get("request_id") for line in lines if _is_costly(line) and line.get("status_code") == 200}
    failures = [line for line in lines if (_is_costly(line) and line.get("status_code") == 502) or categories(line)]
    failing = {line.get("request_id") for line in failures}
    if not accepted and not failures:
        raise CouldNotJudge(Reason.NO_TRAFFIC, f"none of {len(lines)} log lines is about what costs money or failed")
    keep(context, "A provider failure, handled", failures)
    made = tuple(line for line in lines if _about(line, accepted))
    return Outcomes(context.settings.provider_mode, made, tuple(line for line in lines if _about(line, failing)))


def _is_costly(line: Line) -> bool:
    return line.get("method") == "POST" and str(line.get("path", "")).endswith(COSTLY)


def _about(line: Line, ids: set[Any]) -> bool:
    known = {each for each in ids if each}
    return any(value in known for value in line.values() if isinstance(value, str))


def categories(line: Line) -> tuple[str, ...]:
    """Return the error categories (section 6.4) that *line* names, at any depth."""
    return tuple(word for word in values(line) if word in CATEGORIES)


def providers(line: Line) -> tuple[str, ...]:
    """Return the providers that *line* names, at any depth."""
    return tuple(word for word in values(line) if word in MODES)


def values(found: Any) -> tuple[Any, ...]:
    """Return all single values in *found*, at any depth."""
    if isinstance(found, Mapping):
        return tuple(value for each in found.values() for value in values(each))
    if isinstance(found, list | tuple):
        return tuple(value for each in found for value in values(each))
    return (found,)
