"""The pytest plugin: options, markers, expected set, outcomes, verdict, exit status, last line.

It wakes up only when a suite is selected. In a parallel run the controlling process owns the run (its folder, events,
verdict and stand-in); workers collect, run checks and append to the events.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from rollout_gates import interrupts, outcomes
from rollout_gates.command_line import joined
from rollout_gates.conductor import company_of
from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.text import plain
from rollout_gates.golden import GoldenError
from rollout_gates.leftovers import Leftovers
from rollout_gates.progress import Progress
from rollout_gates.run import Run
from rollout_gates.selection import GATES, identifier, normalise, selector
from rollout_gates.session import Options, Session, open_controller, open_worker
from rollout_gates.verdict import CheckOutcome

_ASSERTED = pytest.StashKey[int]()
_SUITES = "suites"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(
        "rollout gates", "pytest -m GATE --env=NAME says GO, NO-GO or INCONCLUSIVE about a running system"
    )
    add = group.addoption
    add("--env", metavar="NAME|FILE.toml", help="environments/NAME.toml, or a file anywhere; ROLLOUT_ENV may supply it")
    add("--system", metavar="KEY[,KEY]", help="only these systems; default: all that the environment configures")
    add(
        "--profile",
        choices=("runbook", "strict"),
        default="strict",
        help="runbook: what the runbook demands; strict (default): also what was derived",
    )
    add(
        "--fault",
        metavar="SYSTEM:ID[,...]",
        help="start the sandbox with these faults on; see rollout-gates sandbox --list-faults",
    )
    add("--evidence", metavar="DIR", help="where the evidence goes; default: reports/<env>/<run-id>/")
    add("--phase", choices=("before", "after"), help="which side of a migration this run is on")
    add(
        "--before",
        metavar="FILE",
        help="where --phase=before keeps what --phase=after compares; default: reports/<env>/migration-before.json",
    )
    add("--migrations", metavar="DIR", help="a folder of ordered SQL files, judged and rehearsed before they are run")
    add(
        "--migration-base",
        metavar="FILE",
        help="the last file of --migrations that is deployed already; what comes after it is judged",
    )
    add("--stage", metavar="N", type=int, help="the stage of a gradual rollout to judge")
    add("--window", metavar="D", help="how long to watch, for example 30m")
    add("--as-of", metavar="T", help="the clock that windows are judged by, ISO 8601")
    add(
        "--update-golden",
        action="store_true",
        help="rewrite golden payloads from what the target answered; refused in CI",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for gate, meaning in GATES.items():
        config.addinivalue_line("markers", f"{identifier(gate)}: {meaning}; -m {gate}")
    config.addinivalue_line("markers", "clause(id, ...): the clauses that the check observes")
    if not _suite_selected(config):
        return
    options = _options(config)
    try:
        selector(options.markers)
        config.option.markexpr = normalise(options.markers)
        _refuse_reruns(config)
        session = _open(config, options)
    except (UsageProblem, GoldenError) as problem:
        raise pytest.UsageError(str(problem)) from None
    except KeyboardInterrupt:
        sys.stderr.write("interrupted before anything was judged\n")
        raise
    config.pluginmanager.register(SuiteHooks(config, session), "rollout-gates-suite")
    config.pluginmanager.register(Leftovers(), "rollout-gates-leftovers")
    if session.run is not None:
        config.invocation_params = replace(config.invocation_params, args=tuple(joined(config.invocation_params.args)))
        config.pluginmanager.register(ControllerHooks(config, session), "rollout-gates-controller")


def _open(config: pytest.Config, options: Options) -> Session:
    if _is_worker(config):
        return open_worker(options, _shared(config)["rollout"], worker_id(config))
    return open_controller(options)


def _options(config: pytest.Config) -> Options:
    get = config.getoption
    return Options(
        env=get("--env"),
        system=get("--system"),
        profile=get("--profile"),
        fault=get("--fault"),
        evidence=get("--evidence"),
        phase=get("--phase"),
        stage=get("--stage"),
        window=get("--window"),
        as_of=get("--as-of"),
        update_golden=get("--update-golden"),
        markers=get("markexpr") or "",
        root=config.rootpath,
        before=get("--before"),
        migrations=get("--migrations"),
        migration_base=get("--migration-base"),
        collect_only=get("collectonly") or get("showfixtures") or get("show_fixtures_per_test"),
    )


def _suite_selected(config: pytest.Config) -> bool:
    """Whether what was asked for lies in, or holds, the suites."""
    if config.option.help or config.option.version or config.option.markers:
        return False
    suites = config.rootpath / _SUITES
    paths = [(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args]
    if not any(path == suites or suites in path.parents or path in suites.parents for path in paths):
        return False
    missing = [argument for argument, path in zip(config.args, paths, strict=True) if not path.exists()]
    if missing:
        raise pytest.UsageError(f"file or directory not found: {missing[0]}")
    return True


def _refuse_reruns(config: pytest.Config) -> None:
    if getattr(config.option, "reruns", None) or getattr(config.option, "retries", None):
        raise UsageProblem("--reruns: a gate is never rerun until it is green; run without it")


def _is_worker(config: pytest.Config) -> bool:
    return bool(_shared(config))


def _register_fixtures(node: pytest.Session, session: Session) -> None:
    """Offer the fixtures of a run. They know it already: asking for `request` costs each check another 0.03 ms."""

    def rollout() -> Iterator[Session]:
        """This process's share of the run; its end removes what the run made."""
        yield session
        session.conductor.close()

    def cell() -> str:
        """The cell that is judged: nameless, unless the run covers several configurations of a system."""
        return ""

    def environment(cell: str) -> Any:
        """The validated environment of the run, with the settings of the cell."""
        return session.environment_in(cell)

    def conductor(rollout: Session, cell: str) -> Any:
        """What hands out the observations of the cell."""
        return rollout.conductor_in(cell)

    for fixture in (rollout, cell, environment, conductor):
        pytest.register_fixture(name=fixture.__name__, func=fixture, node=node, scope="session")


