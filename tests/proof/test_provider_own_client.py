"""The proof of what the deployment itself says to its provider, as the provider's log of a whole sandbox shows it."""

from __future__ import annotations

import asyncio

import pytest

from tests.proof.gate import built_faults
from tests.proof.provider import OWN_CLIENT, Judged, judged
from tests.proof.test_provider_conformance import OWN
from tests.sandbox.running import running
from tests.systems.tts.acting import acting, settings_of

FAULTS = [fault for fault in built_faults("tts", ("DS-",)) if OWN.issuperset(fault["red"])]


@pytest.fixture(scope="module")
def sandbox():
    with running("--lane=realtime") as started:
        yield started


def judge(sandbox, folder, *faults: str) -> Judged:
    switched = sandbox.control("PUT", "faults", {"on": [f"tts:{fault}" for fault in faults]})
    assert switched.json()["faults"] == [f"tts:{fault}" for fault in faults], "the fault is not on"

    async def run() -> Judged:
        settings = settings_of(sandbox.table("qwen-realtime"))
        async with acting(folder, settings, kind="local", timeout_s=10) as stage:
            stage.context.sandbox_url = sandbox.ready["control_url"]
            return await judged(stage, [OWN_CLIENT])

    return asyncio.run(run())


def test_each_clause_has_a_violation():
    assert {name for fault in FAULTS for name in fault["red"]} == OWN


def test_a_deployment_without_a_fault_is_green(sandbox, tmp_path):
    found = judge(sandbox, tmp_path)

    assert found.told() == ""
    assert found.green == OWN


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["id"])
def test_a_violation_reddens_what_it_names_and_nothing_else(sandbox, tmp_path, fault):
    found = judge(sandbox, tmp_path, fault["id"])

    assert found.red == set(fault["red"]), found.told()
