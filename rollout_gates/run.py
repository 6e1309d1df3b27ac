"""One run: its identity, its folder, its events, and what is written at its end."""

from __future__ import annotations

import json
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollout_gates import __version__
from rollout_gates.environment import Environment
from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.document import FILE_NAME as EVIDENCE
from rollout_gates.evidence.document import Document, build_document
from rollout_gates.evidence.events import FILE_NAME, SCHEMA, EventLog, EventLogFailed, read_events, utc_now
from rollout_gates.evidence.render import render
from rollout_gates.ledger import Entry, LedgerFailed, Store, append, told_of
from rollout_gates.ledger.evidence import NOT_ENTERED
from rollout_gates.verdict import Judgement, Outcome, Verdict, judge

_COUNTED = (Outcome.GREEN, Outcome.RED, Outcome.INCONCLUSIVE, Outcome.WAIVED)
STATE = ".state"
"""Below a run's folder: what its workers share while it goes. Gone when it ends."""


def new_run_id(now: datetime | None = None) -> str:
    """Return ``YYYYMMDDTHHMMSSZ-xxxxxx``."""
    return f"{(now or datetime.now(UTC)):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def evidence_folder(wanted: str | None, reports: Path, environment: str, run_id: str) -> Path:
    """Create and return the folder of a run. Raises `UsageProblem` when it is not empty, or cannot be made."""
    folder = Path(wanted) if wanted else reports / environment / run_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as problem:
        raise UsageProblem(f"--evidence: {folder} cannot be made: {problem.strerror}") from None
    if taken:
        raise UsageProblem(f"--evidence: {folder} is not empty; name a new folder, evidence is never overwritten")
    return folder


