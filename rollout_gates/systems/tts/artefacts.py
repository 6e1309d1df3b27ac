"""``s8/``: what the security gate hands to its reviewer, made of the evidence of the run and of nothing else.

``qwen-gate.md`` is the report to sign. Beside it stand the probes of authentication and bursts as commands, an excerpt
of the log, the output of the search for secrets, the matrix of clauses, and a summary for a pipeline.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rollout_gates.evidence.text import clip, one_line, plain
from rollout_gates.owners import responsibility
from rollout_gates.systems.tts.names import KEY

Row = Mapping[str, Any]

GATE: Final = "security"
FOLDER: Final = "s8"
REPORT, PROBES, LOG, SCAN, MATRIX, SUMMARY = (
    "qwen-gate.md", "curl-probes.txt", "log-excerpt.txt", "secret-scan.txt", "matrix.csv", "security-ci-summary.md",
)  # fmt: skip
ELSEWHERE: Final = ("supa-sniffer.txt", "supashield-audit.json", "supashield-test.json")
"""What TTS-EVID-05 names and other tools make; their paths stand in the environment file, under ``records``."""
PROBED: Final = "TTS-SEC-AUTH-"
_PROBING: Final = re.compile(r"tts(?:@[^.]*)?\.(?:deny|burst)[\w-]*\.jsonl")
OPEN: Final = ("red", "waived", "inconclusive")
_MOST_PROBES = 40
_LAST_PROBES = 8
_BODY = 200


def artefacts(document: Row, directory: Path) -> dict[str, str]:
    """Return the text of each file by its path below the evidence directory; none where the gate did not run."""
    if GATE not in (gate["marker"] for gate in document["gates"]) or KEY not in document["run"]["systems"]:
        return {}
    clauses = [clause for clause in document["clauses"] if clause["system"] == KEY and GATE in clause["gates"]]
    texts = {
        PROBES: "\n".join(_probes(document, clauses, directory)),
        LOG: "\n".join(_log(document)),
        SCAN: "\n".join(_scan(document)),
        MATRIX: _matrix(clauses, document["run"]),
        SUMMARY: "\n".join(_summary(document, clauses)),
        REPORT: "\n".join(_report(document, clauses)),
    }
    return {f"{FOLDER}/{name}": text if text.endswith("\n") else f"{text}\n" for name, text in texts.items()}


# --- the probes


def _probes(document: Row, clauses: Iterable[Row], directory: Path) -> Iterator[str]:
    yield from _head(document, "Probes of authentication and bursts, as they were sent; secrets stand as variables.")
    names = _transcripts(document, clauses)
    if not names:
        yield "No probe was sent: no check of authentication or of bursts ran."
    for name in names:
        rows = _rows(directory / name)
        shown = rows if len(rows) <= _MOST_PROBES else [*rows[: _MOST_PROBES - _LAST_PROBES], *rows[-_LAST_PROBES:]]
        yield ""
        yield f"# {name}: {len(rows)} exchanges" + (f", {len(shown)} shown" if len(shown) < len(rows) else "")
        for row in shown:
            yield ""
            yield one_line(str(row.get("curl") or f"{row.get('method')} {row.get('url')}"), 2000)
            answered = row.get("status") or row.get("error")
            yield f"< {answered} ({row.get('t')}, as {row.get('actor')}, id {row.get('id')})"
            yield f"< {one_line(_body(row.get('response_body')), _BODY)}"


def _transcripts(document: Row, clauses: Iterable[Row]) -> list[str]:
    """Return the transcripts of bursts and denials, and those behind the checks of authentication, sorted."""
    probing = {clause["id"] for clause in clauses if clause["id"].startswith(PROBED)}
    checks = (check for check in document["checks"] if probing & set(check["clauses"]))
    named = {name for name in document["files"] if _PROBING.fullmatch(Path(name).name)}
    return sorted(named | {seen["transcript"] for check in checks for seen in check["exchanges"]})


def _rows(path: Path) -> list[Row]:
    found: list[Row] = []
    for line in path.read_text("utf-8", "replace").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append(row)
    return found


def _body(body: Any) -> str:
    if isinstance(body, Mapping):
        return str(body.get("text") or f"{body.get('bytes')} bytes, SHA-256 {body.get('sha256')}")
    return plain(str(body or "no body"))


# --- log and scan


def _log(document: Row) -> Iterator[str]:
    yield from _head(document, "Lines of the judged system's log: a call over the limit, and a provider failure.")
    yield from _given(document.get("log_excerpts") or (), "No log was read: see the clauses about logs in matrix.csv.")


def _scan(document: Row) -> Iterator[str]:
    yield from _head(document, "What the search for secrets put out.")
    yield from _given(document.get("secret_scans") or (), "No search for secrets was recorded by this run.")


def _given(rows: Iterable[Row], otherwise: str) -> Iterator[str]:
    listed = [row for row in rows if row.get("system") == KEY]
    if not listed:
        yield otherwise
    for row in listed:
        yield ""
        yield f"# {row['title']}"
        detail = row["detail"] or ()
        yield from (plain(line) for line in ([detail] if isinstance(detail, str) else detail))


# --- the matrix


def _matrix(clauses: Iterable[Row], run: Row) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(
        ("clause", "title", "severity", "outcome", "reason", "owner", "due", "OWASP and ASVS", "checks", "message")
    )
    for clause in clauses:
        owner, due = responsibility(clause, run) if clause["outcome"] in OPEN else ("", "")
        cells = (
            clause["id"], clause["title"], clause["severity"], clause["outcome"], clause["reason"] or "", owner, due,
            " ".join(clause.get("references") or ()), len(clause["checks"]), one_line(clause["message"] or "", 500),
        )  # fmt: skip
        writer.writerow([_cell(cell) for cell in cells])
    return table.getvalue()


def _cell(value: Any) -> Any:
    """Return *value* so that a spreadsheet takes it for text, whatever a target made it begin with."""
    text = plain(value) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in "=+-@\t\r" and text else text


# --- the summary and the report


def _summary(document: Row, clauses: list[Row]) -> Iterator[str]:
    run = document["run"]
    yield "# Security gate, summary"
    yield ""
    yield f"- Verdict of the gate: **{_verdict(document)}** (the run: {document['verdict']})"
    yield f"- Environment: {plain(run['env'])} ({run['kind']}); {_facts(run)}"
    yield f"- Run: {run['id']}, {run['finished'] or 'cut short'}, revision {run['revision'] or 'unknown'}"
    yield f"- Clauses: {_counts(clauses)}"
    yield f"- Open, critical or high: {len(_grave(clauses))}"
    for standard in document.get("standards") or ():
        if standard["whole"]:
            names = {state: [e["id"] for e in standard["entries"] if e["state"] == state] for state in _STATES}
            said = "; ".join(f"{state}: {', '.join(found) or 'none'}" for state, found in names.items())
            yield f"- {standard['title']}: {said}"


_STATES = ("covered", "not judged", "not covered")


def _report(document: Row, clauses: list[Row]) -> Iterator[str]:
    run, grave = document["run"], _grave(clauses)
    yield "# Security gate S8: report"
    yield ""
    yield f"Date: {(run['finished'] or run['started'] or 'unknown')[:10]}"
    yield ""
    yield from _table(
        ("What", "Value"),
        [
            ("Verdict of the gate", _verdict(document)),
            ("Environment", f"{run['env']} ({run['kind']})"),
            ("System", _facts(run)),
            ("Run", run["id"]),
            ("Started", run["started"] or "unknown"),
            ("Finished", run["finished"] or "cut short"),
            ("Revision of the checks", run["revision"] or "unknown"),
            ("Profile", run["profile"]),
            ("Clauses", _counts(clauses)),
            ("Open, critical or high", str(len(grave))),
        ],
    )
    yield "## What is open"
    yield ""
    open_ones = sorted((c for c in clauses if c["outcome"] in OPEN), key=_urgency)
    if not open_ones:
        yield "Nothing: every clause that applies is green."
        yield ""
    else:
        rows = [_open_row(clause, run) for clause in open_ones]
        yield from _table(("Clause", "Severity", "Outcome", "Owner", "Due", "What must hold"), rows)
    if grave:
        yield f"The gate is not passed while {len(grave)} critical or high clauses are open."
        yield ""
    yield "## Attachments"
    yield ""
    yield from _table(("File", "Where"), _attachments(document))
    yield "Digests of all files of the run stand in `digests.json`; `rollout-gates verify DIR` compares them, offline."
    yield ""
    yield "## Signature"
    yield ""
    for line in ("Reviewer", "Decision (passed / not passed)", "Date", "Signature"):
        yield f"{line}: ______________________________"
        yield ""


def _open_row(clause: Row, run: Row) -> tuple[str, ...]:
    owner, due = responsibility(clause, run)
    outcome = f"{clause['outcome']} ({clause['reason']})" if clause["reason"] else clause["outcome"]
    return clause["id"], clause["severity"], outcome, owner or "nobody", due, clause["title"]


def _attachments(document: Row) -> Iterator[tuple[str, str]]:
    for name in (PROBES, LOG, SCAN, MATRIX, SUMMARY):
        yield name, "beside this file"
    given = {record["name"]: record for record in document.get("records") or () if record.get("system") == KEY}
    for name in (*ELSEWHERE, *(other for other in sorted(given) if other not in ELSEWHERE)):
        record = given.get(name)
        yield name, f"given by path; SHA-256 {record['sha256']}" if record else "not made by this run, and not given"


def _grave(clauses: Iterable[Row]) -> list[Row]:
    return [c for c in clauses if c["outcome"] == "red" and c["severity"] in ("critical", "high")]


def _urgency(clause: Row) -> tuple[int, int, str]:
    severities = ("critical", "high", "medium", "low")
    return OPEN.index(clause["outcome"]), severities.index(clause["severity"]), clause["id"]


def _verdict(document: Row) -> str:
    return next(str(gate["verdict"]) for gate in document["gates"] if gate["marker"] == GATE)


def _counts(clauses: Iterable[Row]) -> str:
    listed = [clause["outcome"] for clause in clauses]
    return ", ".join(f"{listed.count(word)} {word}" for word in ("green", "red", "inconclusive", "waived"))


def _facts(run: Row) -> str:
    facts = (run.get("facts") or {}).get(KEY) or {}
    return ", ".join(f"{name} {value}" for name, value in facts.items()) or KEY


def _head(document: Row, what: str) -> Iterator[str]:
    run = document["run"]
    yield f"# {what}"
    yield f"# Run {run['id']}, {run['env']} ({run['kind']}), {run['finished'] or 'cut short'}."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(clip(one_line(cell, 300), 300).replace('|', chr(92) + '|') for cell in row)} |"
    yield ""
