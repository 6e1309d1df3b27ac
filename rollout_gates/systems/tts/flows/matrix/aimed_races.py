"""Cancels on a deployment, aimed at moments that a client can see or guess. What is asserted is never the moment.

With qwen the rows of the task and of its generation are watched: the cancel goes out at once, when they have changed
for the first, second, third time, when the generation says that it is completed, and at last when the task does. With
modal it is a read that moves a task: the cancel goes out beside the read that should bring the audio home, each time a
little later; once while the job is handed in; and twice while a job fails. Every try and its moment is told in the
evidence.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import Ids, aftermath, rows
from rollout_gates.systems.tts.flows.matrix.planting import voice_in_vain
from rollout_gates.systems.tts.flows.matrix.races import Race, Races
from rollout_gates.systems.tts.flows.matrix.scene import SMOKE, Scene
from rollout_gates.systems.tts.flows.matrix.treasury import Treasury
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.flows.settling import settled
from rollout_gates.systems.tts.flows.speaking import Start, start
from rollout_gates.systems.tts.replies import TERMINAL
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
    from rollout_gates.systems.tts.flows.speech import Speech
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

    Act = Callable[["Track"], Awaitable["Attempt"]]

TRIES = 8
"""Generates that are cancelled, in either mode."""
_FUNDS = 1000
# The windows that are aimed at are some ten milliseconds wide, so this is as often as a client can look.
_POLLER = Poller(first_s=0.01, factor=1.02, longest_s=0.25)
_SETTLING = Poller(first_s=0.2, factor=1.5, longest_s=2.0)
# What is still under way after a cancel has had its effect after twice the time of a whole generate, within these.
_LEAST_S, _MOST_S = 1.0, 30.0


@dataclass(frozen=True)
class Attempt:
    """One cancel that was tried: of which generate, *after_s* from its start, and the read that was under way."""

    ids: Start | Ids
    after_s: float
    cancel: Reply
    late: Reply | None = None


@dataclass(frozen=True)
class Track:
    """Where races are run. *whole_s* is from the answer of a generate to its end, *reads_s* what its reads took."""

    stage: Scene
    user: Identity
    voice_id: str
    in_vain_id: str | None
    whole_s: float
    reads_s: list[float]

    async def begin(self, what: str, *, voice_id: str | None = None) -> Start:
        """Have a text spoken."""
        said = spoken(self.stage.context.run_id, what)
        return await start(self.stage.context, self.user, voice_id or self.voice_id, said)

    async def state(self, ids: Start | Ids) -> tuple[str | None, str | None, str | None]:
        """Return the status of the task, of its work at the provider, and of its generation."""
        tasks, generations = await asyncio.gather(
            rows(self.user.client, "tasks", id=f"eq.{ids.task_id}"),
            rows(self.user.client, "generations", id=f"eq.{ids.generation_id}"),
        )
        task, generation = (found[0] if found else {} for found in (tasks, generations))
        return task.get("status"), task.get("provider_status"), generation.get("status")

    async def cancel(self, ids: Start | Ids, begun: float) -> Attempt:
        """Cancel now."""
        after_s = time.monotonic() - begun
        return Attempt(ids, after_s, await self.user.client.cancel_task(ids.task_id or ""))


async def aimed_races(context: Context) -> Races:
    """Run the races of the mode. Raises `CouldNotJudge` where nothing is spoken that could be cancelled."""
    await context.after(*SMOKE)
    speech: Speech | None = await settled(context, "speech")
    if speech is None or speech.watch is None or speech.watch.status != "completed":
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "no speech was completed, so there is nothing to race with")
    plain = await aftermath(await context.session.user_a(), speech.started)
    track = await _track(Scene(context), speech)
    async with track.user.busy:
        tried = await _tried(track)
        return Races(tuple(await _races(track, tried)), plain)


async def _track(stage: Scene, speech: Speech) -> Track:
    user = await stage.user("racer")
    voice_id = await own_voice(stage, user)
    if user.fresh and stage.can_plant:
        await Treasury(stage).grant(user, _FUNDS)
    in_vain_id = None
    if not stage.session.settings.is_qwen and stage.can_plant:
        in_vain_id = await voice_in_vain(stage, user, "failing race")
    seen = speech.watch
    assert seen is not None
    return Track(stage, user, voice_id, in_vain_id, seen.waited_s, [seen.last.elapsed_s])


async def _tried(track: Track) -> dict[str, Attempt]:
    """Try each aim once, as long as there is money; at least one."""
    found: dict[str, Attempt] = {}
    for number, (aim, act) in enumerate(_aims(track).items(), start=1):
        try:
            attempt = await act(track)
        except CouldNotJudge as problem:
            if not found or problem.reason is not Reason.OUT_OF_BUDGET:
                raise
            break
        title = f"try {number} of {TRIES}, {aim}"
        found[title] = attempt
        track.stage.context.note(f"cancel race, {title}: {attempt.after_s:.3f} s, answered {attempt.cancel.status}")
        if attempt.cancel.status != 200:
            await watch(track.user.client, attempt.ids.task_id or "", patience_s=_patience_s(track))
    return found


def _patience_s(track: Track) -> float:
    return float(track.stage.session.settings.latency_budget_s)


def _aims(track: Track) -> dict[str, Act]:
    if not track.stage.session.settings.is_qwen:
        return _aims_modal(track)
    return {
        "at once": _after_changes(0),
        **{f"when its rows had changed ({count})": _after_changes(count) for count in range(1, 4)},
        **{f"when its generation was completed ({count})": _when_completed(2) for count in "abc"},
        "when its task was completed": _when_completed(0),
    }


def _after_changes(count: int) -> Act:
    async def act(track: Track) -> Attempt:
        begun = time.monotonic()
        started = await track.begin(f"Race {count}")
        seen: list[object] = []

        def enough(state: tuple[str | None, str | None, str | None]) -> bool:
            if not seen or seen[-1] != state:
                seen.append(state)
            return len(seen) > count or state[0] in TERMINAL

        await _POLLER.until(lambda: track.state(started), enough, deadline_s=_patience_s(track))
        return await track.cancel(started, begun)

    return act


def _when_completed(which: int) -> Act:
    """Cancel when the *which* part of the state says completed, or the task has ended otherwise."""

    async def act(track: Track) -> Attempt:
        begun = time.monotonic()
        started = await track.begin("Race to the end")

        def over(state: tuple[str | None, str | None, str | None]) -> bool:
            return state[which] == "completed" or state[0] in TERMINAL

        await _POLLER.until(lambda: track.state(started), over, deadline_s=_patience_s(track))
        return await track.cancel(started, begun)

    return act


def _aims_modal(track: Track) -> dict[str, Act]:
    parts = {f"{part:.0%} into the read that brings it home": part for part in (0.0, 0.25, 0.5, 0.75)}
    beside: dict[str, Act] = {aim: _beside_a_read(part) for aim, part in parts.items()}
    failing = track.in_vain_id is not None
    fails = {
        f"beside a read of a job that fails ({count})": _beside_a_read(0.1 * count, failing=failing) for count in (0, 1)
    }
    return {"while its job was handed in": _handed_in, **beside, **fails, "when its end was seen": _read_to_the_end}


async def _handed_in(track: Track) -> Attempt:
    """Cancel as soon as there is a task, though generate has not been answered yet."""
    begun = time.monotonic()
    starting = asyncio.ensure_future(track.begin("Race while handed in"))

    async def newest() -> Ids | None:
        found = await rows(track.user.client, "tasks", type="eq.generate", order="created_at.desc", limit=1)
        active = found and found[0]["status"] not in TERMINAL
        return Ids(found[0]["id"], found[0]["generation_id"]) if active else None

    try:
        polled = await _POLLER.until(newest, lambda ids: ids is not None or starting.done(), deadline_s=_MOST_S)
        ids: Start | Ids = polled.last if polled.last is not None else await starting
        attempt = await track.cancel(ids, begun)
        await starting
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
    return attempt


def _beside_a_read(part: float, *, failing: bool = False) -> Act:
    async def act(track: Track) -> Attempt:
        begun = time.monotonic()
        started = await track.begin("Race beside a read", voice_id=track.in_vain_id if failing else None)
        # Nobody may look before: the look would be the read that moves it.
        await asyncio.sleep(track.whole_s)
        reading = asyncio.ensure_future(track.user.client.task(started.task_id or ""))
        await asyncio.sleep(part * min(track.reads_s))
        attempt = await track.cancel(started, begun)
        late = await reading
        track.reads_s.append(late.elapsed_s)
        return Attempt(attempt.ids, attempt.after_s, attempt.cancel, late)

    return act


async def _read_to_the_end(track: Track) -> Attempt:
    begun = time.monotonic()
    started = await track.begin("Race to the end")
    await watch(track.user.client, started.task_id or "", patience_s=_patience_s(track))
    return await track.cancel(started, begun)


async def _races(track: Track, tried: dict[str, Attempt]) -> list[Race]:
    """Look at what each try left behind, when all that was under way must have come in."""
    won = [attempt.ids.task_id for attempt in tried.values() if attempt.cancel.status == 200]

    async def disturbed() -> bool:
        found = await rows(track.user.client, "tasks", id=f"in.({','.join(str(each) for each in won)})")
        return any(row["status"] != "cancelled" for row in found)

    if won:
        await _SETTLING.until(disturbed, bool, deadline_s=min(_MOST_S, max(_LEAST_S, 2 * track.whole_s)))
    left: list[Aftermath] = [await aftermath(track.user, attempt.ids) for attempt in tried.values()]
    return [
        Race(title, attempt.cancel, after, after, attempt.late)
        for (title, attempt), after in zip(tried.items(), left, strict=True)
    ]
