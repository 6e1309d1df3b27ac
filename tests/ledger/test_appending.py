"""Appending: one chain, whatever happens at the same time, and nothing that is half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from rollout_gates.errors import UsageProblem
from rollout_gates.ledger import LedgerFailed, append, digest_of, open_store, read_ledger, told_of
from rollout_gates.ledger.entry import GENESIS, canonical
from rollout_gates.ledger.store import UrlStore
from tests.ledger.making import document, entered, files, found, ledger_of, rewrite, run_id

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bucket():
    """A folder in memory that fsspec reaches, empty before and after."""
    memory = fsspec.filesystem("memory")
    yield "memory://ledger-of-tests"
    if memory.exists("/ledger-of-tests"):
        memory.rm("/ledger-of-tests", recursive=True)


def test_an_entry_says_what_the_run_was(tmp_path):
    first = entered(tmp_path, 1, "NO-GO")

    assert (first.sequence, first.previous, first.run, first.verdict) == (1, GENESIS, run_id(1), "NO-GO")
    assert first.gates == {"smoke": "NO-GO"}
    assert first.clauses == {"SHOP-SMOKE-01": "red", "SHOP-SMOKE-02": "green"}
    assert first.blockers == ("SHOP-SMOKE-01",)
    assert first.cells == {"shop": ("card",)}
    assert first.facts == {"shop": {"pays": "card"}}
    assert first.evidence.sha256 is None


def test_each_entry_rests_on_the_one_before(tmp_path):
    first, second = entered(tmp_path, 1), entered(tmp_path, 2)

    assert second.previous == first.hash
    assert [path.name for path in files(tmp_path)] == [
        f"00000001-{'0' * 12}.json",
        f"00000002-{first.hash[:12]}.json",
    ]


def test_an_entry_is_one_line_in_the_form_of_rfc_8785():
    assert canonical({"b": [1, 1.0, "é"], "a": None}) == '{"a":null,"b":[1,1,"é"]}'.encode()
    assert digest_of({"a": 1, "hash": "x"}) == digest_of({"a": 1})


def test_an_entry_cannot_be_written_by_mistake(tmp_path):
    entered(tmp_path, 1)

    [path] = files(tmp_path)
    assert path.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_many_at_once_make_one_chain(place, tmp_path, bucket):
    where = tmp_path / "ledger" if place == "folder" else bucket
    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda number: entered(where, number), range(1, 16)))

    assert sorted(entry.sequence for entry in entries) == list(range(1, 16))
    assert found(where) == []


def test_processes_at_once_make_one_chain(tmp_path):
    script = "import sys; from tests.ledger.making import entered; [entered(sys.argv[1], int(n)) for n in sys.argv[2:]]"
    numbers = [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]]
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "ledger"), *mine], cwd=ROOT) for mine in numbers
    ]

    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert len(read_ledger(open_store(str(tmp_path / "ledger"))).entries) == 9
    assert found(tmp_path / "ledger") == []


def test_a_process_that_is_killed_while_it_appends_leaves_a_whole_ledger(tmp_path):
    script = (
        "import sys; from tests.ledger.making import entered; [entered(sys.argv[1], n % 60) for n in range(1, 9**9)]"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "ledger")], cwd=ROOT) as process:
        deadline = time.monotonic() + 30
        while len(list((tmp_path / "ledger").glob("0*"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)

    entered(tmp_path / "ledger", 59)
    assert [line for line in found(tmp_path / "ledger") if not line.startswith("run ")] == []


def test_nothing_is_appended_to_a_damaged_head(tmp_path):
    ledger_of(tmp_path)
    rewrite(files(tmp_path)[-1], verdict="NO-GO")

    with pytest.raises(LedgerFailed, match="the last entry is damaged: 00000004-.*: was changed"):
        entered(tmp_path, 5)


def test_nothing_is_appended_to_a_fork(tmp_path):
    ledger_of(tmp_path)
    last = files(tmp_path)[-1]
    (tmp_path / f"00000004-{'a' * 12}.json").write_bytes(last.read_bytes())

    with pytest.raises(LedgerFailed, match="claim the same place"):
        entered(tmp_path, 5)


def test_who_is_always_second_gives_up_and_says_so(tmp_path, monkeypatch):
    store = open_store(str(tmp_path))

    def taken(name, content):
        raise FileExistsError(name)

    monkeypatch.setattr(store, "create", taken)
    monkeypatch.setattr("rollout_gates.ledger.appending._LONGEST_PAUSE_S", 0)
    with pytest.raises(LedgerFailed, match="60 tries to append failed"):
        append(store, told_of(document(1), tmp_path, "", "GO"))


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "ledger").write_text("")

    with pytest.raises(LedgerFailed, match="ledger: cannot be listed: Not a directory"):
        entered(tmp_path / "ledger", 1)


def test_a_folder_below_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(LedgerFailed, match="Not a directory"):
        entered(tmp_path / "file" / "ledger", 1)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LedgerFailed, match="could not be written: No space left on device"):
        entered(tmp_path / "ledger", 1)

    assert files(tmp_path / "ledger") == []


def test_what_is_no_entry_is_not_written(tmp_path):
    with pytest.raises(LedgerFailed, match="the run cannot be entered: verdict: "):
        append(open_store(str(tmp_path)), {**told_of(document(1), tmp_path, "", "GO"), "verdict": "MAYBE"})

    assert files(tmp_path) == []


# --- behind a URL


def test_a_url_holds_a_ledger_like_a_folder(bucket):
    for number in (1, 2, 3):
        entered(bucket, number)

    assert found(bucket) == []
    assert len(read_ledger(open_store(bucket)).entries) == 3


def test_tampering_behind_a_url_is_found(bucket):
    for number in (1, 2, 3):
        entered(bucket, number)
    memory = fsspec.filesystem("memory")
    memory.rm(sorted(memory.ls("/ledger-of-tests", detail=False))[1])

    assert found(bucket) == ["entry 2 is missing, between entries 1 and 3"]


def test_an_empty_url_has_no_entries(bucket):
    assert read_ledger(open_store(bucket)).entries == ()


def test_a_file_url_is_a_folder(tmp_path):
    entered(f"file://{tmp_path}/ledger", 1)

    assert found(tmp_path / "ledger") == []


def test_a_backend_that_overwrites_is_noticed(bucket, monkeypatch):
    store = open_store(bucket)
    assert isinstance(store, UrlStore)
    monkeypatch.setattr(store._files, "cat_file", lambda _path: b"somebody else's")

    with pytest.raises(FileExistsError):
        store.create("00000001-000000000000.json", b"mine")


def test_a_backend_with_a_word_of_its_own_for_a_taken_name_is_understood(bucket, monkeypatch):
    store = open_store(bucket)
    entered(bucket, 1)
    [taken] = store.names()

    def refuse(*_args, **_options):
        raise OSError(22, "At least one of the pre-conditions you specified did not hold")

    monkeypatch.setattr(type(store._files), "pipe_file", refuse)
    with pytest.raises(FileExistsError):
        store.create(taken, b"mine")


def test_an_answer_that_got_lost_after_the_file_was_written_is_no_failure(bucket, monkeypatch):
    store = open_store(bucket)
    write = type(store._files).pipe_file

    def lose_the_answer(*args, **options):
        write(*args, **options)
        raise TimeoutError

    monkeypatch.setattr(type(store._files), "pipe_file", lose_the_answer)
    store.create("00000001-000000000000.json", b"mine")

    assert store.read("00000001-000000000000.json") == b"mine"


def test_a_backend_that_fails_is_told_in_one_line(bucket, monkeypatch):
    store = open_store(bucket)

    def fail(*_args, **_options):
        raise RuntimeError("no\nnetwork")

    monkeypatch.setattr(type(store._files), "pipe_file", fail)
    with pytest.raises(LedgerFailed) as told:
        entered(bucket, 1)
    assert "could not be written: RuntimeError: no network" in str(told.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nosuch://bucket/ledger", "ledger: nosuch://bucket/ledger cannot be opened: "),
        ("sftp://user:pass1234@host/ledger", "ledger: credentials never stand in a URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url, told):
    with pytest.raises(UsageProblem) as refused:
        open_store(url)

    assert str(refused.value).startswith(told)
    assert "pass1234" not in str(refused.value)
