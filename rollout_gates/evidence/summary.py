"""``go-no-go.md``: one page for the people who decide."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollout_gates.evidence import standards, views
from rollout_gates.evidence.markdown import cell as _cell
from rollout_gates.evidence.markdown import code as _code
from rollout_gates.evidence.markdown import quoted as _quoted
from rollout_gates.evidence.markdown import table as _table
from rollout_gates.evidence.text import count, duration

FILE_NAME: Final = "go-no-go.md"
_SHOWN_BLOCKERS: Final = 12
_SHOWN_ROWS: Final = 10
_SYMBOLS: Final = {"GO": "✔", "NO-GO": "✘", "INCONCLUSIVE": "?"}

Row = Mapping[str, Any]


def render_summary(document: Row) -> str:
    """Return the page as Markdown. What a target said stands in code blocks, where it cannot become markup."""
    sections = (
        _head(document),
        _gates(document),
        _blockers(document),
        _troubles(document),
        _waivers(document),
        _standards(document),
        _left(document),
        _repeat(document),
    )
    return "\n\n".join("\n".join(lines) for section in sections if (lines := list(section))) + "\n"


def _head(document: Row) -> Iterator[str]:
    run, verdict = document["run"], document["verdict"]
    yield f"# {_SYMBOLS[verdict]} {verdict}: {_cell(run['markers'] or 'all gates')} on {_cell(run['env'])}"
    yield ""
    yield f"**{_cell(views.sentence(document))}**"
    yield ""
    systems = "; ".join(f"{name} ({told})" if told else name for name, told in views.facts(document))
    rows = [
        ("Environment", f"{run['env']} ({run['kind']})"),
        ("Systems", systems),
        *(("Not judged", f"{name}: {why}") for name, why in views.absent_cells(document).items()),
        ("Profile", run["profile"]),
        *((f"Counts, {name}", _counts(counts)) for name, counts in document["profiles"].items()),
        ("Run", run["id"]),
        ("Started", f"{run['started']}, took {duration(run['duration_s'])}"),
        ("Revision", run["revision"] or "unknown"),
    ]
    yield from _table(("", ""), rows)


def _counts(counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{counts.get(outcome, 0)} {outcome}" for outcome in ("green", "red", "inconclusive", "waived"))
    return f"{count(counts['total'], 'clause')}: {shown}"


def _gates(document: Row) -> Iterator[str]:
    yield "## Gates"
    yield ""
    rows = [(gate["marker"], gate["verdict"], _counts(gate["counts"])) for gate in document["gates"]]
    yield from _table(("Gate", "Verdict", "Clauses"), rows)


def _blockers(document: Row) -> Iterator[str]:
    found, checks = views.blockers(document), views.checks_by_node(document)
    if not found:
        return
    yield "## Blockers"
    for clause in found[:_SHOWN_BLOCKERS]:
        why = clause["outcome"] + (f" ({clause['reason']})" if clause["reason"] else "")
        yield ""
        yield f"### {clause['id']} · {clause['severity']} · {why}"
        yield ""
        yield _cell(clause["title"])
        yield ""
        yield from _quoted(clause["message"] or "no message")
        yield ""
        yield f"Check: {_failing(views.decisive(clause, checks))} · Owner: ______ · Action: ______"
    if len(found) > _SHOWN_BLOCKERS:
        yield ""
        yield f"… and {len(found) - _SHOWN_BLOCKERS} more; all of them stand in `index.html`."


def _failing(nodes: list[str]) -> str:
    if not nodes:
        return "none"
    return _code(nodes[0]) + (f" and {count(len(nodes) - 1, 'more', 'more')}" if len(nodes) > 1 else "")


def _troubles(document: Row) -> Iterator[str]:
    if not (document["problems"] or document["damage"]):
        return
    yield "## Trouble with the run itself"
    yield ""
    for text in [*document["problems"], *document["damage"]][:_SHOWN_ROWS]:
        yield f"- {_code(text)}"


def _waivers(document: Row) -> Iterator[str]:
    if not document["waivers"]:
        return
    yield "## Waivers"
    yield ""
    rows = [
        (waiver["clause"], waiver["state"], waiver.get("reason"), waiver.get("owner"), waiver.get("expires"))
        for waiver in document["waivers"]
    ]
    yield from _table(("Clause", "State", "Reason", "Owner", "Expires"), rows)


def _standards(document: Row) -> Iterator[str]:
    whole = [standard for standard in document["standards"] if standard["whole"]]
    if not whole:
        return
    yield "## Public standards"
    yield ""
    rows = [(standard["title"], *_by_state(standard)) for standard in whole]
    yield from _table(("Standard", "Covered", "Not judged", "Not covered"), rows)


def _by_state(standard: Row) -> Iterator[str]:
    for state in (standards.COVERED, standards.NOT_JUDGED, standards.NOT_COVERED):
        yield ", ".join(entry["id"] for entry in standard["entries"] if entry["state"] == state) or "none"


def _left(document: Row) -> Iterator[str]:
    left = document["resources"]["left"]
    if not left:
        return
    yield "## Left behind"
    yield ""
    yield f"{count(len(left), 'thing')} made by the run may still stand. `rollout-gates cleanup DIR` removes them."
    yield ""
    for thing in left[:_SHOWN_ROWS]:
        yield f"- {_code(' '.join(str(thing.get(key) or '') for key in ('system', 'kind', 'id')))}"
    if len(left) > _SHOWN_ROWS:
        yield f"- … and {len(left) - _SHOWN_ROWS} more"


def _repeat(document: Row) -> Iterator[str]:
    yield "## Repeat and verify"
    yield ""
    verify = shlex.join(["rollout-gates", "verify", views.usual_folder(document)])
    yield from _quoted(f"{views.command_line(document)}\n{verify}", "sh")
