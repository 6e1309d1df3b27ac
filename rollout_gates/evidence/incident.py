"""An incident record, filled in from the evidence of a run, as far as evidence can: Markdown for people to complete.

What the evidence does not tell is a blank, ``______``. `gaps` says what of a finished record is still missing, so that
a check can ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rollout_gates.evidence import views
from rollout_gates.evidence.document import FILE_NAME as EVIDENCE
from rollout_gates.evidence.events import FILE_NAME as EVENTS
from rollout_gates.evidence.files import MANIFEST, digest
from rollout_gates.evidence.markdown import cell, code, table
from rollout_gates.evidence.text import duration, one_line
from rollout_gates.evidence.verify import Finding
from rollout_gates.owners import responsibility

SECTIONS: Final = ("Times", "Trigger", "Mode at start", "Actions", "Rollback type", "Evidence", "Owner", "Follow-ups")
"""What a complete record has, each with something in it."""
BLANK: Final = "______"

_SHOWN: Final = 20
_DIGEST: Final = re.compile(r"\b[0-9a-f]{64}\b")
_TIME: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z")

Row = Mapping[str, Any]


def render_incident(finding: Finding) -> str:
    """Return the record of the run that *finding* is about. Its document must be there."""
    document = finding.document
    assert document is not None
    parts = {
        "Times": _times(document),
        "Trigger": _trigger(document),
        "Mode at start": _mode(document),
        "Actions": _actions(document),
        "Rollback type": _rollback(document),
        "Evidence": _evidence(finding),
        "Owner": _owner(document),
        "Follow-ups": _follow_ups(document),
    }
    lines = [f"# Incident record: {cell(document['run']['env'])}, {cell(document['run']['id'])}", ""]
    lines += [f"Verdict of the run: **{finding.verdict.value}**. {cell(views.sentence(document))}", ""]
    for title in SECTIONS:
        lines += [f"## {title}", "", *parts[title], ""]
    return "\n".join(lines)


def gaps(text: str) -> list[str]:
    """Return what is missing in the incident record *text*, one line a thing; nothing where it is complete."""
    found = _sections(text)
    missing = [f"it has no section {title!r}" for title in SECTIONS if title not in found]
    missing += [f"section {title!r} is empty" for title in SECTIONS if title in found and not found[title].strip()]
    missing += [f"section {title!r} has a blank" for title in SECTIONS if _has_blank(found.get(title, ""))]
    if "Times" in found and not _TIME.search(found["Times"]):
        missing.append("section 'Times' has no time in UTC, such as 2026-11-28T09:00:00Z")
    if "Evidence" in found and not _DIGEST.search(found["Evidence"]):
        missing.append("section 'Evidence' has no SHA-256 of anything")
    return missing


def _has_blank(text: str) -> bool:
    return BLANK in text.replace("\\", "")


def _sections(text: str) -> dict[str, str]:
    """Return what stands under each heading of the second level."""
    found: dict[str, list[str]] = {}
    title = None
    for line in text.splitlines():
        if line.startswith("## "):
            title = line[3:].strip()
            found.setdefault(title, [])
        elif title is not None:
            found[title].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


# --- the sections


def _times(document: Row) -> Iterator[str]:
    run = document["run"]
    changes = document["changes"]
    home = [change for change in changes if change["to"] == change["home"] and change.get("status") == 0]
    rows = [
        ("Began", BLANK),
        ("Run started", _utc(run["started"])),
        ("First seen by the run", _first_red(document)),
        *((f"{cell(each['what'])} set to {cell(each['to'])}", _utc(each["began"])) for each in changes[:_SHOWN]),
        ("Restored", _restored(home[-1]) if home else BLANK),
        ("Time to restore", _took(home[-1]) if home else BLANK),
        ("Run finished", _utc(run["finished"])),
    ]
    yield from table(("What", "When (UTC)"), rows)


def _first_red(document: Row) -> str:
    ended = [
        _later(check["started"], check["duration_s"])
        for check in document["checks"]
        if check["outcome"] == "failed" and check["started"]
    ]
    return min(ended) if ended else "nothing was red"


def _restored(change: Row) -> str:
    return _later(change["began"], (change.get("took_s") or 0) + (change.get("shown_after_s") or 0))


def _took(change: Row) -> str:
    command, shown = change.get("took_s"), change.get("shown_after_s")
    if command is None or shown is None:
        return BLANK
    return f"{duration(command + shown)}: the command {duration(command)}, then {duration(shown)} until it was seen"


def _trigger(document: Row) -> Iterator[str]:
    red = [clause for clause in views.blockers(document) if clause["outcome"] == "red"]
    if not red:
        yield f"No clause was red in this run. {BLANK}"
        return
    for clause in red[:_SHOWN]:
        yield f"- **{clause['id']}** ({clause['severity']}): {cell(clause['title'])}"
        yield f"  {code(clause['message'].splitlines()[0] if clause['message'] else 'no message')}"
    if len(red) > _SHOWN:
        yield f"- and {len(red) - _SHOWN} more; see the evidence"


def _mode(document: Row) -> Iterator[str]:
    run = document["run"]
    rows = [(system, told or BLANK) for system, told in views.facts(document)]
    homes = {(each["system"], each["what"]): each["home"] for each in reversed(document["changes"])}
    rows += [(f"{system}: {what}", home) for (system, what), home in homes.items()]
    yield from table(
        ("System", "As declared when the run began"), [*rows, ("Environment", f"{run['env']} ({run['kind']})")]
    )


def _actions(document: Row) -> Iterator[str]:
    changes = document["changes"]
    if not changes:
        yield f"The run changed nothing of its target. {BLANK}"
        return
    for change in changes[:_SHOWN]:
        problem = change.get("problem")
        came = f"status {change['status']}" if change.get("status") is not None else "its end was never written down"
        yield (
            f"- {_utc(change['began'])}: {cell(change['what'])} to {cell(change['to'])} "
            f"({cell(change['why'] or 'no reason given')}): {code(change['command'])}; "
            f"{cell(problem) if problem else came}"
        )


def _rollback(document: Row) -> Iterator[str]:
    changes = document["changes"]
    back = [change for change in changes if change["to"] == change["home"]]
    if not back:
        yield f"This run rolled nothing back. Configuration, code, data, or none: {BLANK}"
        return
    for what in dict.fromkeys(f"{change['what']} of {change['system']}" for change in back):
        yield f"- configuration: {cell(what)} put back by a command, without a change of code or data"


def _evidence(finding: Finding) -> Iterator[str]:
    directory = finding.directory
    paths = (directory / name for name in (EVIDENCE, MANIFEST, EVENTS))
    rows = [(path.name, digest(path)) for path in paths if path.is_file()]
    yield f"Directory: {code(Path(directory).as_posix())}"
    yield ""
    yield from table(("File", "SHA-256"), rows)
    if not finding.whole:
        yield ""
        yield f"**The evidence is not whole**: {code(finding.problems[0])} {BLANK}"


def _owner(document: Row) -> Iterator[str]:
    red = [clause for clause in views.blockers(document) if clause["outcome"] == "red"]
    names = [name for clause in red if (name := responsibility(clause, document["run"])[0])]
    yield f"Of the incident: {BLANK}"
    if names:
        yield ""
        yield f"Of what was red: {', '.join(map(cell, dict.fromkeys(names)))}"


def _follow_ups(document: Row) -> Iterator[str]:
    rows = []
    for clause in views.blockers(document)[:_SHOWN]:
        owner, due = responsibility(clause, document["run"])
        why = clause["outcome"] + (f" ({clause['reason']})" if clause["reason"] else "")
        rows.append((f"{clause['id']}: {why}", owner or BLANK, due or BLANK))
    rows += [(f"trouble of the run: {one_line(text, 200)}", BLANK, BLANK) for text in document["problems"][:_SHOWN]]
    left = document["resources"]["left"]
    if left:
        rows.append((f"{len(left)} things that the run made may still stand: rollout-gates cleanup", BLANK, BLANK))
    if not rows:
        yield "None is open in the evidence."
        return
    yield from table(("What", "Owner", "Due"), rows)


def _utc(value: Any) -> str:
    return _later(value, 0)


def _later(value: Any, seconds: float) -> str:
    try:
        moment = datetime.fromisoformat(str(value)) + timedelta(seconds=seconds)
    except ValueError:
        return BLANK
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
