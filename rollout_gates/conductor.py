"""Runs the flows of a system at the same time, each of them once.

A flow is an async function that acts on the system and returns a frozen observation. It asserts nothing.
The first check that asks for an observation starts every flow that the selected checks will ask for; a
check then waits for its own flow alone. So a gate takes as long as its longest flow, not as their sum.
Flows marked ``last`` (bursts) run one by one, after all the others have ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rollout_gates import comparison as comparisons
from rollout_gates.errors import UnknownFlow
from rollout_gates.evidence import streams
from rollout_gates.evidence.files import EvidenceNotWritten
from rollout_gates.families import Families
from rollout_gates.matrix import EVENT
from rollout_gates.migrations.asked import Asked
from rollout_gates.reasons import Reason
from rollout_gates.wire.client import current_transcript, current_turn
from rollout_gates.wire.errors import BadAnswer, CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.comparison import Comparison
    from rollout_gates.matrix import Matrix
    from rollout_gates.sound import Sound
    from rollout_gates.wire.reply import Reply

Result = TypeVar("Result")
_STEP_S = 0.2
_acting: ContextVar[str | None] = ContextVar("acting", default=None)
"""The flow that acts; the tasks that it starts inherit it."""
Act = Callable[["Context"], Awaitable[Any]]


@dataclass(frozen=True)
class Flow:
    """One thing to do to a system, under a name; *last* ones run alone, when all the others are done."""

    name: str
    act: Act
    last: bool = False


def flow(name: str, *, last: bool = False) -> Callable[[Act], Flow]:
    """Make an async function ``act(context) -> observation`` a `Flow` called *name*."""

    def wrap(act: Act) -> Flow:
        return Flow(name, act, last)

    return wrap


class Record(Protocol):
    """How the conductor writes into the run's events."""

    def __call__(self, kind: str, /, **fields: Any) -> None: ...


@dataclass
class Context:
    """What a flow is handed. One object a system and run; the session in it is shared by all flows.

    *sandbox_url* is the URL of the stand-in's remote control, where this run started a stand-in. *folder* is where the
    evidence lies, if any is kept. *window_s* and *as_of* (seconds since the epoch) are what the command line says of
    windows of time, if it says anything; *migration* is what it says of migrations.
    """

    system: str
    environment: Any
    settings: Any
    wire: Any
    budget: Any
    pace: Any
    journal: Any
    run_id: str
    cell: str = ""
    sandbox_url: str | None = None
    folder: Path | None = None
    window_s: float | None = None
    as_of: float | None = None
    migration: Asked = field(default_factory=Asked)
    golden: Mapping[str, Any] = field(default_factory=dict)
    record: Record = lambda _kind, /, **_fields: None
    session: Any = None
    stage: Stage | None = None

    @property
    def company(self) -> str:
        """The name under which the conductor knows the flows of this system and cell."""
        return company_of(self.system, self.cell)

    async def observe(self, name: str) -> Any:
        """Wait for the observation of flow *name*; raises what that flow raised."""
        if self.stage is None:
            raise UnknownFlow(self.system, name, ())
        return await self.stage.observe(name)

    async def after(self, *names: str) -> None:
        """Wait until those of the flows *names* are over that this run acts out at all, however they end."""
        if self.stage is not None:
            await self.stage.ended(lambda flow: flow.name in names)

    async def others_ended(self) -> None:
        """Wait until every flow has ended that is neither marked ``last`` nor of a family (``family:name``)."""
        if self.stage is not None:
            await self.stage.ended(lambda flow: not flow.last and ":" not in flow.name)

    async def heard(self, reply: Reply, label: str, text_units: int | None = None) -> Sound | None:
        """Keep what there is to keep of a stream, under a *label* in plain words; return its sound, if it has any."""
        about = {
            "label": label,
            "text_units": text_units,
            "folder": self.folder,
            "redactor": self.wire.recorder.redactor,
        }
        try:
            told, sound = await asyncio.to_thread(streams.observed, reply, **about)
        except EvidenceNotWritten as problem:
            raise CouldNotJudge(Reason.CHECK_ERRORED, str(problem)) from None
        self.record(streams.EVENT, system=self.system, cell=self.cell, flow=_acting.get(), **told)
        return sound

    def show(self, matrix: Matrix) -> None:
        """Put *matrix* into the evidence and the report; parts of the same title become one table."""
        self.record(EVENT, system=self.system, cell=self.cell, flow=_acting.get(), **matrix.told())

    def compare(self, comparison: Comparison) -> None:
        """Put *comparison*, two moments side by side, into the evidence and the report."""
        self.record(comparisons.EVENT, system=self.system, cell=self.cell, flow=_acting.get(), **comparison.told())

    def note(self, text: str) -> None:
        """Tell the person who waits what is going on; it is kept in the evidence as well."""
        self.record("note", text=text)


