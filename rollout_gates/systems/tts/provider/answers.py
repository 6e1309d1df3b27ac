"""Reading the provider's REST answers without judging them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollout_gates.systems.tts.replies import json_object
from rollout_gates.wire import Reply

_NO_SUCH_MODEL = frozenset({"ModelNotFound", "Model.NotExist"})
_NOT_ALLOWED = frozenset({"Model.AccessDenied", "AccessDenied.Unpurchased"})


def code_of(reply: Reply | None) -> str:
    """Return the code of a flat error body; empty when there is none."""
    found = json_object(reply).get("code")
    return found if isinstance(found, str) else ""


def output_of(reply: Reply | None) -> Mapping[str, Any]:
    """Return the ``output`` of an answer; empty when there is none."""
    found = json_object(reply).get("output")
    return found if isinstance(found, dict) else {}


def succeeded(reply: Reply | None) -> bool:
    """Whether what was asked for was done: a 2xx that is not a failure in disguise."""
    return reply is not None and 200 <= reply.status < 300 and not code_of(reply)


def was_refused(reply: Reply) -> bool:
    """Whether it was refused, in whatever form: a 4xx, or a 200 that holds a code (sheet, 4.3)."""
    return 400 <= reply.status < 500 or (200 <= reply.status < 300 and bool(code_of(reply)))


def key_was_refused(reply: Reply) -> bool:
    """Whether it was refused for its key: 401, or the same in the form of a 200 that holds a code."""
    return reply.status == 401 or (200 <= reply.status < 300 and code_of(reply) == "InvalidApiKey")


def model_is_missing(reply: Reply) -> bool:
    """Whether it was refused since the model is not offered, or not to this key."""
    return reply.status == 404 or code_of(reply) in _NO_SUCH_MODEL | _NOT_ALLOWED


def voice_of(reply: Reply | None) -> str | None:
    """Return the id of a voice that was made."""
    found = output_of(reply).get("voice") if succeeded(reply) else None
    return found if isinstance(found, str) and found else None


def listed(reply: Reply | None) -> tuple[Mapping[str, Any], ...]:
    """Return the voices of one page."""
    found = output_of(reply).get("voice_list")
    return tuple(row for row in found if isinstance(row, dict)) if isinstance(found, list) else ()


def audio_url(reply: Reply | None) -> str | None:
    """Return where synthesised audio lies."""
    found = output_of(reply).get("audio")
    url = found.get("url") if isinstance(found, dict) else None
    return url if isinstance(url, str) and url else None
