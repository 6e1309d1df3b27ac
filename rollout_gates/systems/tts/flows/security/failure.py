"""Providers that fail while something is made: what the user sees, what it costs, and how often it was tried.

All of it in playgrounds. What a provider answers holds a canary wherever a real one would say something about itself:
in a URL, a key, a token, a path of a stack, and in the body around its message.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Ids
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows, prepare
from rollout_gates.systems.tts.flows.matrix.designing import wishes
from rollout_gates.systems.tts.flows.matrix.purse import Purse, only_credits, purse
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.replies import detail, is_terminal, json_object, status_of, text
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.settings import Settings
    from rollout_gates.wire import Reply

Script = Mapping[str, Any]
CATEGORIES = ("validation", "provider_rejected", "timeout", "provider_unavailable", "cancelled", "unknown")
"""What an error of a provider is sorted into (section 6.4)."""
# What the timeout of a provider call is set to where one hangs, and how long its task may then still be at work.
SHORT_S = "1"
_PATIENCE_S, _CALL_S = 10.0, 8.0
_POLLER = Poller(first_s=0.03, factor=1.5, longest_s=0.3)


@dataclass(frozen=True)
class Trouble:
    """One way in which a provider fails; *kind* is what it is to the system: section 6.4, or what cannot be said there.

    ``unavailable`` and ``timeout`` have a text of their own; ``refused`` is a 4xx, ``broken`` has no agreed text.
    """

    title: str
    script: Script
    kind: str


@dataclass(frozen=True)
class Failure:
    """One thing that was made while its provider failed.

    *answer* is to the call that began it, *status* how its task ended (for a clone, that of the answer), *texts* are
    what the user is told: in answers, in the task, in the generation. *calls* is how often the provider was asked.
    """

    what: str
    trouble: Trouble
    answer: Reply | None
    status: str | None
    texts: tuple[str, ...]
    before: Purse
    after: Purse
    calls: int

    @property
    def title(self) -> str:
        """What failed, and how."""
        return f"{self.what} with {self.trouble.title}"


@dataclass(frozen=True)
class Failures:
    """All failures, and the *canaries* that nobody may be shown."""

    found: tuple[Failure, ...]
    canaries: tuple[str, ...]


def canary_of(run_id: str) -> str:
    """Return the word that stands in whatever a provider says about itself."""
    return f"canary{run_id.rsplit('-', 1)[-1]}"


def words(canary: str) -> str:
    """Return a message such as a provider or a library might give, with all that must not be shown in it."""
    return (
        f"upstream https://{canary}.internal.example/v1?token=eyJ{canary}.eyJ.x refused key sk-{canary} "
        f"of DASHSCOPE_API_KEY at synth (/srv/{canary}/index.ts:42:7)"
    )


def troubles(canary: str) -> tuple[Trouble, ...]:
    """Return each way in which an answer of JSON goes wrong."""
    said = {"request_id": f"r-{canary[-6:]}", "code": "InternalError", "message": words(canary), "debug": canary}
    page = f"<html><body>{words(canary)}</body></html>"
    return (
        Trouble("a 500", {"status": 500, "body": said}, "unavailable"),
        Trouble("a 503 that is a page", {"status": 503, "body": page}, "unavailable"),
        Trouble("a 429", {"status": 429, "body": said}, "unavailable"),
        Trouble("a 504", {"status": 504, "body": said}, "timeout"),
        Trouble("a 200 that is a page", {"status": 200, "body": page}, "unavailable"),
        Trouble("a 200 without a result", {"status": 200, "body": {"json": {"output": {}}}}, "unavailable"),
        Trouble("a 200 that holds an error", {"status": 200, "body": {"json": said}}, "unavailable"),
        Trouble("a 200 that is null", {"status": 200, "body": {"json": None}}, "unavailable"),
        Trouble("a reset", {"drop": True}, "broken"),
        Trouble("a 400", {"status": 400, "body": said}, "refused"),
        Trouble("a 401", {"status": 401, "body": said}, "refused"),
        Trouble("a 402", {"status": 402, "body": said}, "refused"),
    )


def broken_downloads(canary: str) -> tuple[Trouble, ...]:
    """Return each way in which a file cannot be fetched."""
    page = f"<Error><Code>AccessDenied</Code><Message>{words(canary)}</Message></Error>"
    return (
        Trouble("a 503", {"status": 503, "body": page}, "unavailable"),
        Trouble("a 403", {"status": 403, "body": page}, "refused"),
        Trouble("a 404", {"status": 404, "body": page}, "refused"),
        Trouble("a reset", {"drop": True}, "broken"),
    )


def mishaps(canary: str) -> tuple[Trouble, ...]:
    """Return each way in which a realtime session goes wrong."""
    return tuple(
        Trouble(title, {"body": how}, "broken")
        for title, how in {
            "an error event": {"do": "error", "code": "InternalError", "message": words(canary)},
            "a close": {"do": "close", "code": 1011, "reason": canary},
            "a cut line": {"do": "drop"},
            "a frame that is not JSON": {"do": "text", "data": words(canary)},
        }.items()
    )


@dataclass(frozen=True)
class Making:
    """One thing to make, and the call to a provider that fails under it."""

    what: str
    provider: str
    call: str
    troubles: tuple[Trouble, ...]


def makings(settings: Settings, canary: str) -> tuple[Making, ...]:
    """Return what is made in this mode and lane, with the troubles of each."""
    usual = troubles(canary)
    if not settings.is_qwen:
        job = tuple(each for each in usual if each.title != "a 200 that holds an error")
        preview = tuple(each for each in usual if not each.title.startswith("a 200"))
        failed_job = {"json": {"status": "failed", "error": words(canary)}}
        asked = (Trouble("a job that failed", {"status": 200, "body": failed_job}, "broken"),)
        return (
            Making("a generate", "modal", "submit", job),
            Making("a generate", "modal", "status", asked),
            Making("a preview", "modal", "design", preview),
        )
    made = [
        Making("a clone", "dashscope", "clone_create", usual),
        Making("a preview", "dashscope", "design_create", usual),
    ]
    if settings.lane == "realtime":
        return (*made, Making("a generate", "dashscope", "realtime_session", mishaps(canary)))
    return (
        *made,
        Making("a generate", "dashscope", "synthesis", usual),
        Making("a generate's download", "audio_host", "download", broken_downloads(canary)),
    )


@flow("failures")
async def failures(context: Context) -> Failures:
    """Make everything while its provider fails in every way, side by side."""
    canary = canary_of(context.run_id)
    found = await asyncio.gather(*(_all_of(context, each) for each in makings(context.settings, canary)))
    return Failures(tuple(failure for each in found for failure in each), (canary,))


@flow("stalls")
async def stalls(context: Context) -> Failures:
    """Make everything while its provider never answers, or stops in the middle, with a timeout of a second."""
    canary = canary_of(context.run_id)
    stalled = {"status": 200, "body": {"json": {"output": canary * 100}}, "stall": True}
    hangs = (
        Trouble("no answer", {"latency_s": 600.0}, "timeout"),
        Trouble("half of an answer", stalled, "timeout"),
    )
    silence = (Trouble("a silent session", {"body": {"do": "silence"}}, "broken"),)
    makes = [each for each in makings(context.settings, canary) if (each.provider, each.call) != ("modal", "status")]
    hung = [replace(each, troubles=silence if each.call == "realtime_session" else hangs) for each in makes]
    found = await asyncio.gather(*(_all_of(context, each, PROVIDER_TIMEOUT_SECONDS=SHORT_S) for each in hung))
    return Failures(tuple(failure for each in found for failure in each), (canary,))


@flow("missing_keys")
async def missing_keys(context: Context) -> Failures:
    """Make everything where the variables are missing that name the provider and its key."""
    absent = {"MODAL_JOB_SUBMIT": None, "MODAL_ENDPOINT_VOICE_DESIGN": None}
    variables = {"DASHSCOPE_API_KEY": None} if context.settings.is_qwen else absent
    makes = [each for each in makings(context.settings, "") if each.call not in {"status", "download"}]
    found = []
    async with bench(context) as place:
        await place.ground.set_variables(**variables)
        for making in makes:
            user, before = await _rich(place)
            trouble = Trouble("a missing variable", {}, "broken")
            found.append(await _made(replace(place, user=user), making, trouble, before))
    return Failures(tuple(found), tuple(variables))


async def _all_of(context: Context, making: Making, **variables: str) -> list[Failure]:
    """Make one thing with each of its troubles; one that does not end keeps its user busy, so it is the last one."""
    found: list[Failure] = []
    async with bench(context) as place:
        await place.ground.set_variables(**variables)  # the voice is made without them: that may take its time
        for trouble in making.troubles:
            user, before = await _rich(place)
            await place.ground.providers.script(making.provider, making.call, times=0, **trouble.script)
            found.append(await _made(replace(place, user=user), making, trouble, before))
            await place.ground.providers.unscript(making.provider)
            if found[-1].status is None:
                break
    return found


async def _rich(place: Bench) -> tuple[Identity, Purse]:
    """Return the user, who pays in credits alone, so that a return too many shows."""
    await only_credits(place.ground, place.user.user_id)
    return place.user, await purse(place.client)


async def _made(place: Bench, making: Making, trouble: Trouble, before: Purse) -> Failure:
    """Make it, and look at what is left when it has ended, or at the end of our patience."""
    providers = place.ground.providers
    earlier = len(await providers.requests(making.provider, _logged(making.call)))
    answer: Reply | None = None
    status: str | None = None
    texts: tuple[str, ...] = ()
    with contextlib.suppress(CouldNotJudge):  # an answer that never comes is what is looked for
        act = {"a clone": _clone, "a preview": _preview}.get(making.what, _generate)
        answer, status, texts = await act(place)
    calls = len(await providers.requests(making.provider, _logged(making.call))) - earlier
    after = await purse(place.client)
    return Failure(making.what, trouble, answer, status, texts, before, after, calls)


def _logged(call: str) -> str:
    """Return the name that requests of *call* stand under."""
    return "realtime" if call == "realtime_session" else call


Made = tuple["Reply", "str | None", tuple[str, ...]]


async def _clone(place: Bench) -> Made:
    stage = Scene(place.ground.context, place.ground)
    prepared = await prepare(stage, place.user, f"x{secrets.token_hex(4)}")
    answer = await place.client.raw("POST", "/clone/finalize", json=prepared.said, timeout_s=_CALL_S)
    made = await own_rows(place.user, "voices", id=f"eq.{prepared.voice_id}")
    status = "completed" if made or answer.status == 200 else "failed"
    return answer, status, _shown(answer)


async def _preview(place: Bench) -> Made:
    stage = Scene(place.ground.context, place.ground)
    begun = await place.client.design_preview(**wishes(stage, f"x{secrets.token_hex(4)}"))
    task_id = text(json_object(begun), "task_id")
    if task_id is None:
        return begun, "failed", _shown(begun)
    last = await _end_of(place, task_id)
    task = await place.row("tasks", task_id)
    return begun, _ended(last), (*_shown(begun, last), *_texts(task, "error", "result"))


async def _generate(place: Bench) -> Made:
    said = spoken(place.ground.context.run_id, f"x{secrets.token_hex(4)}")
    answer = await place.client.raw(
        "POST", "/generate", json={"voice_id": place.voice_id, "text": said, "language": "Auto"}, timeout_s=_CALL_S
    )
    given = json_object(answer)
    ids = Ids(text(given, "task_id"), text(given, "generation_id"))
    if ids.task_id is None:
        ids = await place.newest()
    last = await _end_of(place, ids.task_id) if ids.task_id else answer
    task = await place.row("tasks", ids.task_id) if ids.task_id else {}
    generation = await place.row("generations", ids.generation_id) if ids.generation_id else {}
    rows = (*_texts(task, "error", "result", "metadata"), *_texts(generation, "error_message", "provider_metadata"))
    return answer, _ended(last), (*_shown(answer, last), *rows)


async def _end_of(place: Bench, task_id: str) -> Reply:
    polled = await _POLLER.until(lambda: place.client.task(task_id), is_terminal, deadline_s=_PATIENCE_S)
    return polled.last


def _ended(last: Reply) -> str | None:
    return status_of(last) if is_terminal(last) else None


def _shown(*replies: Reply) -> tuple[str, ...]:
    """Return what the answers say of the error."""
    said = [detail(reply) or text(json_object(reply), "error") for reply in replies]
    return tuple(each for each in said if each)


def _texts(row: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in names if row.get(name))
