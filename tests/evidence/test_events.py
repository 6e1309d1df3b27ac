"""The event log: whole lines from several processes, and a reader that hides nothing."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from rollout_gates.evidence.events import EventLog, EventLogFailed, read_events


def append_many(path: Path, worker: int) -> None:
    with EventLog(path) as log:
        for number in range(200):
            log.append("note", text=f"{worker}-{number}-" + "x" * 3000)


def test_an_event_comes_back_as_it_was_written(tmp_path):
    with EventLog(tmp_path / "events.jsonl", now=lambda: "2026-03-14T09:26:53Z") as log:
        log.append("spend", system="shop", what="order", amount=1, clauses=("A", "B"), grüße="☃")

    assert read_events(tmp_path / "events.jsonl").events == [
        {"t": "2026-03-14T09:26:53Z", "event": "spend", "system": "shop", "what": "order", "amount": 1}
        | {"clauses": ["A", "B"], "grüße": "☃"}
    ]


def test_a_field_may_be_called_kind(tmp_path):
    with EventLog(tmp_path / "events.jsonl") as log:
        log.append("resource_made", kind="order")

    event = read_events(tmp_path / "events.jsonl").events[0]
    assert (event["event"], event["kind"]) == ("resource_made", "order")


def test_lines_of_several_processes_stay_whole(tmp_path):
    path = tmp_path / "events.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_many, args=(path, number)) for number in range(4)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    found = read_events(path)
    assert (len(found.events), found.damage) == (800, [])


def test_a_cut_last_line_is_reported_and_the_others_are_read(tmp_path):
    path = tmp_path / "events.jsonl"
    append_many(path, 1)
    os.truncate(path, path.stat().st_size - 10)

    found = read_events(path)
    assert len(found.events) == 199
    assert found.damage == ["events.jsonl line 200 is cut short (3054 bytes)"]


def test_who_comes_after_a_cut_line_does_not_lose_an_event_to_it(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"t":"now","event":"note","te')

    with EventLog(path) as log:
        log.append("note", text="after the crash")

    found = read_events(path)
    assert [event["text"] for event in found.events] == ["after the crash"]
    assert found.damage == ["events.jsonl line 1 is not an event (29 bytes)"]


@pytest.mark.parametrize("line", ["[]", "{}", '{"event": 1, "t": "x"}', '{"event": "note"}', "\x00\x00", "nonsense"])
def test_a_line_that_is_no_event_is_damage(tmp_path, line):
    path = tmp_path / "events.jsonl"
    path.write_text(f'{line}\n{{"t":"now","event":"note"}}\n')

    found = read_events(path)
    assert (len(found.events), len(found.damage)) == (1, 1)


def test_a_missing_log_is_damage(tmp_path):
    assert read_events(tmp_path / "events.jsonl").damage == ["events.jsonl: cannot be read: No such file or directory"]


def test_free_text_is_redacted_and_structure_is_not(tmp_path):
    with EventLog(tmp_path / "events.jsonl", lambda text: text.replace("hunter2", "[redacted]")) as log:
        log.append(
            "collect_error",
            message="password hunter2",
            nodeid="test_hunter2",
            details=[{"error": "hunter2", "id": "hunter2"}],
            argv=["--token", "hunter2"],
        )

    event = read_events(tmp_path / "events.jsonl").events[0]
    assert event["message"] == "password [redacted]"
    assert event["details"] == [{"error": "[redacted]", "id": "hunter2"}]
    assert event["argv"] == ["--token", "[redacted]"]
    assert event["nodeid"] == "test_hunter2"


def test_half_a_surrogate_pair_does_not_stop_the_log(tmp_path):
    with EventLog(tmp_path / "events.jsonl") as log:
        log.append("note", text="\ud800")

    assert read_events(tmp_path / "events.jsonl").events[0]["text"] == "?"


def test_a_closed_log_refuses_events(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.close()
    log.close()

    with pytest.raises(EventLogFailed, match="is closed, note was not written"):
        log.append("note", text="too late")


def test_a_log_that_cannot_be_opened_says_why(tmp_path):
    (tmp_path / "events.jsonl").mkdir()

    with pytest.raises(EventLogFailed, match="cannot be opened for appending: Is a directory"):
        EventLog(tmp_path / "events.jsonl")


def test_a_line_that_is_written_in_part_is_an_error(tmp_path, monkeypatch):
    log = EventLog(tmp_path / "events.jsonl")
    monkeypatch.setattr(os, "write", lambda _file, line: len(line) - 3)

    with pytest.raises(EventLogFailed, match="note was cut after"):
        log.append("note", text="the disk is full")


def test_a_number_that_json_lacks_is_refused(tmp_path):
    with EventLog(tmp_path / "events.jsonl") as log, pytest.raises(ValueError, match="not JSON compliant"):
        log.append("spend", amount=float("nan"))


def test_each_line_is_one_json_object(tmp_path):
    append_many(tmp_path / "events.jsonl", 1)

    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert all(json.loads(line)["event"] == "note" for line in lines)