@dataclass
class Run:
    """What the controlling process knows of the run. Workers only append to its events."""

    id: str
    folder: Path
    environment: Environment
    profile: str
    markers: str
    gates: Sequence[str]
    systems: Sequence[str]
    log: EventLog
    redact: Callable[[str], str]
    ledger: Store | None = None
    entry: Entry | None = None
    problems: list[str] = field(default_factory=list)
    judgement: Judgement | None = None
    exit_status: int = 3

    def begin(
        self,
        rows: Sequence[Mapping[str, Any]],
        argv: Sequence[str],
        versions: Mapping[str, str],
        standards: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Write down what is run, where, and what is expected of it, beside the *standards* that it points at."""
        self.log.append("run_started", schema=SCHEMA, run=self._identity(argv, versions))
        self.log.append("expected", clauses=list(rows), standards=list(standards))

    def _identity(self, argv: Sequence[str], versions: Mapping[str, str]) -> dict[str, Any]:
        environment = self.environment
        return {
            "id": self.id,
            "started": utc_now(),
            "env": environment.name,
            "kind": environment.kind,
            "profile": self.profile,
            "markers": self.markers,
            "gates": list(self.gates),
            "systems": list(self.systems),
            "revision": revision(),
            "argv": [self.redact(argument) for argument in argv],
            "versions": dict(versions),
            "environment_digest": environment.digest,
            "owners": dict(environment.owners),
            "due_days": dict(environment.due_days),
            "facts": {key: environment.systems[key].facts() for key in self.systems},
        }

    def finish(self, pytest_status: int) -> int:
        """Judge the run, write its evidence, enter it in the ledger, and return the exit status.

        Never says GO without evidence on disk, and an entry in the ledger.
        """
        self._conclude(pytest_status)
        try:
            self._enter()
        except LedgerFailed as problem:
            self._admit(pytest_status, f"{NOT_ENTERED}: {problem}")
        return self.exit_status

    def _conclude(self, pytest_status: int) -> None:
        """Judge the run, and write its evidence."""
        self.judgement = self._judged()
        self.exit_status = exit_status(self.judgement.verdict, pytest_status)
        try:
            self.log.append(
                "run_finished",
                verdict=self.judgement.verdict.value,
                exit_status=self.exit_status,
                finished=utc_now(),
            )
            self.log.close()
            shutil.rmtree(self.folder / STATE, ignore_errors=True)
            render(self.folder)
        except Exception as problem:  # noqa: BLE001 - whatever it is, there is no GO without evidence
            self.lose(str(problem))
            if self.judgement.verdict is Verdict.GO:
                self.exit_status = exit_status(Verdict.INCONCLUSIVE, pytest_status)

    def _enter(self) -> None:
        """Append the entry of the run, also of one whose evidence was lost. Raises `LedgerFailed`."""
        if self.ledger is None:
            return
        try:
            document = self._document()
            told = told_of(document, self.folder, utc_now(), self.verdict.value)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the run has no entry
            raise LedgerFailed(f"nothing is left of the run to enter: {type(problem).__name__}: {problem}") from None
        self.entry = append(self.ledger, told)

    def _document(self) -> Document:
        """Return what ``evidence.json`` holds, or would hold if it could have been written."""
        path = self.folder / EVIDENCE
        if path.is_file():
            document: Document = json.loads(path.read_bytes())
            return document
        return build_document(read_events(self.log.path), self.folder)

    def _admit(self, pytest_status: int, problem: str) -> None:
        """Write the evidence anew, with the *problem* because of which the run is no GO."""
        try:
            self.log = open_log(self.folder, self.redact)
            self.log.append("problem", text=problem)
        except EventLogFailed as failed:
            self.problems.append(self.redact(problem))
            self.lose(str(failed))
        self._conclude(pytest_status)

    def lose(self, problem: str) -> None:
        """Remember, once, that evidence was lost: for then there is no GO."""
        if not self.problems:
            self.problems.append(f"the evidence could not be written: {self.redact(problem)}")

    def _judged(self) -> Judgement:
        try:
            return judge(read_events(self.log.path).events)
        except OSError as problem:
            self.lose(f"{self.log.path}: {problem.strerror}")
            return judge([])

    @property
    def verdict(self) -> Verdict:
        """The verdict that stands: the judged one, unless the evidence of a GO was lost."""
        if self.judgement is None:
            return Verdict.INCONCLUSIVE
        if self.judgement.verdict is Verdict.GO and self.problems:
            return Verdict.INCONCLUSIVE
        return self.judgement.verdict

    def last_line(self) -> str:
        """Return the line that ends the terminal's output."""
        counts = self.judgement.counts if self.judgement else {}
        tally = {outcome: counts.get(outcome.value, 0) for outcome in Outcome}
        clauses = ", ".join(f"{tally[outcome]} {outcome.value}" for outcome in _COUNTED)
        where = f"env {self.environment.name} ({self.environment.kind})"
        total = f"{counts.get('total', 0)} clauses: {clauses}"
        return " · ".join([f"{self.verdict.value}  {self.markers or 'all gates'}", where, total, str(self.folder)])


def exit_status(verdict: Verdict, pytest_status: int) -> int:
    """Return the exit status: 2, 3, 4 and 5 stay as pytest defines them, all else is the verdict's."""
    return pytest_status if pytest_status in (2, 3, 4, 5) else verdict.exit_status


def open_log(folder: Path, redact: Callable[[str], str]) -> EventLog:
    """Open the run's events for appending, from whichever process."""
    return EventLog(folder / FILE_NAME, redact)


def revision() -> str:
    """Return the commit that the suite was run from, ``-dirty`` where it was changed; ``unknown`` outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


def versions(**others: str) -> dict[str, str]:
    """Return the versions that a reader of the evidence will ask for."""
    return {"rollout-gates": __version__, "python": platform.python_version(), "platform": platform.system(), **others}


def command_line() -> list[str]:
    """Return the command line as one types it: ``python -m pytest`` is ``pytest``."""
    program = Path(sys.argv[0]).name
    return ["pytest" if program in ("", "__main__.py", "py.test") else program, *sys.argv[1:]]
