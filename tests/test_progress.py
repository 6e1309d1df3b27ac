from __future__ import annotations

import time
from itertools import pairwise

from rollout_gates.evidence.events import EventLog
from rollout_gates.progress import Progress


def told(path, until, **options):
    """Follow the log at *path* until *until* is in what was said, or five seconds have passed."""
    lines: list[str] = []
    progress = Progress(path, lines.append, **options)
    progress.start()
    deadline = time.monotonic() + 5
    while not any(until in line for line in lines) and time.monotonic() < deadline:
        time.sleep(0.02)
    progress.stop()
    return lines


def test_notes_are_told_whatever_stands_between_them(tmp_path):
    with EventLog(tmp_path / "events.jsonl") as log:
        log.append("expected", clauses=[{"id": "A-01"}])
        log.append("note", text="waiting 3 s")
        log.append("check_finished", nodeid="a", message='"event":"note"')
        log.append("note", text="on we go")

        assert told(log.path, "on we go") == ["waiting 3 s", "on we go"]


def test_silence_is_filled_with_what_still_runs(tmp_path):
    with EventLog(tmp_path / "events.jsonl") as log:
        for name in ("clone", "design"):
            log.append("flow_started", flow=name, system="talk")
        log.append("flow_finished", flow="design", system="talk", duration_s=1.0, error=None)

        lines = told(log.path, "still running", quiet_s=0.1)

    assert lines[0] == "still running: clone (0 s)"


def test_long_silence_is_filled_less_and_less_often(tmp_path, monkeypatch):
    monkeypatch.setattr("rollout_gates.progress._LOOK_EVERY_S", 0.01)
    with EventLog(tmp_path / "events.jsonl") as log:
        log.append("flow_started", flow="watch", system="talk")
        said: list[float] = []
        progress = Progress(log.path, lambda _line: said.append(time.monotonic()), quiet_s=0.05)
        progress.start()
        deadline = time.monotonic() + 5
        while len(said) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        progress.stop()

    gaps = [later - earlier for earlier, later in pairwise(said)]
    assert len(said) >= 5
    assert gaps[3] > 1.5 * gaps[0]
