"""Removes what a run made and left: after a crash, or when the target was down at the run's end.

The run's own evidence is sealed, so nothing is written into it. What the clean-up does is recorded beside it, in
`<DIR>.cleanup/`, and read from there again, so that a second clean-up goes on where the first one stopped.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from rollout_gates.changes import Change, unrestored
from rollout_gates.conductor import Context, opened
from rollout_gates.environment import Environment
from rollout_gates.evidence.events import FILE_NAME, EventLog, read_events
from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.transcript import Recorder
from rollout_gates.wire import Budget, CouldNotJudge, Journal, Pace, Resource, TargetUnreachable, TimedOut, Wire
from rollout_gates.wire import outstanding as still_outstanding
from rollout_gates.wire.errors import one_line

Remove = Callable[[Resource], Awaitable[None]]


@dataclass(frozen=True)
class Left:
    """What a run left behind, and what it changed and did not put back.

    *run* is what its `run_started` event says of it, empty when that is lost.
    """

    run: Mapping[str, Any]
    resources: tuple[Resource, ...]
    damage: tuple[str, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Removal:
    """What became of one resource; *left* says in one line why it is still there, None when it is gone."""

    resource: Resource
    left: str | None = None
    word: str = "removed"


def beside(directory: Path) -> Path:
    """Return the folder in which clean-ups of the run in *directory* are recorded."""
    resolved = directory.resolve()
    return resolved.with_name(f"{resolved.name}.cleanup")


def left_behind(directory: Path) -> Left:
    """Read what the run in *directory*, and earlier clean-ups of it, left behind: newest first."""
    told = read_events(directory / FILE_NAME)
    since = read_events(beside(directory) / FILE_NAME) if beside(directory).exists() else None
    events = [*told.events, *(since.events if since else ())]
    damage = (*told.damage, *(since.damage if since else ()))
    run = told.first("run_started").get("run", {})
    return Left(run, tuple(still_outstanding(events)), damage, tuple(unrestored(events)))


async def clean(
    resources: Iterable[Resource], remove: Remove, journal: Journal, redact: Callable[[str], str]
) -> list[Removal]:
    """Remove *resources* in order; write down what became of each.

    Once the target does not answer, the rest is left untried, for the same reason.
    """
    removals: list[Removal] = []
    dead: str | None = None
    for resource in resources:
        problem = dead
        if problem is None:
            problem, is_dead = await _try(resource, remove)
            dead = problem if is_dead else None
        if problem is None:
            journal.removed(resource, "removed by a later clean-up")
            removals.append(Removal(resource))
        else:
            problem = redact(problem)
            journal.left(resource, problem)
            removals.append(Removal(resource, problem))
    return removals


async def _try(resource: Resource, remove: Remove) -> tuple[str | None, bool]:
    """Return why *resource* is still there (None: it is gone), and whether the target is dead."""
    try:
        await remove(resource)
    except (TargetUnreachable, TimedOut) as problem:
        return str(problem), True
    except CouldNotJudge as problem:
        return str(problem), False
    except Exception as problem:  # noqa: BLE001 - whatever keeps one thing must not keep the others
        return one_line(problem) or type(problem).__name__, False
    return None, False


async def clean_run(
    directory: Path, left: Left, environment: Environment, packages: Mapping[str, ModuleType]
) -> list[Removal]:
    """Put back what *left* lists, and remove the rest from the systems of *environment*, system by system."""
    redactor = Redactor()
    for settings in environment.systems.values():
        for name, secret in settings.held_secrets.items():
            redactor.register(secret.reveal(), name)
    removals: list[Removal] = []
    with EventLog(beside(directory) / FILE_NAME, redactor.redact) as log:
        cleaning = _Cleaning(directory, str(left.run.get("id") or directory.name), environment, redactor, log)
        known = [
            change for change in left.changes if change.system in packages and change.system in environment.systems
        ]
        removals += [await cleaning.put_back(change, packages[change.system]) for change in known]
        for system, resources in _by_system(left.resources).items():
            package = packages.get(system)
            if package is None:
                removals += await cleaning.refuse(resources, f"no system is called {system}")
            elif system not in environment.systems:
                removals += await cleaning.refuse(resources, f"{environment.path} configures no {system}")
            else:
                removals += await cleaning.clean(resources, package)
    return removals


@dataclass(frozen=True)
class _Cleaning:
    """One clean-up of one run."""

    directory: Path
    run_id: str
    environment: Environment
    redactor: Redactor
    log: EventLog

    async def clean(self, resources: Sequence[Resource], package: ModuleType) -> list[Removal]:
        """Open a session of the system and remove *resources* through it."""
        try:
            async with self._context(package.KEY) as context, opened(context, package.open_session):

                async def remove(resource: Resource) -> None:
                    await package.remove(context.session, resource)

                return await clean(resources, remove, Journal(self.log.append), self.redactor.redact)
        except CouldNotJudge as problem:
            return await self.refuse(resources, str(problem))

    async def put_back(self, change: Change, package: ModuleType) -> Removal:
        """Put back what the run changed."""
        changed = Resource(change.system, change.what, change.home, "the environment file")
        try:
            async with self._context(package.KEY) as context:
                problem = await package.restore(context) or None
        except CouldNotJudge as refusal:
            problem = str(refusal)
        return Removal(changed, self.redactor.redact(problem) if problem else None, "restored")

    async def refuse(self, resources: Sequence[Resource], why: str) -> list[Removal]:
        """Leave all of *resources* where they are."""

        async def refuse(_: Resource) -> None:
            raise RuntimeError(why)

        return await clean(resources, refuse, Journal(self.log.append), self.redactor.redact)

    @contextlib.asynccontextmanager
    async def _context(self, system: str) -> AsyncIterator[Context]:
        """What a session needs. Nothing may be spent in it."""
        settings, log = self.environment.systems[system], self.log
        rates, window_s = settings.rates()
        recorder = Recorder(beside(self.directory) / "transcripts", self.redactor, worker="cleanup")
        with tempfile.TemporaryDirectory(prefix="rollout-gates-") as state, contextlib.closing(recorder):
            pace = Pace(Path(state) / "pace.json", rates, window_s, note=self._note)
            timeout_s = self.environment.limits.timeout_s
            async with Wire(recorder, run_id=self.run_id, timeout_s=timeout_s, pace=pace, note=self._note) as wire:
                yield Context(
                    system=system,
                    environment=self.environment,
                    settings=settings,
                    wire=wire,
                    budget=Budget(Path(state) / "spent.json", {"billable_calls": 0, "burst_requests": 0}, log.append),
                    pace=pace,
                    journal=Journal(log.append),
                    run_id=self.run_id,
                    record=log.append,
                )

    def _note(self, text: str) -> None:
        self.log.append("note", text=text)


def _by_system(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for resource in resources:
        found.setdefault(resource.system, []).append(resource)
    return found
