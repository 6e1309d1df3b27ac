"""What the flows do where the way forks."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace
from types import SimpleNamespace

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.burst import ROUTES
from rollout_gates.systems.tts.flows.cap import Cap
from rollout_gates.systems.tts.flows.voice import can_speak
from rollout_gates.wire import CouldNotJudge, OutOfBudget
from tests.suites.replies import reply
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.wire.scene import asynchronous

# The package shows the flow under the module's name.
bursting = importlib.import_module("rollout_gates.systems.tts.flows.volley")
NEEDS = ("provider_voice_id", "provider_target_model")


@pytest.mark.parametrize(
    ("row", "needs", "usable"),
    [
        ({"provider_voice_id": "p", "provider_target_model": "m"}, NEEDS, True),
        ({"provider_voice_id": None, "provider_target_model": "m"}, NEEDS, False),
        ({"provider_voice_id": "p", "provider_target_model": ""}, NEEDS, False),
        ({"providerVoiceId": None, "provider_target_model": "m"}, NEEDS, True),
        ({"name": "the members are gone"}, NEEDS, True),
        (None, NEEDS, False),
        (None, (), True),
    ],
)
def test_a_voice_can_speak_unless_it_is_shown_to_lack_something(row, needs, usable):
    assert can_speak(row, needs) is usable


@asynchronous
async def test_speech_uses_the_cloned_voice_where_there_is_one(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        speech, clone = await run.observe("speech"), await run.observe("clone")

        assert speech.voice_id == clone.voice_id
        assert "POST /voices/design/preview" not in there.calls


@asynchronous
async def test_without_any_voice_the_speech_says_why(tmp_path):
    there = Elsewhere(habits=frozenset({"no clones"}))
    async with served(there), acting(tmp_path, settings_of(there.table()), billable_calls=1) as run:
        await run.observe("clone")
        with pytest.raises(CouldNotJudge) as problem:
            await run.observe("speech")

    assert problem.value.reason is Reason.SOURCE_ABSENT
    assert "clone finalize answered 502 (Provider is temporarily unavailable." in str(problem.value)
    assert "the design could not be tried" in str(problem.value)


@asynchronous
async def test_a_speech_that_outlasts_our_patience_is_what_gets_cancelled(tmp_path):
    there = Elsewhere(synthesis_s=60.0)
    async with served(there), acting(tmp_path, settings_of(there.table(latency_budget_s=0.3))) as run:
        cancel, speech = await run.observe("cancel"), await run.observe("speech")

        assert speech.watch.ended is False
        assert cancel.started is speech.started
        assert cancel.cancel.status == 200
        assert there.calls.count("POST /generate") == 1


@asynchronous
async def test_a_lost_race_is_tried_again_at_most_twice(tmp_path):
    there = Elsewhere(synthesis_s=0.0, balance=1000)
    async with served(there), acting(tmp_path, settings_of(there.table()), billable_calls=20) as run:
        await run.observe("speech")
        before = there.calls.count("POST /generate")
        slow_down_cancels(there)
        with pytest.raises(CouldNotJudge, match="no task could be caught at work in 3 tries") as problem:
            await run.observe("cancel")

    assert problem.value.reason is Reason.TOO_FEW_SAMPLES
    assert there.calls.count("POST /generate") - before == 3


def slow_down_cancels(there):
    """Let each cancel arrive after its task has ended."""
    answer = there._routed

    async def late(request, path):
        if path.endswith("/cancel"):
            await asyncio.gather(*there.background)
        return await answer(request, path)

    there._routed = late


@asynchronous
async def test_a_lost_race_ends_with_the_budget(tmp_path):
    there = Elsewhere(synthesis_s=0.0, balance=1000)
    slow_down_cancels(there)
    async with served(there), acting(tmp_path, settings_of(there.table()), billable_calls=3) as run:
        with pytest.raises(CouldNotJudge, match="in 1 tries"):
            await run.observe("cancel")


@asynchronous
async def test_the_cap_is_tried_without_spending_anything(tmp_path):
    there = Elsewhere(cap=100)
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        cap: Cap = await run.observe("cap")

        assert [cap.short.status, cap.at.status, cap.over.status, cap.beyond.status] == [404, 404, 400, 400]
        assert [cap.padded_at.status, cap.padded_over.status] == [404, 400]
        assert [cap.wide_at.status, cap.wide_over.status] == [404, 400]
        assert run.context.budget.spent() == 0
        assert there.voices == []


@asynchronous
async def test_what_is_left_over_is_looked_for_in_every_place(tmp_path):
    there = Elsewhere(cap=60, balance=1000)
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        seen = await run.observe("cap_leftovers")

        assert seen.refused.status == 400
        assert seen.before == seen.after
        assert set(seen.before) == {
            "balance", "usage events", "generations listed", "rows in tasks", "rows in generations",
            "rows in credit_ledger",
        }  # fmt: skip
        assert seen.before["rows in generations"]


@asynchronous
async def test_a_text_that_is_not_refused_leaves_nothing_to_look_behind(tmp_path):
    there = Elsewhere(cap=60, balance=1000)
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        await run.observe("cancel")
        there.cap = 10_000
        with pytest.raises(CouldNotJudge, match="was answered 200, not refused"):
            await run.observe("cap_leftovers")

        assert there.generations[0]["status"] == "cancelled"


@asynchronous
async def test_isolation_waits_for_the_others_and_deletes_nothing(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        seen = await run.observe("isolation")

        assert [reach.foreign.status for reach in (*seen.reads, *seen.writes)] == [404] * 8
        assert [reach.own.status for reach in seen.reads] == [200, 303, 307, 200]
        assert seen.writes[0].own.status == 400
        assert seen.before == seen.after
        assert len(there.voices) == 2


@asynchronous
async def test_a_foreign_voice_is_planted_only_with_the_service_role_outside_of_prod(tmp_path):
    for kind, planted in (("staging", 1), ("prod", 0)):
        there = Elsewhere()
        async with served(there):
            settings = settings_of(there.table(), service_role_key="service-role-key-0123456789")
            async with acting(tmp_path / kind, settings, kind=kind) as run:
                await run.observe("lists")

        tried = [row for row in run.events.of("resource_planned") if "planted" in row["how"]]
        assert len(tried) == planted


def dated(second: int, status: int = 400):
    return reply(status, {"detail": "x"}, headers={"Date": f"Sun, 01 Mar 2026 12:00:{second:02d} GMT"})


def test_the_targets_clock_is_read_from_its_answers():
    assert bursting.clock(dated(7)) == 1772366407
    assert bursting.clock(reply(400, headers={"Date": "yesterday"})) > 1_700_000_000
    assert bursting.clock(reply(400)) > 1_700_000_000


@asynchronous
async def test_a_burst_is_sent_once_more_when_the_window_turned(tmp_path, monkeypatch):
    there = Elsewhere(limit=3, habits=frozenset({"no limits"}))
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        once, calls = bursting._once, []

        async def turned(context, user, *, drained):
            seen = await once(context, user, drained=drained)
            calls.append(seen)
            return replace(seen, windows=(1, 1 if len(calls) > 1 else 2))

        monkeypatch.setattr(bursting, "_once", turned)
        seen = await run.observe("burst")

        assert len(calls) == 2
        assert seen.in_one_window
        assert sum(there.calls.count(f"POST {path}") for path in ROUTES) == 8


@asynchronous
async def test_a_burst_that_is_cut_twice_cannot_be_judged(tmp_path, monkeypatch):
    there = Elsewhere(limit=3, habits=frozenset({"no limits"}))
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        once = bursting._once

        async def turned(context, user, *, drained):
            return replace(await once(context, user, drained=drained), windows=(1, 2))

        monkeypatch.setattr(bursting, "_once", turned)
        with pytest.raises(CouldNotJudge, match="turned in the middle of the burst, twice"):
            await run.observe("burst")


@asynchronous
async def test_a_burst_waits_for_a_window_with_room(monkeypatch):
    notes, slept = [], []

    async def sleep(seconds):
        slept.append(seconds)

    async def health():
        return reply(200, headers={"Date": "Sun, 01 Mar 2026 12:04:57 GMT"})

    monkeypatch.setattr(bursting.asyncio, "sleep", sleep)
    settings = SimpleNamespace(rate_limits=SimpleNamespace(window_s=300))
    session = SimpleNamespace(settings=settings, anon=SimpleNamespace(health=health))
    await bursting._wait_for_room(SimpleNamespace(note=notes.append), session, drained=False)

    assert 3 < slept[0] < 5
    assert "a burst must lie in one" in notes[0]


@asynchronous
async def test_a_burst_waits_for_a_bucket_with_room(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    async def health():
        return reply(200, headers={"Date": "Sun, 01 Mar 2026 12:02:00 GMT"})

    monkeypatch.setattr(bursting.asyncio, "sleep", sleep)
    settings = SimpleNamespace(rate_limits=SimpleNamespace(window_s=300))
    session = SimpleNamespace(settings=settings, anon=SimpleNamespace(health=health))
    for drained in (False, True):
        await bursting._wait_for_room(SimpleNamespace(note=lambda _text: None), session, drained=drained)

    assert [round(seconds) for seconds in slept] == [181]


@asynchronous
async def test_ids_that_an_answer_lacks_are_found_elsewhere(tmp_path):
    there = Elsewhere(habits=frozenset({"no ids"}))
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        speech, design, cancel = [await run.observe(name) for name in ("speech", "design", "cancel")]

        assert speech.watch.status == "completed"
        assert speech.row["status"] == "completed"
        assert design.voice_id == design.row["id"]
        assert cancel.row["status"] == "cancelled"
        assert speech.started.task_id != cancel.started.task_id


@asynchronous
async def test_a_configured_user_who_is_busy_is_not_the_targets_fault(tmp_path):
    there = Elsewhere()
    there.tokens = {"opaque-a-0123456789": "id-a"}
    there.users = {"id-a": {"balance": 1000, "events": []}}
    there.tasks = {"t": {"id": "t", "user": "id-a", "type": "generate", "status": "processing"}}
    async with served(there):
        settings = settings_of(there.table(sign_up=False), user_a_token="opaque-a-0123456789")
        async with acting(tmp_path, settings) as run:
            with pytest.raises(CouldNotJudge, match="user_a is busy with something of before this run"):
                await run.observe("speech")


@asynchronous
async def test_a_burst_beyond_the_budget_sends_nothing(tmp_path):
    there = Elsewhere(limit=30)
    async with served(there), acting(tmp_path, settings_of(there.table()), burst_requests=30) as run:
        with pytest.raises(OutOfBudget, match=r"burst of tts needs 31 of limits\.burst_requests"):
            await run.observe("burst")

        assert there.calls == []
