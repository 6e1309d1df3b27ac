"""The proof of the streaming gate: it is green where nothing is wrong, and each fault turns red what its row names."""

from __future__ import annotations

import pytest

from tests.proof.gate import WHOLE, built_faults, run_gate

MINE = ("TTS-STREAM-", "TTS-CAP-05")
FAULTS = built_faults("tts", MINE)
REQUIRED = {54, 55, 56, 57, 58, 59, 60, 61}
CLAUSES = 15
# Every fault takes a run of its own. This one shows in time alone.
QUICK = {"F-54"}
# Defects of generate that its stream has as well; their rows name no clause of streams.
WIDER = {
    "F-04": {"TTS-STREAM-07"},
    "F-33": {"TTS-STREAM-09"},
    "F-42": {"TTS-STREAM-07"},
    "F-51": {"TTS-CAP-05"},
    "F-62": {"TTS-STREAM-05", "TTS-STREAM-07"},
    "F-72": {"TTS-STREAM-11"},
    "F-76": {"TTS-STREAM-11"},
    "F-78": {"TTS-STREAM-12"},
}


def streaming(folder, *faults):
    """Run the gate, in each mode and lane, with *faults* on."""
    on = [f"--fault={','.join(f'tts:{fault}' for fault in faults)}"] if faults else []
    return run_gate(folder, "qwen", *on, gate="streaming")


def mine(names):
    return {name for name in names if name.startswith(MINE)}


def test_every_fault_that_names_a_stream_is_built():
    assert {int(fault["id"].removeprefix("F-")) for fault in FAULTS} == REQUIRED


def test_a_system_without_a_fault_is_go(tmp_path):
    run = streaming(tmp_path)

    assert (run.evidence["verdict"], run.status) == ("GO", 0), run.told()
    assert len(mine(run.ids("green"))) == CLAUSES
    heard = run.evidence["streams"]
    assert {"complete", "left", "broken"} <= {stream["end"] for stream in heard}
    assert all(stream["first_byte_s"] is not None for stream in heard)
    assert any(stream["audio_file"] in run.evidence["files"] for stream in heard)
    (times,) = run.evidence["stream_times"]
    assert times["cell"] == "qwen-realtime"
    assert times["first_byte_s"]["count"] == times["last_byte_s"]["count"] >= 3


@pytest.mark.parametrize("fault", [f for f in FAULTS if WHOLE or f["id"] in QUICK], ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault):
    run = streaming(tmp_path, fault["id"])

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == mine(fault["red"]), run.told()
    assert run.ids("inconclusive") == set(), run.told()
    assert (run.evidence["verdict"], run.status) == ("NO-GO", 1)


@pytest.mark.skipif(not WHOLE, reason="a run a fault; tox -e proof does them all")
@pytest.mark.parametrize("fault", WIDER)
def test_a_defect_of_generate_is_found_on_its_stream(tmp_path, fault):
    run = streaming(tmp_path, fault)

    assert mine(run.ids("red")) == WIDER[fault], run.told()
    assert run.ids("inconclusive") == set(), run.told()


@pytest.mark.skipif(not WHOLE, reason="takes a run of its own; tox -e proof does it")
def test_the_reference_build_has_no_defect_of_streams_but_that_of_every_generate(tmp_path):
    reference = [fault["id"] for fault in built_faults("tts", ("TTS-",)) if fault.get("reference")]

    run = streaming(tmp_path, *reference)

    assert mine(run.ids("red")) == WIDER["F-33"], run.told()
    assert run.ids("inconclusive") == set(), run.told()
