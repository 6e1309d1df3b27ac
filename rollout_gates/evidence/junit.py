"""``junit.xml``: a suite a gate, a test case a check, and one for each clause that no check stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rollout_gates.evidence import views
from rollout_gates.evidence.text import one_line, plain

FILE_NAME: Final = "junit.xml"
_TEXT_LIMIT: Final = 20_000

Row = Mapping[str, Any]


def render_junit(document: Row) -> str:
    """Return *document* in the XML dialect that CI servers read.

    The attributes are those of the usual schema; each test case has its clauses, outcome and reason as properties.
    """
    run = document["run"]
    root = Element("testsuites", name=plain(f"{run['markers']} on {run['env']}"), time=_time(run["duration_s"]))
    clauses = views.clauses_by_id(document)
    grouped: dict[str, list[Row]] = {gate["marker"]: [] for gate in document["gates"]}
    for check in document["checks"]:
        grouped.setdefault(views.home_gate(check, clauses), []).append(check)
    absent: dict[str, list[Row]] = {}
    for clause in views.unseen(document):
        absent.setdefault(clause["gate"], []).append(clause)
    verdicts = {gate["marker"]: gate["verdict"] for gate in document["gates"]}
    for gate in dict.fromkeys([*grouped, *absent]):
        cases = [_check_case(check, clauses) for check in grouped.get(gate, ())]
        cases += [_clause_case(clause) for clause in absent.get(gate, ())]
        _suite(root, gate, cases, run, verdicts.get(gate))
    _suite(root, "run", _run_cases(document), run, None)
    if document["verdict"] != "GO" and not any(_bad(case) for case in root.iter("testcase")):
        _suite(root, "run", [_verdict_case("the run", document["verdict"])], run, None)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, gate: str, cases: Iterable[Element], run: Row, verdict: str | None) -> None:
    listed = list(cases)
    if verdict not in (None, "GO") and not any(map(_bad, listed)):
        listed.append(_verdict_case(gate, str(verdict)))
    if not listed:
        return
    suite = SubElement(
        root,
        "testsuite",
        name=plain(gate),
        tests=str(len(listed)),
        failures=str(sum(_has(case, "failure") for case in listed)),
        errors=str(sum(_has(case, "error") for case in listed)),
        skipped=str(sum(_has(case, "skipped") for case in listed)),
        time=_time(sum(float(case.get("time", "0")) for case in listed)),
        timestamp=str(run["started"] or "")[:19],
    )
    properties = {"verdict": verdict or "", "run": run["id"], "env": run["env"], "kind": run["kind"]}
    suite.append(_properties((name, value) for name, value in properties.items() if value))
    suite.extend(listed)


def _has(case: Element, tag: str) -> bool:
    return case.find(tag) is not None


def _bad(case: Element) -> bool:
    return _has(case, "failure") or _has(case, "error")


def _check_case(check: Row, clauses: Mapping[str, Row]) -> Element:
    path, _, name = check["nodeid"].partition("::")
    case = _case(path.removesuffix(".py").replace("/", "."), name or path, check["duration_s"])
    case.append(_properties(_facts(check)))
    effect = views.effect(check, clauses)
    if effect == "failed":
        _outcome(case, "failure", "red", check["message"])
    elif effect == "error":
        _outcome(case, "error", views.kind_of_error(check), check["message"])
    elif effect == "skipped":
        _outcome(case, "skipped", check["outcome"], f"{views.why_skipped(check, clauses)}; {check['message']}")
    return case


def _facts(check: Row) -> Iterator[tuple[str, str]]:
    for clause in check["clauses"]:
        yield "clause", clause
    yield "outcome", check["outcome"]
    if check["reason"]:
        yield "reason", check["reason"]
    if check["transcript"]:
        yield "transcript", check["transcript"]


def _clause_case(clause: Row) -> Element:
    case = _case(f"clauses.{clause['system']}", f"clause {clause['id']}: {clause['reason'] or clause['outcome']}", 0)
    reason = clause["reason"] or clause["outcome"]
    case.append(_properties([("clause", clause["id"]), ("outcome", clause["outcome"]), ("reason", reason)]))
    tag = "error" if views.holds_up(clause) else "skipped"
    _outcome(case, tag, f"inconclusive:{reason}", clause["message"])
    return case


def _verdict_case(gate: str, verdict: str) -> Element:
    """A suite in which nothing failed must not look green when its gate is not GO."""
    case = _case("verdict", f"{gate}: {verdict}", 0)
    _outcome(case, "error", "inconclusive:verdict", f"the verdict of {gate} is {verdict} although no check failed")
    return case


def _run_cases(document: Row) -> Iterator[Element]:
    """Yield a case for each trouble of the run itself, which no check can tell."""
    for problem in [*document["problems"], *document["damage"]]:
        case = _case("run", one_line(problem, 120), 0)
        _outcome(case, "error", "run", problem)
        yield case


def _case(classname: str, name: str, seconds: float) -> Element:
    return Element("testcase", classname=plain(classname), name=plain(name), time=_time(seconds))


def _outcome(case: Element, tag: str, kind: str, message: str) -> None:
    element = SubElement(case, tag, type=kind, message=one_line(message))
    element.text = plain(message)[:_TEXT_LIMIT]


def _properties(pairs: Iterable[tuple[str, str]]) -> Element:
    element = Element("properties")
    for name, value in pairs:
        SubElement(element, "property", name=name, value=plain(value))
    return element


def _time(seconds: float | None) -> str:
    return f"{seconds or 0:.3f}"
