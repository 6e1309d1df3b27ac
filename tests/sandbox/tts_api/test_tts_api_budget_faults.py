"""F-90 exceeds the budgets of errors, time and money; without it nothing is refused, slow or paid for twice."""

from __future__ import annotations

import time

import pytest

from sandbox.tts.api import budgets
from tests.sandbox.tts_api.deployed import Deployed
from tests.sandbox.tts_api.test_tts_api_faults import both


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(budgets, "SLOW_S", 0.0)


def spoken(api: Deployed, count: int) -> tuple[int, int, int]:
    """Submit *count* texts, one after the other; return how many were refused, how many accepted, and how many failed."""
    user = api.user()
    voice_id = user.voice()
    refused = accepted = failed = 0
    for number in range(count):
        reply = user.post("/generate", {"voice_id": voice_id, "text": f"Text {number}.", "language": "Auto"})
        if reply.status_code == 500:
            assert reply.json() == {"detail": "Failed to create task."}
            refused += 1
            continue
        accepted += 1
        failed += user.ended(reply.json()["task_id"])["status"] == "failed"
    return refused, accepted, failed


def test_f_90_refuses_and_loses_what_was_valid(api: Deployed):
    api.instance.providers.modal.set_option("job_s", 0)
    off, (refused, accepted, failed) = both(api, "F-90", lambda: spoken(api, 18))

    assert off == (0, 18, 0)
    assert (refused, accepted) == (4, 14)
    assert failed in (4, 5)


def test_f_90_pays_the_provider_twice(api: Deployed):
    call = ("dashscope", "synthesis") if api.mode == "qwen" else ("modal", "submit")

    def look() -> tuple[int, int]:
        before = len(api.heard(*call))
        _, accepted, _ = spoken(api, 9)
        return len(api.heard(*call)) - before, accepted

    assert both(api, "F-90", look) == ((9, 9), (14, 7))


def test_f_90_takes_its_time(api: Deployed, monkeypatch):
    monkeypatch.setattr(budgets, "SLOW_S", 0.7)
    api.instance.providers.modal.set_option("job_s", 0)

    def look() -> bool:
        began = time.monotonic()
        spoken(api, 1)
        return time.monotonic() - began > 0.7

    assert both(api, "F-90", look)[1]
