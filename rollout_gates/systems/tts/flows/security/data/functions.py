"""Anybody and a user at every function of section 5.5, by the names of its arguments, for users who do not exist."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rollout_gates.conductor import flow
from rollout_gates.matrix import Cell, Outcome
from rollout_gates.systems.tts.doors import code_of, doors_of, service_of
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.flows.security.data.exposure import of_functions, overview_of_functions
from rollout_gates.systems.tts.flows.security.data.parties import OTHER
from rollout_gates.systems.tts.flows.security.data.rows import DENIED
from rollout_gates.systems.tts.replies import json_object
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.doors import Doors
    from rollout_gates.wire import Reply

UNKNOWN: Final = "PGRST202"
"""The code for a function that is not there by these names."""
_OF_THE_DATA_API: Final = "PGRST"
# What a function is refused that runs with the rights of whoever calls it: then it was executed.
_INSIDE: Final = ("for table", "for relation", "for sequence", "row-level security")
_COUNTED: Final = "rate_limit_check_and_increment"


@dataclass(frozen=True)
class Call:
    """One function called as *who*. *known*: the service role finds it by the same names; ``None``: nobody can say."""

    who: str
    function: str
    reply: Reply
    known: bool | None


@dataclass(frozen=True)
class Functions:
    """All functions, each as anybody and as a user."""

    calls: tuple[Call, ...]


@flow("functions")
async def functions(context: Context) -> Functions:
    """Call each function. Raises `NotConfigured` in prod: what is executed there by mistake cannot be undone."""
    if context.environment.kind == "prod":
        raise NotConfigured("functions are not called in prod: judge them in staging")
    async with scene(context) as stage:
        session = stage.session
        user = await session.identities.get(OTHER)
        doors = (doors_of(session, "anon"), doors_of(session, user.name, user.client.caller.token))
        service, arguments = service_of(session), _arguments(tag(context.run_id))
        if service is not None:
            # Whoever executes it counts a caller who does not exist.
            counter = f"rate_limit_counters?actor_key=eq.{arguments[_COUNTED]['p_actor_key']}"
            session.things.made(session.things.planned("row", counter, user.owner, how="counted by a function"))
        known = await _known(service, arguments)
        replies = await asyncio.gather(*(one.call(name, given) for one in doors for name, given in arguments.items()))
    named = [(one.actor, name) for one in doors for name in arguments]
    calls = tuple(Call(who, name, reply, known[name]) for (who, name), reply in zip(named, replies, strict=True))
    context.show(overview_of_functions(calls, judged))
    context.show(of_functions(calls, judged))
    return Functions(calls)


def judged(call: Call) -> Cell:
    """Return what *call* says of the right to execute the function."""
    status, code = call.reply.status, code_of(call.reply)
    told = " ".join(filter(None, (str(status), code)))
    if status in (401, 403) and code == DENIED:
        inside = any(word in _message(call.reply) for word in _INSIDE)
        return Cell(Outcome.LEAKED, f"{told}: it ran, and was refused in it") if inside else Cell(Outcome.HELD, told)
    if status == 404 and code == UNKNOWN:
        if call.known:
            return Cell(Outcome.HELD, f"{told}: hidden, though the service role finds it by the same names")
        why = "nobody could say whether it is there" if call.known is None else "the service role does not find it"
        return Cell(Outcome.INCONCLUSIVE, f"{told}: {why}")
    by_the_database = bool(code) and not code.startswith(_OF_THE_DATA_API)
    if 200 <= status < 300 or (400 <= status < 500 and by_the_database):
        return Cell(Outcome.LEAKED, f"{told}: it was executed")
    return Cell(Outcome.INCONCLUSIVE, f"neither executed nor refused for want of a right: {told}")


def _message(reply: Reply) -> str:
    return str(json_object(reply).get("message") or "").lower()


async def _known(service: Doors | None, arguments: Mapping[str, Mapping[str, Any]]) -> dict[str, bool | None]:
    """Return which functions the service role finds by these names: they fail there, or do nothing."""
    if service is None:
        return dict.fromkeys(arguments)
    replies = await asyncio.gather(*(service.call(name, given) for name, given in arguments.items()))
    return {name: code_of(reply) != UNKNOWN for name, reply in zip(arguments, replies, strict=True)}


def _arguments(mark: str) -> dict[str, dict[str, Any]]:
    """Return valid arguments for each function. The user is nobody, so that nothing can be moved or taken."""
    nobody, key = str(uuid.uuid4()), f"rollout-gate-{mark}-{uuid.uuid4()}"
    return {
        "increment_task_modal_poll_count": {"p_task_id": str(uuid.uuid4()), "p_user_id": nobody},
        _COUNTED: {
            "p_actor_type": "user",
            "p_actor_key": key,
            "p_tier": "tier3",
            "p_limit": 1000,
            "p_window_seconds": 60,
        },
        "credit_apply_event": {
            "p_user_id": nobody,
            "p_event_kind": "grant",
            "p_operation": "manual_adjustment",
            "p_amount": 1,
            "p_reference_type": "system",
            "p_idempotency_key": key,
        },
        "credit_usage_window_totals": {"p_user_id": nobody},
        "trial_or_debit": {
            "p_user_id": nobody,
            "p_operation": "clone",
            "p_debit_amount": 1000,
            "p_reference_type": "voice",
            "p_reference_id": str(uuid.uuid4()),
            "p_idempotency_key": key,
        },
        "trial_restore": {"p_user_id": nobody, "p_operation": "clone", "p_idempotency_key": key},
    }