class SuiteHooks:
    """The hooks of a run in which a suite is selected."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self.config = config
        self.session = session

    # --- collection

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        _register_fixtures(session, self.session)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "cell" not in metafunc.fixturenames or "golden_case" in metafunc.fixturenames:
            return
        claimed = claims(metafunc.definition)
        known = self.session.catalogue.ids
        systems = {known[name].system for name in claimed if name in known}
        names = [
            name for system in sorted(systems & set(self.session.systems)) for name in self.session.cell_names(system)
        ]
        if any(names):
            metafunc.parametrize("cell", names, scope="session")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            self._mark(item)
            (kept if self._applies(item) else dropped).append(item)
        kept.sort(key=self._order)
        items[:] = kept
        if dropped:
            self.config.hook.pytest_deselected(items=dropped)

    def _mark(self, item: pytest.Item) -> None:
        claimed = claims(item)
        unknown = [name for name in claimed if name not in self.session.catalogue.ids]
        if not claimed or unknown:
            text = f"it claims the unknown clause {unknown[0]!r}" if unknown else "it claims no clause"
            self.session.record("collect_error", nodeid=item.nodeid, message=text, clauses=claimed)
            raise pytest.UsageError(f"{item.nodeid}: {text}; mark it with @pytest.mark.clause(...)")
        for clause in claimed:
            for gate in self.session.catalogue.ids[clause].gates:
                item.add_marker(identifier(gate))

    def _applies(self, item: pytest.Item) -> bool:
        rows = self.session.rows
        mine = [self.session.row_in(rows[name], cell_of(item)) for name in claims(item) if name in rows]
        return any(row["applicable"] and not row["unconfigured"] for row in mine)

    def _order(self, item: pytest.Item) -> tuple[int, bool]:
        """Cell by cell where they share a deployment, and in each what rests on flows that run last at the end."""
        rows = self.session.rows
        system = next((rows[name]["system"] for name in claims(item) if name in rows), "")
        late = any(self.session.runs_last(company, flow) for company, flow in observed(item))
        return self.session.turn(system, cell_of(item)), late

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            path = self.config.rootpath / report.nodeid.split("::")[0]
            found = sorted(self.session.scan_claims(path)) if path.is_file() else []
            message = str(report.longrepr).strip().splitlines()[-1:] or ["unknown"]
            self.session.record("collect_error", nodeid=report.nodeid, message=message[0], clauses=found)

    @pytest.hookimpl(tryfirst=True)  # a parallel run is shared out by what stands in the event
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        checks = [{"nodeid": item.nodeid, "clauses": claims(item), "cell": cell_of(item)} for item in session.items]
        self.session.record("collected", worker=worker_id(self.config), checks=checks)
        for item in session.items:
            for company, flow in observed(item):
                self.session.conductor.demand(company, [flow])

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        if not self.config.option.collectonly:
            return []
        return [f"  {', '.join(claims(item)):<32} {item.nodeid}" for item in items]

    # --- running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        item.stash[_ASSERTED] = 0  # what a fixture asserted is no judgement of the check

    def pytest_assertion_pass(self, item: pytest.Item) -> None:
        item.stash[_ASSERTED] = item.stash.get(_ASSERTED, 0) + 1

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        report = cast("pytest.TestReport", (yield))
        finding = _finding(call, report)
        if finding.outcome is CheckOutcome.INCONCLUSIVE or self._stands_alone(finding):
            report.longrepr = plain(self.session.redact(finding.message))
        elif report.longrepr is not None and report.failed:
            report.longrepr = self.session.redact_repr(report.longrepr)
        report.rollout = {  # type: ignore[attr-defined]
            **finding.fields(),
            "clauses": claims(item),
            "assertions": item.stash.get(_ASSERTED, 0) if call.when == "call" else 0,
            "exchanges": self.session.exchanges(observed(item)) if call.when == "call" else [],
        }
        return report  # type: ignore[return-value]

    def _stands_alone(self, finding: outcomes.Finding) -> bool:
        """Whether the message tells all: what the target did wrong. Who asks for tracebacks (--tb) gets them."""
        return finding.outcome is CheckOutcome.FAILED and self.config.getoption("tbstyle", "auto") == "auto"

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        found = getattr(report, "rollout", None)
        if found and found["outcome"] == CheckOutcome.INCONCLUSIVE and report.failed:
            return "inconclusive", "I", f"INCONCLUSIVE ({found['reason']})"
        return None


class ControllerHooks:
    """The hooks of the process that owns the run."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self.config = config
        self.session = session
        self.run = cast("Run", session.run)
        self._phases: dict[str, list[pytest.TestReport]] = {}
        self._progress: Progress | None = None
        self._stopped = False
        self._hear_signals_as_before: Callable[[], None] = lambda: None

    def pytest_report_header(self) -> list[str]:
        return self.session.header()

    def pytest_sessionstart(self) -> None:
        self._hear_signals_as_before = interrupts.take_over()
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            self._progress = Progress(self.run.log.path, _speaker(terminal))
            self._progress.start()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["rollout"] = self.session.for_worker()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        from rollout_gates.scheduling import SystemScheduling  # noqa: PLC0415 - xdist may be off

        return SystemScheduling(config, log, self.session.group_of)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        if error:
            self.session.record("worker_lost", worker=node.gateway.id, message=str(error).strip().splitlines()[-1])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.session.record("check_started", nodeid=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        phases = self._phases.setdefault(report.nodeid, [])
        phases.append(report)
        if report.when in ("setup", "call"):
            return
        del self._phases[report.nodeid]
        findings = [getattr(phase, "rollout", None) or outcomes.lost(phase.longreprtext) for phase in phases]
        self.session.record(
            "check_finished",
            nodeid=report.nodeid,
            duration_s=round(sum(phase.duration for phase in phases), 6),
            worker=getattr(report, "worker_id", "main"),
            **outcomes.worst(findings),
        )

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # A parallel run ends in this way too when -x or --maxfail stops it.
        self._stopped = bool(self.config.getoption("maxfail", 0)) and "stopping after" in str(excinfo.value)
        if not self._stopped:
            self.session.record("interrupted", text=interrupts.told(excinfo.value))
        if excinfo.type is KeyboardInterrupt:
            self.session.record("note", text=interrupts.ADVICE)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.session.record("problem", text=f"pytest failed inside: {excinfo.typename}: {excinfo.value}")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Iterator[None]:
        try:
            yield
        finally:
            if not self.config.option.collectonly:
                interrupts.ignore()
                self._put_back()
            if self._progress is not None:
                self._progress.stop()
            if not self.config.option.collectonly:
                if problem := self.session.lost_stand_in():
                    self.session.record("problem", text=problem)
                status = int(pytest.ExitCode.TESTS_FAILED if self._stopped else exitstatus)
                self.session.record("session_finished", pytest_status=status)
                session.exitstatus = self.run.finish(status)

    def _put_back(self) -> None:
        """Restore what the run changed and a lost worker did not put back. The workers have ended by now."""
        try:
            asyncio.run(self.session.restore())
        except Exception as problem:  # noqa: BLE001 - whatever it was, what was not put back is told by the verdict
            self.session.record("problem", text=f"putting back failed: {type(problem).__name__}: {problem}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        with _few(terminalreporter) as left_out:
            result = yield
        if left_out:
            where = self.run.folder / "index.html"
            terminalreporter.write_line(f"{left_out} more checks did not pass; they are in {where}, and here with -v")
        if entry := self.run.entry:
            place = self.session.environment.ledger
            terminalreporter.write_line(f"ledger: entry {entry.sequence} of {place}, hash {entry.hash}")
        if self.run.judgement is not None:
            lines = outcomes.summary(self.run.judgement, self.run.problems)
            if lines:
                terminalreporter.section("clauses that are not green", sep="-")
            for line in lines:
                terminalreporter.write_line(line)
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        if self.run.judgement is None and not self.config.option.collectonly:
            self.run.finish(int(pytest.ExitCode.INTERRUPTED))  # it ended before it began
        self.session.close()
        if not self.config.option.collectonly:
            _say_last(self.run.last_line())
        self._hear_signals_as_before()


def _finding(call: pytest.CallInfo[None], report: pytest.TestReport) -> outcomes.Finding:
    if hasattr(report, "wasxfail"):
        return outcomes.Finding(CheckOutcome.SKIPPED, None, "an expected failure judges nothing")
    return outcomes.classify(
        call.excinfo.value if call.excinfo else None,
        call.when,
        failures=(pytest.fail.Exception,),
        skips=(pytest.skip.Exception,),
    )


def _speaker(terminal: Any) -> Callable[[str], None]:
    """Return a function that writes a line past pytest's capture, which holds the terminal while a check runs."""
    try:
        stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # the output is no file, for example inside an editor
        return lambda _text: None

    left_at = 0

    def say(text: str) -> None:
        nonlocal left_at
        column = terminal._tw.width_of_current_line  # noqa: SLF001 - pytest tells it nowhere else
        ahead = "\n" if column not in (0, left_at) else ""  # the line of the last note has ended already
        left_at = column
        stream.write(f"{ahead}  … {text}\n")
        stream.flush()

    return say


def _say_last(line: str) -> None:
    """Write *line* to the terminal, whatever it can show; where nobody listens any more, to nobody."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stdout is not None:
            encoding = sys.stdout.encoding or "ascii"
            sys.stdout.write(f"{line.encode(encoding, 'replace').decode(encoding)}\n")
            sys.stdout.flush()


@contextlib.contextmanager
def _few(terminal: Any) -> Iterator[int]:
    """Let pytest show the first few of what did not pass; yield how many that leaves out. With -v it shows all."""
    stats: dict[str, list[Any]] = terminal.stats
    kinds = ("failed", "error") if terminal.verbosity <= 0 else ()
    whole: dict[str, list[Any]] = {kind: stats[kind] for kind in kinds if kind in stats}
    few = {kind: outcomes.few(reports) for kind, reports in whole.items()}
    stats.update(few)
    try:
        yield sum(map(len, whole.values())) - sum(map(len, few.values()))
    finally:
        stats.update(whole)


def claims(item: pytest.Item) -> list[str]:
    """Return the clause IDs that *item* is marked with, in order, each once."""
    return list(dict.fromkeys(name for mark in item.iter_markers("clause") for name in mark.args))


def cell_of(item: pytest.Item) -> str:
    """Return the name of the cell that *item* judges."""
    return str(getattr(getattr(item, "callspec", None), "params", {}).get("cell", ""))


def observed(item: pytest.Item) -> list[tuple[str, str]]:
    """Return the (company, flow) pairs whose observations *item* asks for, through its fixtures or its parameters."""
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    functions = [definition.func for found in definitions.values() for definition in found]
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    pairs = (pair for thing in (*functions, *parameters) if (pair := getattr(thing, "observes", None)))
    cell = cell_of(item)
    return [(company_of(system, cell), flow) for system, flow in pairs]


def worker_id(config: pytest.Config) -> str:
    """Return the worker's name, or ``main``."""
    return str(_shared(config)["workerid"]) if _is_worker(config) else "main"


def _shared(config: pytest.Config) -> dict[str, Any]:
    """Return what the controlling process sent to this worker; empty in the controlling process itself."""
    return getattr(config, "workerinput", {})
