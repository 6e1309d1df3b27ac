"""What was planned or made and not removed is outstanding."""

from __future__ import annotations

from rollout_gates.evidence.events import EventLog, read_events
from rollout_gates.wire import Journal, outstanding


def journal(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    return Journal(log.append), log


def still_there(tmp_path):
    return [(found.kind, found.id, found.made) for found in outstanding(read_events(tmp_path / "events.jsonl").events)]


def test_a_thing_is_written_down_before_it_is_made(tmp_path):
    mine, _ = journal(tmp_path)
    mine.planned("tts", "voice", "rg-run-1-clone", "user_a", "clone")

    assert still_there(tmp_path) == [("voice", "rg-run-1-clone", False)]


def test_a_made_thing_is_known_by_its_real_id(tmp_path):
    mine, _ = journal(tmp_path)
    mine.made(mine.planned("tts", "voice", "rg-run-1-clone", "user_a"), id="v-1")
    (found,) = outstanding(read_events(tmp_path / "events.jsonl").events)

    assert (found.id, found.planned_id, found.owner, found.made) == ("v-1", "rg-run-1-clone", "user_a", True)


def test_a_removed_thing_is_not_outstanding(tmp_path):
    mine, _ = journal(tmp_path)
    mine.removed(mine.made(mine.planned("tts", "voice", "name", "user_a"), id="v-1"))
    mine.removed(mine.planned("tts", "voice", "never-made", "user_a"))

    assert still_there(tmp_path) == []


def test_a_thing_that_was_left_is_outstanding(tmp_path):
    mine, _ = journal(tmp_path)
    mine.left(mine.made(mine.planned("tts", "user", "mail", "service"), id="u-1"), "HTTP 500")

    assert still_there(tmp_path) == [("user", "u-1", True)]


def test_the_newest_comes_first_as_it_depends_on_the_older(tmp_path):
    mine, _ = journal(tmp_path)
    user = mine.made(mine.planned("tts", "user", "mail", "service"), id="u-1")
    mine.planned("tts", "generation", "g", "user_a")
    voice = mine.made(mine.planned("tts", "voice", "name", "user_a"), id="v-1")

    assert still_there(tmp_path) == [("voice", "v-1", True), ("generation", "g", False), ("user", "u-1", True)]
    mine.removed(voice)
    mine.removed(user)
    assert still_there(tmp_path) == [("generation", "g", False)]


def test_things_of_two_systems_are_told_apart(tmp_path):
    mine, _ = journal(tmp_path)
    mine.planned("tts", "user", "same", "a")
    mine.removed(mine.planned("stages", "user", "same", "a"))

    assert still_there(tmp_path) == [("user", "same", False)]


def test_a_cut_last_line_hides_nothing_before_it(tmp_path):
    mine, log = journal(tmp_path)
    mine.planned("tts", "voice", "name", "user_a")
    log.close()
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"t": "2026-01-01T00:00:00Z", "event": "resource_rem')

    assert still_there(tmp_path) == [("voice", "name", False)]
