"""Tells whether an evidence directory is whole, and what it says: offline, and in a process that did not write it.

The verdict is computed anew from the events and compared with what the reports say; every file is compared with its
digest in the manifest. A signature over the manifest (``statement.dsse.json``) is for a later check to look at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rollout_gates.evidence.document import FILE_NAME as EVIDENCE
from rollout_gates.evidence.document import Document, build_document, schema_problems, summary_line
from rollout_gates.evidence.events import FILE_NAME as EVENTS
from rollout_gates.evidence.events import SCHEMA as EVENTS_SCHEMA
from rollout_gates.evidence.events import Events, read_events
from rollout_gates.evidence.files import MANIFEST, manifest
from rollout_gates.evidence.text import count, one_line
from rollout_gates.verdict import Verdict

_COMPARED: Final = ("run", "verdict", "exit_status", "counts", "gates", "clauses", "checks")
_SHOWN: Final = 20

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What `verify` found: the verdict that stands, and what the events say.

    *problems* has one line for each thing that is wrong with the evidence; *remarks* are troubles of the run that the
    evidence tells of truly, and that its verdict allows for.
    """

    verdict: Verdict
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    document: Document | None
    directory: Path

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with the evidence."""
        return not self.problems

    @property
    def exit_status(self) -> int:
        """0 for whole evidence of a GO, 1 of a NO-GO; 6 for INCONCLUSIVE or damaged evidence."""
        return self.verdict.exit_status

    @property
    def last_line(self) -> str:
        """The line that a run ends with, for the verdict that stands."""
        if self.document is None:
            return f"{self.verdict.value}  no run could be read · {self.directory}"
        return f"{summary_line(self.document['run'], self.verdict.value, self.document['counts'])} · {self.directory}"


def verify(directory: Path) -> Finding:
    """Check the evidence in *directory*. Never raises for what is in it; writes nothing."""
    events = read_events(directory / EVENTS)
    problems = [*events.damage, *_endings(events)]
    document: Document | None = None
    try:
        document = build_document(events, directory) if events.events else None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as problem:
        problems.append(f"{EVENTS}: cannot be judged: {type(problem).__name__}: {one_line(problem)}")
    problems += _limited(lambda: _against_manifest(directory))
    if document is not None:
        problems += _limited(lambda: _against_events(directory, document))
    verdict = Verdict(document["verdict"]) if document is not None and not problems else Verdict.INCONCLUSIVE
    remarks = tuple(document["problems"]) if document is not None else ()
    return Finding(verdict, tuple(problems), remarks, document, directory)


def _endings(events: Events) -> Iterator[str]:
    """Tell whether the log begins and ends as that of a run that was not cut short."""
    begun, ended = events.first("run_started"), events.last("run_finished")
    if events.events and not begun:
        yield f"{EVENTS}: no run_started, so the beginning is missing"
    if begun and begun.get("schema") != EVENTS_SCHEMA:
        yield f"{EVENTS}: its schema is {begun.get('schema')!r}, this program reads {EVENTS_SCHEMA!r}"
    if events.events and not ended:
        last = events.events[-1]
        yield f"the run was cut short: no run_finished; the last event is {last['event']} at {last['t']}"
        finished = {event.get("nodeid") for event in events.of("check_finished")}
        lost = {event.get("nodeid") for event in events.of("check_started")} - finished
        if lost:
            yield f"{count(len(lost), 'check')} began and never ended: {', '.join(sorted(map(str, lost))[:3])}"


def _against_events(directory: Path, document: Row) -> Iterator[str]:
    ended = read_events(directory / EVENTS).last("run_finished").get("verdict")
    if ended and ended != document["verdict"]:
        yield f"{EVENTS}: the run ended with {ended}, its events say {document['verdict']}"
    try:
        stored = json.loads((directory / EVIDENCE).read_bytes())
    except OSError as problem:
        yield f"{EVIDENCE}: cannot be read: {problem.strerror}"
        return
    except ValueError as problem:
        yield f"{EVIDENCE}: is not JSON: {one_line(problem)}"
        return
    invalid = [f"{EVIDENCE}: {line}" for line in schema_problems(stored)]
    yield from invalid
    if not invalid:
        for key in _COMPARED:
            yield from _differences(key, stored[key], document[key])


def _differences(at: str, stored: Any, told: Any) -> Iterator[str]:
    """Yield where *stored* says other than the events. Keys that only one of the two has are left to the digests."""
    if isinstance(stored, dict) and isinstance(told, dict):
        for key in stored.keys() & told.keys():
            yield from _differences(f"{at}.{key}", stored[key], told[key])
    elif isinstance(stored, list) and isinstance(told, list):
        if len(stored) != len(told):
            yield f"{EVIDENCE}: {at} has {len(stored)} entries, the events say {len(told)}"
            return
        for number, (left, right) in enumerate(zip(stored, told, strict=True)):
            yield from _differences(f"{at}[{_name(left, number)}]", left, right)
    elif stored != told:
        yield f"{EVIDENCE}: {at} is {one_line(stored, 80)!r}, the events say {one_line(told, 80)!r}"


def _name(row: Any, number: int) -> Any:
    return next((row[key] for key in ("id", "nodeid", "marker") if isinstance(row, dict) and key in row), number)


def _against_manifest(directory: Path) -> Iterator[str]:
    """Compare every file with the manifest, and the manifest with what it must be, byte for byte."""
    try:
        content = (directory / MANIFEST).read_bytes()
    except OSError as problem:
        yield f"{MANIFEST}: cannot be read: {problem.strerror}; the evidence was never finished, or it was removed"
        return
    expected = manifest(directory)
    if content == expected.encode():
        return
    listed, there = _files(content), _files(expected.encode())
    for name in sorted(listed.keys() | there.keys()):
        if name not in there:
            yield f"{name}: is listed in {MANIFEST} and missing"
        elif name not in listed:
            yield f"{name}: is not listed in {MANIFEST}"
        elif listed[name] != there[name]:
            yield f"{name}: was changed; its digest is not the one in {MANIFEST}"
    if listed == there:
        yield f"{MANIFEST}: was changed; it is not in the form in which it is written"


def _files(content: bytes) -> dict[str, Any]:
    try:
        files = json.loads(content)["files"]
    except (ValueError, KeyError, TypeError):
        return {}
    return files if isinstance(files, dict) else {}


def _limited(find: Callable[[], Iterator[str]]) -> list[str]:
    found = list(find())
    if len(found) <= _SHOWN:
        return found
    return [*found[:_SHOWN], f"… and {len(found) - _SHOWN} more"]
