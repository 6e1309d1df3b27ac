"""Each way to tamper with a ledger is found, and the entry is named."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.ledger.making import document, entered, evidence, files, found, ledger_of, rewrite, run_id


@pytest.fixture
def ledger(tmp_path):
    return ledger_of(tmp_path / "ledger")


def test_an_untouched_ledger_is_whole(ledger):
    assert found(ledger) == []


def test_a_changed_verdict_is_found(ledger):
    second = files(ledger)[1]
    rewrite(second, verdict="GO")

    assert [line.split(":")[:2] for line in found(ledger)] == [[second.name, " was changed"]]


def test_a_changed_verdict_that_was_sealed_anew_is_found_by_the_entry_after_it(ledger):
    rewrite(files(ledger)[1], seal=True, verdict="GO")

    [line] = found(ledger)
    assert line.startswith(f"entry 3 (run {run_id(3)}) rests on ")
    assert f"entry 2 (run {run_id(2)}) is " in line


def test_a_file_that_only_looks_different_is_found(ledger):
    second = files(ledger)[1]
    second.chmod(0o644)
    second.write_text(json.dumps(json.loads(second.read_bytes()), indent=1))

    assert found(ledger) == [f"{second.name}: was changed: it is not in the form in which entries are written"]


def test_an_added_key_is_found(ledger):
    second = files(ledger)[1]
    rewrite(second, note="approved by phone")

    assert "was changed" in found(ledger)[0]


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ([0], "entry 1 is missing: the ledger begins with entry 2"),
        ([1], "entry 2 is missing, between entries 1 and 3"),
        ([1, 2], "entries 2 to 3 are missing, between entries 1 and 4"),
        ([0, 1, 2], "entries 1 to 3 are missing: the ledger begins with entry 4"),
    ],
)
def test_a_removed_entry_is_found(ledger, gone, told):
    for path in [files(ledger)[at] for at in gone]:
        path.unlink()

    assert found(ledger) == [told]


def test_a_gap_that_was_closed_by_moving_the_entries_up_is_found(ledger):
    _first, second, third, fourth = files(ledger)
    second.unlink()
    third.rename(ledger / second.name)
    fourth.rename(ledger / third.name)

    lines = found(ledger)
    assert f"{second.name}: was moved: its content belongs into {third.name}" in lines
    assert f"{third.name}: was moved: its content belongs into {fourth.name}" in lines


def test_a_gap_that_was_closed_and_sealed_anew_is_found_unless_all_that_follows_is_forged(ledger):
    first, second, third, _fourth = files(ledger)
    hash_of_first = json.loads(first.read_bytes())["hash"]
    second.unlink()
    rewrite(third, seal=True, sequence=2, previous=hash_of_first)
    third.rename(ledger / second.name)

    assert found(ledger) == ["entry 3 is missing, between entries 2 and 4"]


def test_an_inserted_entry_is_found(ledger):
    _first, second, _third, fourth = files(ledger)
    inserted = ledger / f"00000002-{fourth.name[9:]}"
    shutil.copy(second, inserted)
    rewrite(inserted, seal=True, run=run_id(9), verdict="GO")

    lines = found(ledger)
    assert any(line.startswith("place 2 is taken 2 times: ") for line in lines)
    assert any(line.startswith(f"{inserted.name}: was moved") for line in lines)


def test_an_entry_at_the_end_that_rests_on_nothing_is_found(ledger):
    last = files(ledger)[-1]
    added = ledger / f"00000005-{last.name[9:]}"
    shutil.copy(last, added)
    rewrite(added, seal=True, run=run_id(9), sequence=5)

    assert [line[:7] for line in found(ledger)] == ["entry 5"]


def test_reordered_entries_are_found(ledger):
    _first, second, third, _fourth = files(ledger)
    content = second.read_bytes(), third.read_bytes()
    for path, swapped in zip((second, third), reversed(content), strict=True):
        path.chmod(0o644)
        path.write_bytes(swapped)

    lines = found(ledger)
    assert f"{second.name}: was moved: its content belongs into {third.name}" in lines
    assert f"{third.name}: was moved: its content belongs into {second.name}" in lines


def test_a_run_that_stands_twice_is_found(tmp_path):
    ledger_of(tmp_path / "ledger", 2)
    entered(tmp_path / "ledger", 1)

    assert found(tmp_path / "ledger") == [f"run {run_id(1)} stands in entries 1 and 3"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("notes.txt", b"", "notes.txt: is not the name of an entry"),
        ("00000005-abcdefabcdef.json", b"", "00000005-abcdefabcdef.json: is no entry"),
        ("00000005-abcdefabcdef.json", b"[]", "00000005-abcdefabcdef.json: is no entry"),
        ("00000005-abcdefabcdef.json", b"{}", "00000005-abcdefabcdef.json: is no entry: schema: Field required"),
        ("00000005-abcdefabcdef.json", b"[" * 100_000, "00000005-abcdefabcdef.json: is no entry"),
        ("00000005-abcdefabcdef.json", b"\xff\xfe", "00000005-abcdefabcdef.json: is no entry"),
    ],
)
def test_what_is_no_entry_is_named(ledger, name, content, told):
    (ledger / name).write_bytes(content)

    [line] = found(ledger)
    assert line.startswith(told)


# --- against the evidence that is still there


@pytest.fixture
def reports(tmp_path):
    """The evidence of three runs, and their ledger beside it."""
    for number in (1, 2, 3):
        entered(tmp_path / "ledger", number, folder=evidence(tmp_path, number))
    return tmp_path


def test_evidence_that_was_not_touched_agrees(reports):
    assert found(reports / "ledger") == []


def test_evidence_that_was_changed_since_is_found(reports):
    path = reports / run_id(2) / "evidence.json"
    path.write_text(path.read_text().replace('"abc"', '"abd"'))

    [line] = found(reports / "ledger")
    assert line.startswith(f"entry 2 (run {run_id(2)}): {path}: was changed since")


def test_a_file_that_the_evidence_rests_on_is_compared_too(reports):
    (reports / run_id(2) / "events.jsonl").write_text("{}\n{}\n")
    (reports / run_id(3) / "events.jsonl").unlink()

    changed, missing = found(reports / "ledger")
    assert changed.endswith(f"{run_id(2)}/events.jsonl: was changed; its digest is not the one in evidence.json")
    assert missing.endswith(f"{run_id(3)}/events.jsonl: is missing")


def test_evidence_without_its_document_is_found(reports):
    (reports / run_id(2) / "evidence.json").unlink()

    [line] = found(reports / "ledger")
    assert line.endswith("evidence.json: cannot be read: No such file or directory")


def test_evidence_that_was_thrown_away_whole_is_no_harm(reports):
    shutil.rmtree(reports / run_id(2))

    assert found(reports / "ledger") == []


def test_evidence_that_moved_together_with_its_ledger_is_found(reports, tmp_path_factory):
    there = tmp_path_factory.mktemp("elsewhere") / "reports"
    shutil.copytree(reports, there)
    shutil.rmtree(reports)
    (there / run_id(2) / "events.jsonl").write_text("")

    assert len(found(there / "ledger")) == 1


def test_a_last_entry_that_was_cut_off_is_found_by_the_evidence_of_its_run(reports):
    files(reports / "ledger")[-1].unlink()

    [line] = found(reports / "ledger")
    assert line.startswith(f"run {run_id(3)} ended with GO and has no entry: it was removed")


def test_a_run_that_said_itself_that_it_could_not_append_is_none_of_those(reports):
    evidence(reports, 4, "INCONCLUSIVE", problems=["the ledger entry was not written: no space"])
    evidence(reports, 5, "INCONCLUSIVE", run=document(5)["run"] | {"finished": None})

    assert found(reports / "ledger") == []