def company_of(system: str, cell: str) -> str:
    """Return the name of the flows of *system* in *cell*; a system without cells is its own company."""
    return f"{system}@{cell}" if cell else system


def transcript_of(company: str, flow: str) -> str:
    """Return the transcript that a flow's exchanges go to; flows of a family (``family:name``) share one."""
    return f"{company}.{flow.partition(':')[0]}"


OpenSession = Callable[[Context], contextlib.AbstractAsyncContextManager[Any]]


class Stage:
    """The flows of one system on the running event loop."""

    def __init__(self, context: Context, flows: Mapping[str, Flow]) -> None:
        self._context = context
        self._flows = flows
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._demanded: frozenset[str] = frozenset()
        self._rests_on: dict[str, set[str]] = {}
        self._more = asyncio.Event()
        self._families = Families()
        self._over = False
        context.stage = self

    def start(self, names: Iterable[str]) -> None:
        """Start every flow in *names*; the ones marked ``last`` queue up behind the rest."""
        self._demanded = frozenset(names)
        for name in sorted(self._demanded):
            self._task(name)

    async def observe(self, name: str) -> Any:
        """Return the observation of *name*, starting its flow if nobody did. A cancelled caller leaves it running."""
        task = self._task(name)
        if (who := _acting.get()) is not None:
            self._rests_on.setdefault(who, set()).add(name)
            self._more.set()
        return await asyncio.shield(task)

    async def hand_out(self, name: str) -> Any:
        """Return the observation of *name* to somebody outside of the event loop, members of a family in batches."""
        task = self._task(name)
        await asyncio.wait([task])
        await self._families.batch(name)
        return task.result()

    def ended_task(self, name: str) -> asyncio.Task[Any] | None:
        """Return the task of flow *name* if it has ended."""
        task = self._tasks.get(name)
        return task if task and task.done() else None

    def _task(self, name: str) -> asyncio.Task[Any]:
        if name not in self._flows:
            raise UnknownFlow(self._context.system, name, self._flows)
        if name not in self._tasks:
            if self._over:
                raise _too_late(self._context.company)
            task = asyncio.create_task(self._run(self._flows[name]), name=f"flow {name}")
            # The exception belongs to whoever observes; without this asyncio would report it a second time.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._tasks[name] = task
            self._families.joined(name, task)
        return self._tasks[name]

    async def _run(self, flow: Flow) -> Any:
        current_transcript.set(transcript_of(self._context.company, flow.name))
        _acting.set(flow.name)
        current_turn.set(self._families.turn(flow.name))
        if flow.last:
            await self._others_end(flow)
        record, started = self._context.record, time.monotonic()
        told = {"flow": flow.name, "system": self._context.system, "cell": self._context.cell}
        record("flow_started", **told)
        error: str | None = None
        try:
            return await flow.act(self._context)
        except BaseException as problem:
            error = type(problem).__name__
            raise
        finally:
            seconds = round(time.monotonic() - started, 6)
            record("flow_finished", **told, duration_s=seconds, error=error)

    async def _others_end(self, flow: Flow) -> None:
        """Wait for all that is not last, and for the last ones that come before *flow* by name."""
        await asyncio.sleep(0)
        await self.ended(lambda other: other.name != flow.name and (not other.last or other.name < flow.name))

    async def ended(self, which: Callable[[Flow], bool]) -> None:
        """Wait until every flow that was started, and that *which* picks, has ended, however it ended.

        Flows that themselves wait for the one that asks are not waited for: neither would ever end.
        """
        me = _acting.get()
        while others := [
            task
            for name, task in self._tasks.items()
            if not task.done() and which(self._flows[name]) and (me is None or not self._waits_for(name, me))
        ]:
            self._more.clear()
            more = asyncio.create_task(self._more.wait())
            await asyncio.wait([*others, more], return_when=asyncio.FIRST_COMPLETED)
            more.cancel()

    def _waits_for(self, name: str, other: str) -> bool:
        """Tell whether flow *name* rests on *other*, by itself or through what it rests on.

        A last flow rests on the last ones before it as well, since it queues up behind them.
        """
        seen, ahead = set[str](), [name]
        while ahead:
            seen.add(at := ahead.pop())
            ahead += (self._rests_on.get(at, set()) | (self._before(at) if at != name else set())) - seen
        return other in seen - {name}

    def _before(self, name: str) -> set[str]:
        """Return the last flows that *name*, if it is one, queues up behind."""
        mine = self._flows[name]
        return {other for other in self._tasks if mine.last and self._flows[other].last and other < name}

    async def finish(self) -> None:
        """Wait until all flows have ended; from then on none is started."""
        await self.ended(lambda _flow: True)
        self._over = True

    async def cancel(self) -> None:
        """End what still runs, and wait until it has ended."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@dataclass
class _Company:
    stage: Stage
    close: contextlib.AsyncExitStack


MakeContext = Callable[[str], contextlib.AbstractAsyncContextManager[Context]]
Before = Callable[[str], Iterable[str]]


def _nobody(_company: str) -> Iterable[str]:
    return ()


class Conductor:
    """Owns the event loop in the background, and one `Stage` a system.

    *make_context* opens what a system's flows share (wire, budget, session) and closes it at the end;
    *flows* are the flows of each system. `demand` is told, before anything starts, what checks will ask for.
    *before* names the companies that share a deployment with one and go before it: it is opened when all their flows
    have ended and they are closed, so that no two of them are ever at work at the same time.
    """

    def __init__(
        self, make_context: MakeContext, flows: Callable[[str], Mapping[str, Flow]], before: Before = _nobody
    ) -> None:
        self._make_context = make_context
        self._flows = flows
        self._before = before
        self._demands: dict[str, set[str]] = {}
        self._companies: dict[str, Future[_Company]] = {}
        self._openings: dict[str, asyncio.Task[_Company] | None] = {}
        self._over: set[str] = set()
        self._problems: list[Exception] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def demand(self, system: str, names: Iterable[str]) -> None:
        """Say that checks of *system* will observe *names*, so that all of them can start together."""
        self._demands.setdefault(system, set()).update(names)

    def observe(self, system: str, name: str, *, timeout_s: float | None = None) -> Any:
        """Return the observation of flow *name* of *system*; raises what the flow raised, or ``TimeoutError``."""
        try:
            if ended := self._ended(system, name):
                return ended.result()
            loop = self._running_loop()
            company = _patiently(self._company(loop, system), timeout_s)
            return _patiently(asyncio.run_coroutine_threadsafe(company.stage.hand_out(name), loop), timeout_s)
        except (CouldNotJudge, BadAnswer) as problem:
            # One and the same exception for all who ask: its traceback would grow with each of them.
            raise problem.with_traceback(None) from None

    def seen(self, system: str, name: str) -> Any:
        """Return the observation of flow *name* if it was made already, else ``None``; starts and raises nothing."""
        task = self._ended(system, name)
        return task.result() if task and not task.cancelled() and not task.exception() else None

    def _ended(self, system: str, name: str) -> asyncio.Task[Any] | None:
        """Return the flow if it has ended. What has ended changes no more, so no event loop need be asked."""
        opening = self._companies.get(system)
        if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
            return None
        return opening.result().stage.ended_task(name)

    def close(self) -> None:
        """Cancel what runs, close every session (which removes what the run made), and end the loop."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._close_companies(), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _close_companies(self) -> None:
        for opening in [task for task in self._openings.values() if task is not None and not task.done()]:
            # It is waited for: who is entering a cell has something to put back.
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        for task in filter(None, self._openings.values()):
            if not task.cancelled() and task.exception() is None:
                await task.result().stage.cancel()
                await self._closed(task.result())
        if self._problems:
            raise ExceptionGroup("clean-up failed", self._problems)

    async def _closed(self, company: _Company) -> None:
        """Close *company*. One system's clean-up must not keep another's from running."""
        try:
            await company.close.aclose()
        except Exception as problem:  # noqa: BLE001 - told at the end
            self._problems.append(problem)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="conductor", daemon=True)
                self._thread.start()
            return self._loop

    def _company(self, loop: asyncio.AbstractEventLoop, system: str) -> Future[_Company]:
        with self._lock:
            if system not in self._companies:
                if system in self._over:
                    raise _too_late(system)
                self._companies[system] = asyncio.run_coroutine_threadsafe(self._opening(system), loop)
            return self._companies[system]

    async def _opening(self, system: str) -> _Company:
        self._openings[system] = asyncio.current_task()
        for earlier in self._before(system):
            await self._leave(earlier)
        return await self._open(system)

    async def _leave(self, system: str) -> None:
        """Let *system* act, if anything is wanted of it, and close it."""
        with self._lock:
            self._over.add(system)
            opening = self._companies.get(system)
            if opening is None and self._demands.get(system):
                opening = asyncio.run_coroutine_threadsafe(self._opening(system), asyncio.get_running_loop())
                self._companies[system] = opening
        if opening is None:
            return
        try:
            company = await asyncio.wrap_future(opening)
        except Exception:  # noqa: BLE001 - it belongs to whoever observes
            return
        await company.stage.finish()
        await self._closed(company)

    async def _open(self, system: str) -> _Company:
        async with contextlib.AsyncExitStack() as stack:
            context = await stack.enter_async_context(self._make_context(system))
            stage = Stage(context, self._flows(system))
            stage.start(self._demands.get(system, ()))
            return _Company(stage, stack.pop_all())
        raise AssertionError  # pragma: no cover - the stack never swallows


def _too_late(company: str) -> CouldNotJudge:
    return CouldNotJudge(Reason.CHECK_DID_NOT_RUN, f"{company} was left already; its flows act no more")


@dataclass(frozen=True)
class ConductorIn:
    """The conductor as the checks of one cell see it: a system's name means its flows in this cell."""

    conductor: Conductor
    cell: str

    def observe(self, system: str, name: str, *, timeout_s: float | None = None) -> Any:
        """Return the observation of flow *name* of *system* in this cell, as `Conductor.observe` does."""
        return self.conductor.observe(company_of(system, self.cell), name, timeout_s=timeout_s)


def _patiently(future: Future[Result], timeout_s: float | None) -> Result:
    """Wait for *future* in short steps: a single long wait may keep Ctrl-C from the main thread until it ends."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while not future.done() and (deadline is None or time.monotonic() < deadline):
        with contextlib.suppress(TimeoutError):
            return future.result(_STEP_S)
    return future.result(0)


@contextlib.asynccontextmanager
async def opened(context: Context, open_session: OpenSession) -> AsyncIterator[Context]:
    """Open the system's session into *context* and close it afterwards."""
    async with open_session(context) as session:
        context.session = session
        yield context
