"""A deployment with `control.flip`: both modes are judged in turn, and the declared one is put back whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.proof.gate import WHOLE
from tests.systems.tts.flippable import ROOT, TOKEN, deployed

QUICK = "shown_within_s = 1.5\nflip_timeout_s = 20"
# What this environment file does not give, and what has to be caught while it happens.
EXCUSES = {"not configured", "too few samples"}
SWITCH = ("-k", "mode_switch or test_mode_configuration")
CAPS = ("-k", "test_mode_configuration")
CLAUSE = "TTS-MODE-14"


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("theirs")) as deployment:
        yield deployment


@pytest.fixture(autouse=True)
def healthy(there):
    """Each test begins with a deployment that runs the declared mode, and leaves it so: whatever went wrong."""
    there.start_anew("qwen")


def begun(there):
    """The modes that were deployed, in order."""
    return [line.split()[0] for line in there.diary if " begins " in line]


def check_discreet(ended):
    assert TOKEN not in ended.output
    files = [path for path in ended.folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert "[redacted:" in json.dumps(ended.evidence["changes"])


@pytest.mark.parametrize(
    "workers", [(), ("-n", "2")] if WHOLE else [("-n", "2")], ids=lambda given: "parallel" if given else "serial"
)
def test_both_modes_of_a_healthy_deployment_are_judged(there, workers):
    ended = there.judge(there.environment_file(more=QUICK), *workers)

    assert ended.evidence["counts"]["red"] == 0, ended.output[-4000:]
    assert ended.evidence["counts"]["green"] > 55
    undecided = [row for row in ended.evidence["clauses"] if row["outcome"] == "inconclusive"]
    assert {row["reason"] for row in undecided} <= EXCUSES, undecided
    for clause in ("TTS-MODE-01", "TTS-MODE-10", "TTS-MODE-14", "TTS-CAP-04", "TTS-GEN-01"):
        assert [ended.cell(clause, cell)["outcome"] for cell in ("qwen-task", "modal-task")] == ["green", "green"], (
            clause
        )
    assert ended.cell("TTS-GEN-04", "modal-task")["outcome"] == "not applicable"
    assert ended.cell("TTS-CLONE-09", "qwen-task")["outcome"] == "not applicable"
    assert begun(there) == ["modal", "qwen"] * 3
    assert there.mode == "qwen"
    changes = ended.evidence["changes"]
    assert [(change["to"], change["status"], change["problem"]) for change in changes] == [
        ("modal", 0, ""), ("qwen", 0, ""),
    ] * 3  # fmt: skip
    assert all(change["home"] == "qwen" and change["took_s"] > 0 for change in changes)
    assert all(change["shown_after_s"] is not None and "flip_mode.py" in change["command"] for change in changes)
    assert len({change["worker"] for change in changes}) == 1
    assert ended.evidence["problems"] == []
    assert [each for each in _overlaps(ended) if each] == []
    check_discreet(ended)


def _overlaps(ended):
    """Flows of one cell that were at work while one of the other was."""
    events = [json.loads(line) for line in (ended.folder / "events.jsonl").read_text().splitlines()]
    running = {}
    for event in events:
        if event["event"] == "flow_started":
            running[event["cell"], event["flow"]] = True
            yield "" if len({cell for cell, _ in running}) == 1 else f"{sorted(running)}"
        elif event["event"] == "flow_finished":
            running.pop((event["cell"], event["flow"]), None)


def test_a_mode_that_was_left_out_is_not_go(there):
    ended = there.judge(there.environment_file(more=QUICK), "-k", "qwen-task")

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    assert ended.cell(CLAUSE, "qwen-task")["outcome"] == "green"
    assert ended.cell(CLAUSE, "modal-task")["reason"] == "check did not run"
    # Only the flip that is itself judged.
    assert begun(there) == ["modal", "qwen"], ended.evidence["changes"]


def test_without_a_command_the_other_mode_is_shown_as_missing(there):
    ended = there.judge(there.environment_file(flip=""), *SWITCH)

    cell = ended.cell(CLAUSE, "modal-task")
    assert (cell["outcome"], cell["judged"]) == ("not applicable", False)
    assert "with tts.control.flip in the environment file the run judges both modes" in cell["message"]
    assert ended.cell(CLAUSE, "qwen-task")["outcome"] == "green"
    assert ended.cell("TTS-MODE-01", "qwen-task")["reason"] == "not configured"
    assert "not judged: tts modal-task: the deployment runs qwen" in ended.output
    assert there.diary == []


@pytest.mark.parametrize(
    ("fault", "cell", "red"),
    [
        ("F-02", "modal-task", {"TTS-MODE-14", "TTS-CAP-04"}),
        ("F-12", "qwen-task", {"TTS-MODE-10"}),
    ],
)
def test_a_fault_of_the_switch_is_no_go(there, fault, cell, red):
    there.set("faults", "PUT", {"on": [f"tts:{fault}"]})

    ended = there.judge(there.environment_file(more=QUICK), "-k", "mode_switch or test_mode_configuration or test_cap")

    assert (ended.status, ended.verdict) == (1, "NO-GO"), ended.output[-3000:]
    assert ended.red(cell) & red
    assert ended.red("qwen-task") | ended.red("modal-task") <= red
    assert there.mode == "qwen"


def test_languages_that_never_tell_the_mode_are_no_go_and_nothing_is_flipped(there):
    there.set("faults", "PUT", {"on": ["tts:F-01"]})

    ended = there.judge(there.environment_file(more=QUICK), *SWITCH)

    assert (ended.status, ended.verdict) == (1, "NO-GO"), ended.output[-3000:]
    assert "TTS-MODE-01" in ended.red("qwen-task")
    other = ended.cell(CLAUSE, "modal-task")
    assert (other["outcome"], other["reason"]) == ("inconclusive", "source absent")
    assert "the mode was not flipped, since only the declared one would be put back" in other["message"]
    assert there.diary == []


def test_a_command_that_ends_well_and_does_nothing_is_red(there):
    ended = there.judge(there.environment_file(more=QUICK), *SWITCH, habit="modal=lies")

    assert (ended.status, ended.verdict) == (1, "NO-GO"), ended.output[-3000:]
    assert "TTS-MODE-01" in ended.red("qwen-task")
    assert ended.outcomes("modal-task") <= {"inconclusive", "not applicable"}
    other = ended.cell(CLAUSE, "modal-task")
    assert "control.flip to modal ended with status 0, but after 1.5 s languages names qwen" in other["message"]
    assert there.mode == "qwen"
    assert "put it back with" not in ended.output


def test_a_command_that_fails_leaves_the_other_mode_unjudged(there):
    ended = there.judge(there.environment_file(more=QUICK), *SWITCH, habit="modal=fails")

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE"), ended.output[-3000:]
    assert ended.cell("TTS-MODE-01", "qwen-task")["reason"] == "source absent"
    assert ended.outcomes("modal-task") <= {"inconclusive", "not applicable"}
    assert "ended with status 1" in ended.cell(CLAUSE, "modal-task")["message"]
    assert "not logged in" in ended.cell(CLAUSE, "modal-task")["message"]
    assert begun(there) == ["modal", "qwen"] * 2, "what failed half-way is put back too"
    check_discreet(ended)


def test_a_command_that_hangs_is_ended_with_all_that_it_started(there):
    ended = there.judge(
        there.environment_file(more="shown_within_s = 1\nflip_timeout_s = 2"), *SWITCH, habit="modal=hangs"
    )

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE"), ended.output[-3000:]
    told = ended.cell(CLAUSE, "modal-task")["message"]
    assert "control.flip to modal was still running after 2 s, and was ended" in told
    check_gone(there)
    assert there.mode == "qwen"


def test_a_mode_that_cannot_be_put_back_is_said_loudly(there):
    ended = there.judge(there.environment_file(more=QUICK), *CAPS, habit="qwen=fails")

    assert ended.cell(CLAUSE, "modal-task")["outcome"] == "green"
    assert ended.verdict == "INCONCLUSIVE"
    (line,) = [line for line in ended.output.splitlines() if line.startswith("RUN ")]
    assert "tts: the provider mode may no longer be 'qwen'; put it back with: " in line
    assert line.split("put it back with: ")[1].split(" (")[0].endswith("flip_mode.py qwen")
    assert "ended with status 1" in line
    assert there.mode == "modal"


def test_ctrl_c_in_the_other_mode_puts_the_declared_one_back(there):
    file = there.environment_file(more=QUICK)

    ended = there.interrupted(file, "-k", "smoke and modal-task", when=lambda: "modal ends" in there.diary)

    assert ended.status == 2, ended.output[-3000:]
    assert "Traceback" not in ended.output
    assert there.mode == "qwen"
    assert begun(there)[-1] == "qwen"
    assert not any("put it back" in problem for problem in ended.evidence["problems"])


def test_ctrl_c_while_the_command_runs_ends_it_and_puts_the_declared_mode_back(there):
    file = there.environment_file(more="shown_within_s = 5\nflip_timeout_s = 100")

    ended = there.interrupted(file, "-n", "2", *CAPS, habit="modal=hangs", when=lambda: begun(there) == ["modal"])

    assert ended.status == 2, ended.output[-3000:]
    check_gone(there)
    assert (there.mode, begun(there)) == ("qwen", ["modal", "qwen"])


def test_a_clean_up_puts_back_the_mode_of_a_run_that_was_killed(there):
    file = there.environment_file(more=QUICK)
    killed = there.interrupted(
        file, "-k", "smoke and modal-task", when=lambda: "modal ends" in there.diary, number=signal.SIGKILL
    )
    assert there.mode == "modal"

    def script(command, *more):
        line = [sys.executable, "-m", "rollout_gates.cli", command, str(killed.folder), *more]
        done = subprocess.run(line, cwd=ROOT, env=there.variables(), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    status, said = script("verify")
    assert status != 0
    assert "the provider mode may no longer be 'qwen'; put it back with: " in said
    status, said = script("cleanup", f"--env={file}")
    assert "restored tts provider mode qwen of the environment file" in said
    assert there.mode == "qwen"
    assert script("cleanup", f"--env={file}")[1].startswith("Nothing is left of this run.")


def check_gone(there):
    """No command is left running."""
    for line in there.diary:
        if " begins " in line:
            with pytest.raises(ProcessLookupError):
                os.kill(int(line.split()[2]), 0)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ({"flip": '["./no-such-flip", "{mode}"]'}, "tts.control.flip: there is no program './no-such-flip'"),
        ({"flip": '["true"]'}, "flip needs a word with {mode} in it"),
        ({"flip": "[]"}, "tts.control.flip"),
        ({"more": "flip_timeout_s = 0"}, "tts.control.flip_timeout_s"),
        (
            {"mode": "modal", "without": "vc_model"},
            "tts.vc_model: required key is missing with provider_mode = 'qwen', which control.flip has",
        ),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(there, file, told):
    ended = there.judge(there.environment_file(**file))

    assert ended.status == 4
    (line,) = [line for line in ended.output.splitlines() if "theirs.toml" in line]
    assert told in line
    assert not ended.folder.exists()
    assert there.diary == []
