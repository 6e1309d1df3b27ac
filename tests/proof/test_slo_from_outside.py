"""The proof that the gate of objectives judges a deployment that is no sandbox: by its rows, its log and our own probes."""

from __future__ import annotations

import pytest

from tests.proof.gate import WHOLE
from tests.proof.outside import deployed, judge

pytestmark = pytest.mark.skipif(not WHOLE, reason="a minute a fault; tox -e proof does them all")
# Loose enough for a busy machine, and few enough samples for two windows of twenty seconds.
SLO = {
    "start_success": 0.9,
    "completion": 0.9,
    "cancel_success": 0.9,
    "median_s": 10,
    "p95_s": 20,
    "min_samples": 5,
    "probe_every_s": 1,
}
RED = {
    "F-29": {"TTS-SLO-03", "TTS-SLO-08"},
    "F-37": {"TTS-SLO-06"},
    "F-40": {"TTS-SLO-02"},
    "F-43": {"TTS-SLO-05"},
}
JUDGED = {f"TTS-SLO-0{number}" for number in (1, 2, 3, 4, 5, 6, 8)}


def watched(folder, *faults):
    with deployed(folder, "qwen", "task", *faults) as there:
        return judge(folder, there, "--window=20s", gate="slo", slo=SLO, billable_calls=60, latency_budget_s=30)


def test_a_healthy_deployment_is_go(tmp_path):
    run = watched(tmp_path)

    assert (run.evidence["verdict"], run.status) == ("GO", 0), run.told()
    assert run.ids("green") == JUDGED
    assert {row["source"] for row in run.evidence["objectives"]} == {"the log", "rows of the database"}


@pytest.mark.parametrize("fault", RED)
def test_a_fault_is_found_by_what_a_deployment_shows(tmp_path, fault):
    run = watched(tmp_path, fault)

    assert run.ids("red") == RED[fault], run.told()
    assert run.evidence["verdict"] == "NO-GO"
