"""Runs the part of the security gate that is about bursts, failures, logs, alerts and its own evidence."""

from __future__ import annotations

from rollout_gates.catalogue import applicability, load
from tests.proof.gate import ROOT, GateRun, built_faults, checks_in, environment_file, run_checks

MINE = ("TTS-SEC-ABUSE-", "TTS-SEC-FAIL-", "TTS-SEC-OBS-", "TTS-EVID-01", "TTS-EVID-02")
FILES = ("bursts", "failure_safety", "provider_audio_urls", "logs", "alerts", "gate_evidence")
REQUIRED = {"F-27", "F-37", "F-78", "F-79", "F-80", "F-81", "F-82", "F-83", "F-84", "F-87", "K-01", "K-02"}
CLAUSES = {clause.id: clause for clause in load(ROOT / "clauses").clauses if clause.id.startswith(MINE)}
FAULTS = built_faults("tts", MINE)
# While nobody is ever refused, nothing can be said of who else is, or of what a forged name buys.
UNJUDGED = {"F-78": {"TTS-SEC-ABUSE-03", "TTS-SEC-ABUSE-07", "TTS-SEC-ABUSE-08", "TTS-SEC-OBS-03", "TTS-EVID-02"}}


def judge(folder, mode, lane, *arguments) -> GateRun:
    """Run these checks alone, in one mode and lane."""
    environment = environment_file(folder, mode, lane)
    return run_checks(environment, "-m", "security", *checks_in("security", *FILES), *arguments)


def mine(names):
    """Return those of *names* that these checks judge."""
    return {name for name in names if name.startswith(MINE)}


def judged(mode, lane):
    """Return the clauses that mean something in this mode and lane of the sandbox."""
    facts = {"mode": mode, "lane": lane}
    return {name for name, clause in CLAUSES.items() if applicability(clause, facts, "local", sandbox=True) is None}


def told(run):
    """Return what each of these clauses said that is not green."""
    return "\n".join(line for line in run.told().splitlines() if line.startswith(MINE))


def prove_healthy(folder, mode, lane):
    """A system without a fault turns every clause green."""
    run = judge(folder, mode, lane)

    assert mine(run.ids("green")) == judged(mode, lane), told(run)
    return run


def prove_fault(folder, fault, mode, lane):
    """A fault turns red what its row names, and nothing else."""
    run = judge(folder, mode, lane, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == judged(mode, lane) & set(fault["red"]), told(run)
    assert mine(run.ids("inconclusive")) == UNJUDGED.get(fault["id"], set()), told(run)


def places(fault):
    """Return the modes and lanes in which *fault* is proven: each mode where it shows, in lane task or the other."""
    lane = "task" if "task" in fault.get("lanes", ["task"]) else "realtime"
    for mode in fault.get("modes") or ("qwen", "modal"):
        if judged(mode, lane) & set(fault["red"]):
            yield mode, lane
