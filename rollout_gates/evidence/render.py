"""Renders every report of an evidence directory from its events, at the end of a run or after a crash."""

from __future__ import annotations

from pathlib import Path

from rollout_gates.evidence.artefacts import artefacts
from rollout_gates.evidence.ctrf import FILE_NAME as CTRF
from rollout_gates.evidence.ctrf import build_ctrf
from rollout_gates.evidence.document import Document, build_document, write_document
from rollout_gates.evidence.events import FILE_NAME as EVENTS
from rollout_gates.evidence.events import read_events
from rollout_gates.evidence.files import MANIFEST, EvidenceNotWritten, canonical_json, manifest, write_whole
from rollout_gates.evidence.html import FILE_NAME as HTML
from rollout_gates.evidence.html import render_html
from rollout_gates.evidence.junit import FILE_NAME as JUNIT
from rollout_gates.evidence.junit import render_junit
from rollout_gates.evidence.summary import FILE_NAME as SUMMARY
from rollout_gates.evidence.summary import render_summary


def render(directory: Path) -> Document:
    """Write all reports into *directory*, and the manifest of digests last; return the document.

    Raises `EvidenceNotWritten` when there is no run to render, or a report cannot be written; what was written before
    stays, and the manifest that would make it whole is missing.
    """
    events = read_events(directory / EVENTS)
    if not events.events:
        raise EvidenceNotWritten(f"{directory}: no run to render: {'; '.join(events.damage) or 'no events'}")
    (directory / MANIFEST).unlink(missing_ok=True)
    document = build_document(events, directory)
    write_document(document, directory)
    write_whole(directory / JUNIT, render_junit(document))
    write_whole(directory / CTRF, canonical_json(build_ctrf(document), levels=3))
    write_whole(directory / SUMMARY, render_summary(document))
    write_whole(directory / HTML, render_html(document, directory, events.events))
    for path, text in artefacts(document, directory):
        write_whole(path, text)
    write_whole(directory / MANIFEST, manifest(directory, document["files"]))
    return document
