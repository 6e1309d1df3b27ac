"""What a run is made of, opened once a process: environment, catalogue, expected set, events, conductor, stand-in."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from rollout_gates import golden, registry
from rollout_gates.catalogue import Catalogue, load, scan_claims
from rollout_gates.cells import (
    Cell,
    Reach,
    absent_cells,
    first_settings,
    hand_down_secrets,
    open_cells,
    provisional_cells,
    share_cells,
    shared_cells,
)
from rollout_gates.changes import unrestored
from rollout_gates.commands import end_group
from rollout_gates.conductor import Conductor, ConductorIn, Context, Flow, company_of, opened, transcript_of
from rollout_gates.environment import Draft, Environment, SystemSettings, read_environment
from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.events import EventLog, EventLogFailed, read_events
from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.sightings import Sightings
from rollout_gates.evidence.transcript import Recorder, file_name
from rollout_gates.expectation import (
    Absent,
    Row,
    expected_rows,
    refuse_unknown_waivers,
    selected_systems,
    standards_of,
)
from rollout_gates.ledger import Store, open_store, usual_place
from rollout_gates.migrations.asked import Asked
from rollout_gates.reasons import Reason
from rollout_gates.run import STATE, Run, command_line, evidence_folder, new_run_id, open_log, versions
from rollout_gates.sandbox_process import SandboxProcess, start_sandbox
from rollout_gates.selection import GATES, selector
from rollout_gates.slo.windows import duration_s
from rollout_gates.wire.budget import Budget
from rollout_gates.wire.client import Wire
from rollout_gates.wire.errors import CouldNotJudge
from rollout_gates.wire.journal import Journal
from rollout_gates.wire.pace import Pace
from rollout_gates.wire.shared import SharedState

_TRANSCRIPTS = "transcripts"
# Events of what has been done already; all others are written before something is done.
_AFTERWARDS = {"flow_finished", "resource_removed", "resource_left", "change_running", "change_made"}


@dataclass(frozen=True)
class Options:
    """The command line, as far as gates are concerned."""

    env: str | None
    system: str | None
    profile: Any
    fault: str | None
    evidence: str | None
    phase: str | None
    stage: int | None
    window: str | None
    as_of: str | None
    update_golden: bool
    markers: str
    root: Path
    collect_only: bool = False
    before: str | None = None
    migrations: str | None = None
    migration_base: str | None = None

    def migration(self, environment: str) -> Asked:
        """Return what was asked of migrations, for the environment of that name."""
        usual = _near(self.root / "reports" / environment / "migration-before.json")
        return Asked(
            self.phase,
            Path(self.migrations) if self.migrations else None,
            self.migration_base,
            Path(self.before) if self.before else usual,
        )

    @property
    def window_s(self) -> float | None:
        """The length of a window in seconds. Raises `UsageProblem` for what is no duration."""
        if self.window is None:
            return None
        try:
            return duration_s(self.window)
        except ValueError as problem:
            raise UsageProblem(f"--window: {self.window!r} {problem}") from None

    @property
    def as_of_s(self) -> float | None:
        """The moment of the clock that windows are judged by, in seconds since the epoch. Raises `UsageProblem`."""
        return None if self.as_of is None else _instant(self.as_of).timestamp()


@dataclass
class Session:
    """One process's share of a run. Only the controlling process has a `run`; *log* is absent when nothing is run."""

    options: Options
    environment: Environment
    catalogue: Catalogue
    rows: Mapping[str, Row]
    cells: Mapping[str, Cell]
    systems: tuple[str, ...]
    run_id: str
    folder: Path | None = None
    log: EventLog | None = None
    run: Run | None = None
    sandbox: SandboxProcess | None = None
    redactor: Redactor = field(default_factory=Redactor)
    conductor: Conductor = field(init=False)
    golden: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    worker: str = "main"
    absent: Absent = field(default_factory=dict)
    _groups_of: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.conductor = Conductor(self._context, self.flows, self.before)

    def record(self, kind: str, /, **fields: Any) -> None:
        """Append one event, if the run keeps any. The run that cannot is told so, once, and ends without a GO."""
        try:
            self._append(kind, **fields)
        except EventLogFailed as problem:
            if self.run is not None:
                self.run.lose(str(problem))

    def _append(self, kind: str, /, **fields: Any) -> None:
        if self.log is not None:
            self.log.append(kind, **fields)

    def _append_first(self, kind: str, /, **fields: Any) -> None:
        """Append one event of a flow, which must not act when it cannot be written down: nobody could clean up."""
        if kind in _AFTERWARDS:
            self.record(kind, **fields)
            return
        try:
            self._append(kind, **fields)
        except EventLogFailed as problem:
            raise CouldNotJudge(Reason.CHECK_ERRORED, str(problem)) from None

    def cell_names(self, system: str) -> list[str]:
        """Return the names of the cells of *system*; one without a name where it is judged as it stands."""
        return [cell.name for cell in self.cells.values() if cell.system == system]

    def environment_in(self, cell: str) -> Environment:
        """Return the environment with the settings of *cell* for each system that has it."""
        mine = {each.system: each.settings for each in self.cells.values() if each.name == cell}
        return replace(self.environment, systems={**self.environment.systems, **mine})

    def conductor_in(self, cell: str) -> ConductorIn:
        """Return the conductor as checks of *cell* see it."""
        return ConductorIn(self.conductor, cell)

    @staticmethod
    def row_in(row: Row, cell: str) -> Mapping[str, Any]:
        """Return what the expected *row* says of *cell*."""
        return next((told for told in row["cells"] if told["cell"] == cell), row)

    def flows(self, company: str) -> Mapping[str, Flow]:
        """Return the flows of *company*'s system: its own, and one a golden case."""
        system = self.cells[company].system
        package = registry.system_packages()[system]

        def sends(case: Any) -> Flow:
            async def act(context: Context) -> Any:
                return await package.send_golden(context, case)

            return Flow(f"golden:{case.id}", act)

        golden = {f"golden:{case.id}": sends(case) for case in self.golden.get(system, {}).values()}
        return {**package.FLOWS, **golden}

    def runs_last(self, company: str, flow: str) -> bool:
        """Whether *flow* of *company* waits for all the others."""
        found = registry.system_packages()[self.cells[company].system].FLOWS.get(flow)
        return found is not None and found.last

    def turn(self, system: str, cell: str) -> int:
        """Return when the checks of *cell* are to run: those of one deployment one cell after the other."""
        return len(self.before(company_of(system, cell)))

    def before(self, company: str) -> list[str]:
        """Return the companies that share a deployment with *company* and go before it, in order."""
        cell = self.cells.get(company)
        if cell is None or not cell.in_turn:
            return []
        group = [name for name, each in self.cells.items() if each.group == cell.group]
        return group[: group.index(company)]

    def group_of(self, nodeid: str) -> str:
        """Return the group whose flows a collected check rests on: one process has to run all its checks."""
        if not self._groups_of and self.log is not None:
            rows = (row for event in read_events(self.log.path).of("collected") for row in event["checks"])
            self._groups_of = {row["nodeid"]: self._group(row) for row in rows}
        return self._groups_of.get(nodeid, "")

    def _group(self, row: Mapping[str, Any]) -> str:
        company = company_of(self.catalogue.ids[row["clauses"][0]].system, row["cell"])
        return self.cells[company].group if company in self.cells else company

    def scan_claims(self, path: Path) -> set[str]:
        """Return the clauses that a module names which may not even be importable."""
        return scan_claims(path) & set(self.catalogue.ids)

    def redact(self, text: str) -> str:
        """Return *text* without secrets."""
        return self.redactor.redact(text)

    def redact_repr(self, shown: Any) -> Any:
        """Return pytest's *shown* failure as it is, or as redacted text when a secret stands in it."""
        text = str(shown)
        clean = self.redact(text)
        return shown if clean == text else clean

    def exchanges(self, pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        """Return where the exchanges behind these (company, flow) pairs are recorded; no id is all of a file."""
        found = []
        for company, flow in pairs:
            seen = sorted(exchanges_of(self.conductor.seen(company, flow))) if ":" in flow else []
            pairs_of = seen or [(transcript_of(company, flow), None)]
            found += [{"transcript": f"{_TRANSCRIPTS}/{file_name(name)}.jsonl", "id": each} for name, each in pairs_of]
        return found

    @contextlib.asynccontextmanager
    async def _context(self, company: str) -> AsyncIterator[Context]:
        """Open all that the flows of *company* share, and enter its cell."""
        cell = self.cells[company]
        package = registry.system_packages()[cell.system]
        async with self._plain_context(company) as context, opened(context, package.open_session):
            if not cell.in_turn:
                yield context
                return
            self._claim(cell)
            # It is left before the session removes what was made: that may take long, and this must not.
            async with package.entered(context):
                yield context

    @contextlib.asynccontextmanager
    async def _plain_context(self, company: str) -> AsyncIterator[Context]:
        """Open what a session of *company* rests on."""
        if self.folder is None:
            raise UsageProblem("nothing can be observed while tests are only collected")
        cell = self.cells[company]
        system, limits, settings = cell.system, self.environment.limits, cell.settings
        sightings = Sightings.of(self.redactor, settings)
        recorder = Recorder(self.folder / _TRANSCRIPTS, self.redactor, worker=self.worker, sightings=sightings)
        rates, window_s = settings.rates()
        pace = Pace(self.folder / STATE / f"pace-{cell.group}.json", rates, window_s, note=self._note)
        async with Wire(recorder, run_id=self.run_id, timeout_s=limits.timeout_s, pace=pace, note=self._note) as wire:
            context = Context(
                system=system,
                environment=self.environment,
                settings=settings,
                cell=cell.name,
                sandbox_url=cell.sandbox_url,
                wire=wire,
                budget=Budget(
                    self.folder / STATE / "spent.json", limits.model_dump(exclude={"timeout_s"}), self._append_first
                ),
                pace=pace,
                journal=Journal(self._append_first),
                # Users and voices of two cells of one deployment must not be taken for each other.
                run_id=f"{self.run_id}c{turn}" if (turn := len(self.before(company))) else self.run_id,
                folder=self.folder,
                window_s=self.options.window_s,
                as_of=self.options.as_of_s,
                migration=self.options.migration(self.environment.name),
                golden=self.golden.get(system, {}),
                record=self._append_first,
            )
            yield context

    def _claim(self, cell: Cell) -> None:
        """Make this process the only one that enters the cells of a deployment."""
        state = SharedState(cast("Path", self.folder) / STATE / f"turns-{cell.group}.json")
        with contextlib.closing(state), state.changed() as document:
            owner = document.setdefault("worker", self.worker)
        if owner != self.worker:
            raise CouldNotJudge(
                Reason.CHECK_DID_NOT_RUN, f"worker {owner}, which judged the cells of {cell.system} in turn, was lost"
            )

    async def restore(self) -> None:
        """Put back what the run changed of its targets, where nobody did: a worker that was killed, for example."""
        if self.log is None:
            return
        for change in unrestored(read_events(self.log.path).events):
            if change.pid is not None and not change.ended:
                await end_group(change.pid)
            package = registry.system_packages()[change.system]
            home = next(name for name, cell in self.cells.items() if cell.system == change.system)
            if change.was_tried:
                continue
            self._note(str(change))
            async with self._plain_context(home) as context:
                await package.restore(context)

    def _note(self, text: str) -> None:
        self.record("note", text=text)

    def header(self) -> list[str]:
        """Return the lines that tell, before anything is sent, what is judged and where."""
        environment = self.environment
        expected = [row for row in self.rows.values() if row["applicable"]]
        lines = [
            f"gate: {self.options.markers or 'all'} · profile {self.options.profile} · {len(expected)} clauses",
            f"environment: {environment.name} ({environment.kind}, {environment.path})",
        ]
        for cell in self.cells.values():
            facts = " ".join(f"{name}={value}" for name, value in cell.settings.facts().items())
            lines.append(f"target: {cell.system} {facts} · {cell.settings.target()}")
        for system, absent in self.absent.items():
            lines += [f"not judged: {system} {name}: {why}" for name, (_settings, why) in absent.items()]
        if self.sandbox is not None:
            faults = ", ".join(self.sandbox.ready.get("faults") or ()) or "none"
            lines.append(f"sandbox: started by this run · faults: {faults}")
        if self.folder is not None:
            lines.append(f"evidence: {self.folder}")
        return lines

    def for_worker(self) -> dict[str, Any]:
        """Return what a worker needs to join the run. Secrets are not in it; workers inherit the environment."""
        return {
            "run_id": self.run_id,
            "folder": str(self.folder) if self.folder else None,
            "cells": share_cells(self.cells),
        }

    def lost_stand_in(self) -> str | None:
        """Return what is wrong with the stand-in that this run started, if it has ended by itself."""
        status = self.sandbox.process.poll() if self.sandbox is not None else None
        return None if status is None else f"the sandbox that this run started ended in the middle (status {status})"

    def close(self) -> None:
        """Close the log and end the stand-in."""
        if self.log is not None:
            self.log.close()
        if self.sandbox is not None:
            self.sandbox.stop()


def open_controller(options: Options) -> Session:
    """Validate everything, start the stand-in where the environment asks for it, and begin the run.

    Raises `UsageProblem`, before anything is sent, for whatever the user has to mend first.
    """
    draft = _draft(options)
    catalogue = load(_near(options.root / "clauses"))
    faults = [name.strip() for name in (options.fault or "").split(",") if name.strip()]
    if faults and not draft.head.sandbox:
        raise UsageProblem(f"--fault: {draft.path} is no sandbox; faults are only ever switched on in a sandbox")
    systems = _checked(options, draft)
    ledger = open_store(_ledger(options, draft.provisional()))
    reach = Reach.of(options.markers)
    if options.collect_only:
        absent = absent_cells(draft, systems, reach)
        cells = provisional_cells(draft, systems, reach)
        return _session(options, draft.provisional(), cells, catalogue, absent)
    sandbox = _sandbox(draft, systems, faults, matrix=reach.cells) if draft.head.sandbox else None
    try:
        overlays = sandbox.overlays() if sandbox else []
        cells = open_cells(draft, systems, overlays, os.environ, reach)
        hand_down_secrets(cells)
        absent = absent_cells(draft, systems, reach)
        session = _session(options, draft.of(first_settings(cells)), cells, catalogue, absent)
        session.sandbox = sandbox
        _begin(session, ledger)
    except BaseException:
        if sandbox is not None:
            sandbox.stop()
        raise
    return session


def open_worker(options: Options, shared: Mapping[str, Any], worker: str) -> Session:
    """Join the run that the controlling process began."""
    draft = _draft(options)
    cells = shared_cells(draft, shared["cells"], os.environ)
    catalogue = load(_near(options.root / "clauses"))
    absent = absent_cells(draft, first_settings(cells), Reach.of(options.markers))
    session = _session(options, draft.of(first_settings(cells)), cells, catalogue, absent)
    session.run_id, session.worker = shared["run_id"], worker
    if shared["folder"]:
        session.folder = Path(shared["folder"])
        session.log = open_log(session.folder, session.redact)
    return session


def _sandbox(draft: Draft, systems: Iterable[str], faults: Iterable[str], *, matrix: bool) -> SandboxProcess:
    packages = registry.system_packages()
    arguments = [more for key in systems if matrix for more in getattr(packages[key], "SANDBOX_ARGUMENTS", ())]
    told = {
        key: {name: value for name, value in draft.tables[key].items() if name not in draft.classes[key].of_the_run}
        for key in systems
    }
    return start_sandbox(told, faults=faults, arguments=arguments)


def _draft(options: Options) -> Draft:
    asked_by = "ROLLOUT_ENV" if options.env is None else "--env"
    wanted = os.environ.get(asked_by) if options.env is None else options.env
    folder = _near(options.root / "environments")
    if not wanted:
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise UsageProblem(f"--env is required: name the environment that is judged ({known}, or a file)")
    return read_environment(wanted, classes=registry.settings_classes(), folder=folder, asked_by=asked_by)


def _near(path: Path) -> Path:
    """Return *path* as a person would type it here, for messages."""
    return Path(os.path.relpath(path))


def _checked(options: Options, draft: Draft) -> tuple[str, ...]:
    """Refuse what can be refused before a stand-in is started."""
    provisional = draft.provisional()
    _ = options.window_s, options.as_of_s  # what is no duration, or no time, is refused here
    options.migration(provisional.name).validate()
    return selected_systems(provisional, options.system)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageProblem(f"--as-of: {text!r} is not an ISO 8601 time such as 2026-03-01T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _session(
    options: Options, environment: Environment, cells: Mapping[str, Cell], catalogue: Catalogue, absent: Absent
) -> Session:
    refuse_unknown_waivers(environment, catalogue)
    environment = replace(environment, ledger=_ledger(options, environment))
    judged: dict[str, dict[str, SystemSettings]] = {}
    for cell in cells.values():
        catalogue.check_facts(cell.system, cell.settings.facts())
        judged.setdefault(cell.system, {})[cell.name] = cell.settings
    systems = tuple(judged)
    rows = expected_rows(catalogue, environment, judged, selector(options.markers), options.profile, absent=absent)
    session = Session(
        options=options,
        environment=environment,
        catalogue=catalogue,
        rows={row["id"]: row for row in rows},
        cells=cells,
        absent=absent,
        systems=systems,
        run_id=new_run_id(),
        golden={
            key: _golden(options.root / "golden_payloads", key, next(iter(judged[key].values()))) for key in systems
        },
    )
    for cell in cells.values():
        for name, secret in cell.settings.held_secrets.items():
            session.redactor.register(secret.reveal(), name)
    return session


def _golden(folder: Path, system: str, settings: SystemSettings) -> dict[str, golden.Case]:
    """Return the golden cases of *system* that its configuration has room for, by their IDs."""
    if not (folder / system).is_dir():
        return {}
    package = registry.system_packages()[system]
    names: frozenset[str] = getattr(package, "GOLDEN_NAMES", frozenset())
    cases = {case.id: case for case in golden.load(_near(folder), system, names=names)}
    left_out = package.golden_left_out(settings, cases.values()) if hasattr(package, "golden_left_out") else frozenset()
    return {name: case for name, case in cases.items() if name not in left_out}


def exchanges_of(observation: Any) -> set[tuple[str, str | None]]:
    """Return (transcript, id) of all exchanges in *observation*: its own, or those in the fields of a dataclass."""
    if own := getattr(observation, "exchange_id", None):
        return {(observation.transcript, own)}
    kind: type = type(observation)
    return {found for name in _fields(kind) for found in exchanges_of(getattr(observation, name))}


@functools.cache
def _fields(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass, none of anything else. A description of what is sent has none."""
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) and kind is not golden.Case else ()


def _ledger(options: Options, environment: Environment) -> str:
    """Return the directory or URL of the ledger of *environment*."""
    return environment.ledger or usual_place(_near(options.root / "reports"), environment.name)


def _begin(session: Session, ledger: Store) -> None:
    options, environment = session.options, session.environment
    selects = selector(options.markers)
    session.folder = evidence_folder(
        options.evidence, _near(options.root / "reports"), environment.name, session.run_id
    )
    session.log = open_log(session.folder, session.redact)
    session.run = Run(
        id=session.run_id,
        folder=session.folder,
        environment=environment,
        profile=options.profile,
        markers=options.markers,
        gates=[gate for gate in GATES if selects([gate])],
        systems=session.systems,
        log=session.log,
        redact=session.redact,
        ledger=ledger,
    )
    named = [] if options.env else [f"--env={os.environ['ROLLOUT_ENV']}"]  # so that the line can be repeated anywhere
    rows = list(session.rows.values())
    session.run.begin(rows, [*command_line(), *named], versions(), standards_of(session.catalogue, rows))
