"""``rollout-gates ledger``: what it shows, and its exit status."""

from __future__ import annotations

import json

import pytest

from rollout_gates.cli import main
from tests.ledger.making import entered, files, ledger_of, rewrite, run_id


def shown(capsys, *arguments):
    status = main(["ledger", *arguments])
    output = capsys.readouterr()
    return status, output.out + output.err


def test_it_shows_each_verdict_and_that_the_chain_is_whole(tmp_path, capsys):
    ledger = ledger_of(tmp_path / "ledger", 2)

    status, text = shown(capsys, "--env", str(ledger))

    _head, first, second, last = text.splitlines()
    assert status == 0
    assert first.split() == ["1", "2026-03-14", "09:01:59", run_id(1), "GO", "smoke"]
    assert second.split() == ["2", "2026-03-14", "09:02:59", run_id(2), "NO-GO", "smoke", "SHOP-SMOKE-01"]
    assert last.startswith(f"{ledger}: whole, 2 entries; evidence of 0 of them is here; the last hash is ")


def test_what_is_wrong_is_named_and_is_status_1(tmp_path, capsys):
    ledger = ledger_of(tmp_path / "ledger")
    rewrite(files(ledger)[1], verdict="GO")

    status, text = shown(capsys, "--env", str(ledger))

    assert status == 1
    assert text.count("WRONG  ") == 1
    assert f"{ledger}: NOT WHOLE, 4 entries" in text


def test_as_json(tmp_path, capsys):
    ledger = ledger_of(tmp_path / "ledger")
    files(ledger)[1].unlink()

    status, text = shown(capsys, "--env", str(ledger), "--json")

    told = json.loads(text)
    assert status == 1
    assert told["whole"] is False
    assert told["problems"] == ["entry 2 is missing, between entries 1 and 3"]
    assert [entry["sequence"] for entry in told["entries"]] == [1, 3, 4]
    assert told["entries"][0]["schema"] == "rollout-gates/ledger/1"


def test_no_entry_is_never_status_0(tmp_path, capsys):
    assert shown(capsys, "--env", str(tmp_path)) == (6, f"{tmp_path}: no entry\n")


def test_a_hash_that_was_kept_elsewhere_shows_that_the_end_was_cut_off(tmp_path, capsys):
    ledger = ledger_of(tmp_path / "ledger")
    kept = entered(ledger, 5).hash
    assert shown(capsys, "--env", str(ledger), "--holds", kept)[0] == 0
    files(ledger)[-1].unlink()

    status, text = shown(capsys, "--env", str(ledger), "--holds", kept)

    assert status == 1
    assert f"no entry has the hash {kept}" in text


@pytest.mark.parametrize("wanted", ["3f", "not-a-hash-at-all"])
def test_a_hash_that_is_none_is_refused(tmp_path, capsys, wanted):
    status, text = shown(capsys, "--env", str(ledger_of(tmp_path / "ledger")), "--holds", wanted)

    assert status == 4
    assert "at least the first 12 hexadecimal digits" in text


def test_the_name_of_an_environment_stands_for_its_ledger(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "environments").mkdir()
    tts = '[tts]\nprovider_mode = "modal"\nlane = "task"\n'
    (tmp_path / "environments" / "one.toml").write_text(f'kind = "local"\nsandbox = true\n{tts}')
    (tmp_path / "environments" / "two.toml").write_text(f'kind = "local"\nsandbox = true\nledger = "there"\n{tts}')
    ledger_of(tmp_path / "reports" / "one" / "ledger", 1)
    ledger_of(tmp_path / "there", 2)

    assert "reports/one/ledger: whole, 1 entry;" in shown(capsys, "--env", "one")[1]
    assert "there: whole, 2 entries;" in shown(capsys, "--env", "two")[1]
    assert shown(capsys, "--env", "three")[0] == 4


def test_which_one_has_to_be_said(capsys, monkeypatch):
    monkeypatch.delenv("ROLLOUT_ENV", raising=False)

    status, text = shown(capsys)

    assert status == 4
    assert text.startswith("rollout-gates ledger: --env is required: name the environment (local, prod, staging)")
