"""verify and render, in a process of their own: one changed byte is found, a cut-short run is recognised."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rollout_gates import cli_render, cli_verify
from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.render import render
from rollout_gates.evidence.verify import verify
from rollout_gates.verdict import Verdict
from tests.evidence import story

FILES = ("events.jsonl", "evidence.json", "index.html", "junit.xml", "ctrf.json", "go-no-go.md", "digests.json")


def command(module, directory: Path) -> int:
    parser = argparse.ArgumentParser()
    module.add_parser(parser.add_subparsers())
    name = module.__name__.rpartition("_")[2]
    return int(module.run(parser.parse_args([name, str(directory)])))


@pytest.mark.parametrize(
    ("name", "status", "verdict"),
    [
        ("go", 0, "GO"),
        ("waived", 0, "GO"),
        ("no_go", 1, "NO-GO"),
        ("inconclusive", 6, "INCONCLUSIVE"),
        ("import_error", 6, "INCONCLUSIVE"),
    ],
)
def test_whole_evidence_gives_the_verdict_of_the_run(evidence, capsys, name, status, verdict):
    directory = evidence(name)

    assert command(cli_verify, directory) == status
    lines = capsys.readouterr().out.splitlines()
    assert "The evidence is whole: events, reports and digests agree." in lines
    assert lines[-1].startswith(f"{verdict}  smoke or security · env staging (staging) · 10 clauses: ")
    assert lines[-1].endswith(f" · {directory}")


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_in_any_file_is_found(evidence, name):
    directory = evidence("go")
    content = bytearray((directory / name).read_bytes())

    missed = []
    for place in {0, len(content) // 3, len(content) // 2, len(content) - 2, len(content) - 1}:
        changed = content.copy()
        changed[place] ^= 1
        (directory / name).write_bytes(changed)
        found = verify(directory)
        if found.whole or found.verdict is not Verdict.INCONCLUSIVE or found.exit_status != 6:
            missed.append(place)
    assert missed == []


def test_a_changed_transcript_is_found_and_named(tmp_path):
    story.write_transcript(tmp_path, "order", [{"id": "main-1", "status": 200}])
    render(story.go(tmp_path))
    with (tmp_path / "transcripts/order.jsonl").open("a") as file:
        file.write("\n")

    assert (
        "transcripts/order.jsonl: was changed; its digest is not the one in digests.json" in verify(tmp_path).problems
    )


@pytest.mark.parametrize("name", [*FILES, "transcripts/order.jsonl"])
def test_a_missing_file_is_found(tmp_path, name):
    story.write_transcript(tmp_path, "order", [{"id": "main-1", "status": 200}])
    render(story.go(tmp_path))
    (tmp_path / name).unlink()

    found = verify(tmp_path)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert any(problem.startswith(f"{name}: ") for problem in found.problems)


def test_a_file_that_was_added_is_found(evidence):
    directory = evidence("go")
    (directory / "s8").mkdir()
    (directory / "s8" / "signed.md").write_text("all good")

    assert verify(directory).problems == ("s8/signed.md: is not listed in digests.json",)


def test_a_verdict_that_was_edited_is_found_even_with_new_digests(evidence):
    directory = evidence("no_go")
    edited = json.loads((directory / "evidence.json").read_text())
    edited.update(verdict="GO", exit_status=0)
    edited["clauses"][3]["outcome"] = "green"
    (directory / "evidence.json").write_text(json.dumps(edited))
    digest_anew(directory)

    assert verify(directory).problems == (
        "evidence.json: verdict is 'GO', the events say 'NO-GO'",
        "evidence.json: exit_status is '0', the events say '1'",
        "evidence.json: clauses[SHOP-SMOKE-04].outcome is 'green', the events say 'red'",
    )


def test_an_event_that_was_taken_away_is_found_even_with_new_digests(evidence):
    directory = evidence("no_go")
    lines = (directory / "events.jsonl").read_text().splitlines(keepends=True)
    (directory / "events.jsonl").write_text("".join(line for line in lines if "left 1 charge" not in line))
    digest_anew(directory)

    found = verify(directory)
    assert "evidence.json: clauses[SHOP-SMOKE-04].outcome is 'red', the events say 'inconclusive'" in found.problems


def test_a_verdict_at_the_end_that_the_events_do_not_bear_out_is_found(tmp_path):
    run = story.Story(tmp_path).begin().collect().check_rest("SHOP-CON-03").check("SHOP-CON-03", "failed")
    render(run.end("GO", 0))

    assert verify(tmp_path).problems == ("events.jsonl: the run ended with GO, its events say NO-GO",)


def test_evidence_that_breaks_the_schema_is_found(evidence):
    directory = evidence("go")
    edited = json.loads((directory / "evidence.json").read_text())
    edited["clauses"][0]["severity"] = "whatever"
    (directory / "evidence.json").write_text(json.dumps(edited))
    digest_anew(directory)

    assert verify(directory).problems == (
        'evidence.json: $.clauses[0].severity: "whatever" is not one of "critical", "high" or 2 other candidates',
    )


def test_a_run_that_was_killed_is_recognised_and_can_be_rendered(tmp_path, capsys):
    directory = story.crash(tmp_path / "crash")

    assert command(cli_verify, directory) == 6
    said = capsys.readouterr().out
    assert (
        "WRONG  the run was cut short: no run_finished; the last event is check_started at 2026-03-14T09:26:53" in said
    )
    assert (
        "WRONG  1 check began and never ended: suites/first_sale/test_first_sale.py::test_shop_smoke_02_holds" in said
    )
    assert "WRONG  digests.json: cannot be read: No such file or directory" in said
    assert said.splitlines()[-1].startswith("INCONCLUSIVE  smoke or security · ")

    assert command(cli_render, directory) == 6
    assert "cut short" in (directory / "index.html").read_text()
    assert len(verify(directory).problems) == 2


def test_a_process_that_leaves_without_a_word_is_recognised(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from tests.evidence.story import Story; "
        "run = Story(Path(sys.argv[1])).begin().collect(); run.check('SHOP-SMOKE-01'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=Path(__file__).parents[2])

    found = verify(tmp_path)
    assert found.exit_status == 6
    assert found.problems[0].startswith("the run was cut short: no run_finished; the last event is check_finished")


def test_a_lost_worker_is_told_and_its_run_is_not_go(tmp_path, capsys):
    run = story.Story(tmp_path).begin().collect().check_rest()
    run.log.append("worker_lost", worker="gw1", message="worker 'gw1' crashed")
    render(run.end("INCONCLUSIVE", 6))

    assert command(cli_verify, tmp_path) == 6
    assert "NOTE   worker gw1 was lost: worker 'gw1' crashed" in capsys.readouterr().out


def test_events_that_make_no_sense_are_damage_not_a_traceback(evidence):
    directory = evidence("go")
    text = (directory / "events.jsonl").read_text()
    (directory / "events.jsonl").write_text(text.replace('"outcome":"passed"', '"outcome":"wonderful"'))

    found = verify(directory)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.problems[0].startswith("events.jsonl: cannot be judged: ValueError: 'wonderful' is not a valid")


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"[]\n", b'{"event":"run_started","t":"x"}\n'])
def test_rubbish_instead_of_events_is_damage(tmp_path, content):
    (tmp_path / "events.jsonl").write_bytes(content)

    assert verify(tmp_path).exit_status == 6


def test_an_empty_directory_is_damage(tmp_path):
    found = verify(tmp_path)

    assert found.exit_status == 6
    assert found.last_line == f"INCONCLUSIVE  no run could be read · {tmp_path}"


@pytest.mark.parametrize("module", [cli_verify, cli_render])
def test_what_is_no_directory_is_a_usage_problem(tmp_path, module):
    with pytest.raises(UsageProblem, match="nowhere is no directory"):
        command(module, tmp_path / "nowhere")


def test_rendering_twice_changes_no_judgement(evidence):
    directory = evidence("no_go")
    before = (directory / "evidence.json").read_bytes()

    render(directory)
    assert (directory / "evidence.json").read_bytes() == before
    assert verify(directory).whole


def test_evidence_may_be_moved(evidence, tmp_path):
    moved = shutil.move(evidence("go"), tmp_path / "elsewhere")

    assert verify(Path(moved)).exit_status == 0


def test_nothing_of_it_needs_pytest():
    code = (
        "import sys; import rollout_gates.evidence.render, rollout_gates.cli_verify, rollout_gates.cli_render; "
        "sys.exit([name for name in sys.modules if name.split('.')[0] in ('pytest', '_pytest', 'pytest_html')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"[]\n")


def digest_anew(directory: Path) -> None:
    """Do what somebody does who edits evidence and covers it up."""
    from rollout_gates.evidence.files import manifest

    (directory / "digests.json").write_text(manifest(directory))
