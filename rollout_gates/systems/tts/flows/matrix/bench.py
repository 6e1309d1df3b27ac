"""A user with a voice on an instance of their own, quick providers, and the places where a generate can be held up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.clone import clone
from rollout_gates.systems.tts.flows.design import design
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids, aftermath, rows
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.speaking import Start, start
from rollout_gates.systems.tts.flows.voice import can_speak
from rollout_gates.systems.tts.playground import Playground, playground
from rollout_gates.systems.tts.replies import is_terminal
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import Watch
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.settings import Settings

Call = tuple[str, str]
QUICK: Mapping[str, Mapping[str, float]] = {
    "modal": {"job_s": 0, "design_s": 0},
    "dashscope": {
        "clone_s": 0,
        "design_s": 0,
        "synthesis_s": 0,
        "per_character_s": 0,
        "realtime_first_s": 0,
        "realtime_delta_s": 0,
    },
}
_POLLER = Poller(first_s=0.03, factor=1.4, longest_s=0.3)
# On a busy machine; what does not come for a reason is waited for with less patience, by whoever knows.
PATIENCE_S = 45.0


@dataclass(frozen=True)
class Bench:
    """Where a scenario is played: one user of one playground, with a voice that can speak."""

    ground: Playground
    user: Identity
    voice_id: str

    @property
    def client(self) -> Client:
        """The user's client."""
        return self.user.client

    async def begin(self, what: str, *, voice_id: str | None = None) -> Start:
        """Have a short text spoken, unique to *what*."""
        return await start(
            self.ground.context, self.user, voice_id or self.voice_id, spoken(self.ground.context.run_id, what)
        )

    async def end(self, started: Start, *, patience_s: float = PATIENCE_S) -> Watch:
        """Wait until *started* has ended. Raises `CouldNotJudge` when it was never begun."""
        if started.task_id is None:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"a generate was answered {started.reply.status}, not begun")
        task_id = started.task_id
        polled = await _POLLER.until(lambda: self.client.task(task_id), is_terminal, deadline_s=patience_s)
        return Watch(task_id, polled.values, polled.ended, polled.waited_s)

    async def left(self, started: Start | Ids) -> Aftermath:
        """Return what is left of *started*."""
        return await aftermath(self.user, started)

    async def newest(self) -> Ids:
        """Return the ids of the user's newest generate, for an answer that gave none, or has not come yet."""
        order: dict[str, str | int] = {"order": "created_at.desc", "limit": 1}
        tasks = await rows(self.client, "tasks", type="eq.generate", **order)
        generations = await rows(self.client, "generations", **order)
        return Ids(*(str(found[0]["id"]) if found else None for found in (tasks, generations)))

    async def row(self, table: str, row_id: str | None) -> Mapping[str, Any]:
        """Return the user's row of *table*, empty when there is none."""
        found = await rows(self.client, table, id=f"eq.{row_id}")
        return found[0] if found else {}

    async def hold(self, call: Call, count: int = 1) -> None:
        """Keep back the next *count* answers of *call*."""
        await self.ground.providers.hold(*call, count)

    async def until_held(self, call: Call, count: int = 1) -> None:
        """Wait until *count* answers of *call* are kept back. Raises `CouldNotJudge` when that never happens."""
        if not await self.ground.providers.until_held(*call, count, patience_s=PATIENCE_S):
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{call[0]} was never asked for {call[1]}")

    async def release(self, call: Call) -> None:
        """Let what is held of *call* go."""
        await self.ground.providers.release(*call)


@contextlib.asynccontextmanager
async def bench(context: Context, **wanted: Any) -> AsyncIterator[Bench]:
    """Yield a bench in the mode and lane of *context*; *wanted* is handed on to `playground`.

    Raises `NotConfigured` outside a sandbox, `CouldNotJudge` where no voice can be made.
    """
    async with playground(context, **wanted) as ground:
        yield await set_up(ground)


async def set_up(ground: Playground) -> Bench:
    """Return a bench in *ground*. Raises `CouldNotJudge` where no voice can be made."""
    for provider, habits in QUICK.items():
        await ground.providers.options(provider, **habits)
    user = await ground.session.user_a()
    await ground.database.update("profiles", {"credits_remaining": RICH}, id=user.user_id)
    return Bench(ground, user, await usable_voice(ground.context))


async def usable_voice(context: Context) -> str:
    """Return a cloned voice, or where none can be had, a designed one: their making is not what is judged here."""
    needs = ("provider_voice_id", "provider_target_model") if context.settings.is_qwen else ()
    cloned = await clone.act(context)
    if cloned.voice_id and can_speak(cloned.row, needs):
        return str(cloned.voice_id)
    designed = await design.act(context)
    if designed.voice_id and can_speak(designed.row, needs):
        return str(designed.voice_id)
    raise CouldNotJudge(Reason.SOURCE_ABSENT, "no voice to speak with could be made in a playground")


def calls(settings: Settings) -> Mapping[str, Call]:
    """Return the calls to the provider that a generate makes, in their order, under names of our own.

    *last* is the one after which nothing but storing is left.
    """
    if not settings.is_qwen:
        return {"submit": ("modal", "submit"), "status": ("modal", "status"), "last": ("modal", "result")}
    if settings.lane == "realtime":
        return {"speak": ("dashscope", "realtime_created"), "last": ("dashscope", "realtime_finished")}
    return {"speak": ("dashscope", "synthesis"), "last": ("audio_host", "download")}


@contextlib.asynccontextmanager
async def meanwhile(act: Callable[[], Awaitable[Any]]) -> AsyncIterator[asyncio.Future[Any]]:
    """Run *act* beside the block; it is waited for at the end, and its answer stands in what is yielded."""
    running = asyncio.ensure_future(act())
    try:
        yield running
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def driven(bench: Bench, started: Start) -> AsyncIterator[asyncio.Future[Any] | None]:
    """Within the block, read the task once where reading is what moves it on (modal); a held read is waited for."""
    if bench.ground.settings.is_qwen or started.task_id is None:
        yield None
        return
    task_id = started.task_id
    async with meanwhile(lambda: bench.client.task(task_id)) as read:
        yield read
