"""Questions that several reports ask of the document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from rollout_gates.evidence.text import count

Row = Mapping[str, Any]

SEVERITIES: Final = ("critical", "high", "medium", "low")
OUTCOMES: Final = ("red", "inconclusive", "waived", "green", "not applicable")
"""The outcomes of a clause, what needs attention first."""


def clauses_by_id(document: Row) -> dict[str, Row]:
    """Return the clauses of *document* by their IDs."""
    return {clause["id"]: clause for clause in document["clauses"]}


def urgency(clause: Row) -> tuple[int, int, int, str]:
    """Sort key: by outcome, what is required first, by severity, by ID."""
    return (
        OUTCOMES.index(clause["outcome"]),
        0 if clause["required"] else 1,
        SEVERITIES.index(clause["severity"]) if clause["severity"] in SEVERITIES else len(SEVERITIES),
        clause["id"],
    )


def holds_up(clause: Row) -> bool:
    """Tell whether *clause* keeps the verdict from being GO."""
    return bool(clause["required"]) and clause["outcome"] in ("red", "inconclusive")


def blockers(document: Row) -> list[Row]:
    """Return the clauses that keep the verdict from being GO: red before inconclusive, most severe first."""
    return sorted(filter(holds_up, document["clauses"]), key=urgency)


def checks_by_node(document: Row) -> dict[str, Row]:
    """Return the checks of *document* by their node IDs."""
    return {check["nodeid"]: check for check in document["checks"]}


def worst_first(clause: Row, checks: Mapping[str, Row]) -> list[str]:
    """Return the checks of *clause*: what failed, what could not judge, what passed."""
    rank = {"failed": 0, "passed": 2}
    return sorted(clause["checks"], key=lambda node: rank.get(checks[node]["outcome"], 1))


def decisive(clause: Row, checks: Mapping[str, Row]) -> list[str]:
    """Return the checks that keep *clause* from being green."""
    return [node for node in worst_first(clause, checks) if checks[node]["outcome"] != "passed"]


def home_gate(check: Row, clauses: Mapping[str, Row]) -> str:
    """Return the gate that *check* is listed under: that of the first expected clause that it claims."""
    return next((str(clauses[claim]["gate"]) for claim in check["clauses"] if claim in clauses), "no gate")


def effect(check: Row, clauses: Mapping[str, Row]) -> str:
    """Return what *check* means to a tool that knows tests only: ``passed``, ``failed``, ``error`` or ``skipped``.

    What holds up a GO is a failure or an error, whatever the check itself was called; a check that did not pass and
    holds up nothing (waived, or not required by the profile) is skipped. So such a tool never shows green for a run
    that is not GO, nor red for one that is.
    """
    if check["outcome"] == "passed":
        return "passed"
    mine = [clauses[claim] for claim in check["clauses"] if claim in clauses]
    if mine and not any(holds_up(clause) for clause in mine):
        return "skipped"
    return "failed" if check["outcome"] == "failed" else "error"


def why_skipped(check: Row, clauses: Mapping[str, Row]) -> str:
    """Return why a check that did not pass holds up nothing."""
    for claim in check["clauses"]:
        waiver = clauses[claim]["waiver"] if claim in clauses else None
        if waiver and clauses[claim]["waiver_state"] == "active":
            return f"waived until {waiver.get('expires')} by {waiver.get('owner')}: {waiver.get('reason')}"
    return "not required by the profile of the run"


def unseen(document: Row) -> list[Row]:
    """Return the clauses whose outcome no check shows: those without one, and those that hold up a GO all the same."""
    clauses = clauses_by_id(document)
    shown = {claim for check in document["checks"] if effect(check, clauses) != "passed" for claim in check["clauses"]}
    return [
        clause
        for clause in document["clauses"]
        if clause["outcome"] != "not applicable"
        and (not clause["checks"] or (holds_up(clause) and clause["id"] not in shown))
    ]


def kind_of_error(check: Row) -> str:
    """Return the type that an error is reported with, such as ``inconclusive:not configured``."""
    fallback = "check did not run" if check["outcome"] in ("skipped", "not run") else "check errored"
    return f"inconclusive:{check['reason'] or fallback}"


def cells(document: Row) -> list[str]:
    """Return the names of the cells that the run covers, in their order; none where it judges one configuration."""
    return list(dict.fromkeys(cell["cell"] for clause in document["clauses"] for cell in clause.get("cells") or ()))


def absent_cells(document: Row) -> dict[str, str]:
    """Return the cells that are missing by configuration alone, with the reason."""
    every = (cell for clause in document["clauses"] for cell in clause.get("cells") or ())
    return {
        cell["cell"]: cell["message"].removeprefix("not judged: ") for cell in every if not cell.get("judged", True)
    }


def facts(document: Row) -> list[tuple[str, str]]:
    """Return what each system says of itself, such as its mode, as (system, ``mode invoice, lane express``).

    Of a system that was judged in several configurations it returns their names.
    """
    run = document["run"]
    told = run.get("facts") or {}
    return [(system, ", ".join(_cells_of(document, system)) or _told(told.get(system))) for system in run["systems"]]


def _cells_of(document: Row, system: str) -> list[str]:
    found = (
        cell
        for clause in document["clauses"]
        if clause["system"] == system
        for cell in clause.get("cells") or ()
        if cell.get("judged", True)
    )
    return list(dict.fromkeys(cell["cell"] for cell in found if cell["cell"]))


def _told(facts: Any) -> str:
    if not isinstance(facts, Mapping):
        return ""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def command_line(document: Row) -> str:
    """Return the command that repeats the run."""
    return shlex.join(document["run"]["argv"])


def usual_folder(document: Row) -> str:
    """Return the folder that the run wrote its evidence to, as one types it: what was asked for, else the default."""
    run, argv = document["run"], document["run"]["argv"]
    asked = [word.removeprefix("--evidence=") for word in argv if word.startswith("--evidence=")]
    asked += [after for word, after in pairwise(argv) if word == "--evidence"]
    return asked[-1] if asked else f"reports/{run['env']}/{run['id']}"


def sentence(document: Row) -> str:
    """Return the verdict's reason in one sentence."""
    required = [clause for clause in document["clauses"] if clause["required"]]
    judged = [clause for clause in required if clause["outcome"] != "not applicable"]
    tally = {outcome: sum(clause["outcome"] == outcome for clause in judged) for outcome in OUTCOMES}
    if document["verdict"] == "GO":
        waived = f", {tally['waived']} waived" if tally["waived"] else ""
        return f"All {count(len(judged), 'required clause')} hold: {tally['green']} green{waived}."
    parts = [f"{tally[outcome]} {outcome}" for outcome in ("red", "inconclusive", "waived", "green") if tally[outcome]]
    if tally["red"] or tally["inconclusive"]:
        return f"{count(len(judged), 'required clause')}: {', '.join(parts)}."
    if document["problems"] and judged:
        return f"{tally['green']} of {count(len(judged), 'required clause')} green, but the run itself has a problem."
    return "Nothing was judged: no required clause became green."
