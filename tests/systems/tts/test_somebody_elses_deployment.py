"""The smoke checks hold on a deployment that shares nothing but the contract with the sandbox."""

from __future__ import annotations

import pytest

from rollout_gates.slo.judging import State
from rollout_gates.systems.tts.flows.slo.watch import slo_watch
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.systems.tts.judging import judged, others_than_passed
from tests.wire.scene import asynchronous


async def outcomes_of(tmp_path, there: Elsewhere, *, table=None, secrets=None, **options):
    async with served(there):
        settings = settings_of(there.table(**(table or {})), **(secrets or {}))
        async with acting(tmp_path, settings, **options) as run:
            return await judged(run), run


@pytest.mark.parametrize("mode", ["qwen", "modal"])
@asynchronous
async def test_every_smoke_check_passes_where_the_contract_is_kept(tmp_path, mode):
    outcomes, _ = await outcomes_of(tmp_path, Elsewhere(mode=mode))

    assert others_than_passed(outcomes) == {}
    assert len(outcomes) > 40


@asynchronous
async def test_a_provider_that_takes_no_time_leaves_only_the_cancel_and_the_work_unseen(tmp_path):
    outcomes, run = await outcomes_of(tmp_path, Elsewhere(synthesis_s=0.0))

    undecided = others_than_passed(outcomes)
    assert set(undecided) <= {
        "test_cancel_of_a_task_at_work_is_accepted",
        "test_cancelled_task_says_cancelled",
        "test_generation_of_a_cancelled_task_is_cancelled",
        "test_task_at_work_keeps_its_fields",
    }
    assert {outcome.split(":")[0] for outcome in undecided.values()} <= {"inconclusive"}
    assert run.context.budget.spent() <= 6


@asynchronous
async def test_a_broken_clone_leaves_speech_to_the_designed_voice(tmp_path):
    outcomes, _ = await outcomes_of(tmp_path, Elsewhere(habits=frozenset({"no clones"})))

    broken = others_than_passed(outcomes)
    assert set(broken) == {
        "test_uploaded_clip_is_finalized_into_a_voice",
        "test_cloned_voice_is_listed_under_the_active_provider",
    }
    assert "502" in broken["test_uploaded_clip_is_finalized_into_a_voice"]


@asynchronous
async def test_a_target_without_limits_fails_the_burst_alone(tmp_path):
    outcomes, _ = await outcomes_of(tmp_path, Elsewhere(habits=frozenset({"no limits"})))

    assert set(others_than_passed(outcomes)) == {"test_burst_over_the_limit_ends_in_429"}


@asynchronous
async def test_nothing_is_spent_over_the_budget(tmp_path):
    outcomes, run = await outcomes_of(tmp_path, Elsewhere(), billable_calls=1)

    undecided = others_than_passed(outcomes)
    assert run.context.budget.spent() == 1
    assert undecided["test_audio_is_replayed_byte_for_byte"].startswith("inconclusive")
    assert "out of budget" in " ".join(undecided.values())
    assert not any(outcome.startswith("failed") for outcome in undecided.values())


@asynchronous
async def test_a_burst_over_the_budget_is_not_sent(tmp_path):
    outcomes, _ = await outcomes_of(tmp_path, Elsewhere(), burst_requests=20)

    assert outcomes["test_burst_over_the_limit_ends_in_429"].startswith("inconclusive: out of budget")


@asynchronous
async def test_a_user_too_poor_to_speak_makes_nothing_red(tmp_path):
    outcomes, _ = await outcomes_of(tmp_path, Elsewhere(balance=5))

    undecided = others_than_passed(outcomes)
    assert "cannot pay" in undecided["test_generate_completes_within_the_latency_budget"]
    assert not any(outcome.startswith("failed") for outcome in undecided.values())


@asynchronous
async def test_two_configured_users_are_enough(tmp_path):
    there = Elsewhere(limit=90)
    tokens = {"user_a_token": "opaque-a-0123456789", "user_b_token": "opaque-b-0123456789"}
    for user_id, token in (("00000000-0000-4000-8000-00000000000a", tokens["user_a_token"]),
                           ("00000000-0000-4000-8000-00000000000b", tokens["user_b_token"])):  # fmt: skip
        there.users[user_id] = {"email": "", "balance": 100, "events": [], "name": None}
        there.tokens[token] = user_id
    outcomes, _ = await outcomes_of(tmp_path, there, table={"sign_up": False}, secrets=tokens)

    assert others_than_passed(outcomes) == {}
    assert len(there.users) == 2


@asynchronous
async def test_a_service_that_allows_few_sign_ups_is_shared(tmp_path):
    there = Elsewhere(limit=90, habits=frozenset({"no more users"}))
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        await run.context.session.user_a()
        prober = await run.context.session.identities.get("prober")

        assert prober is await run.context.session.user_a()
        assert "shares user_a" in run.events.of("note")[0]["text"]


@asynchronous
async def test_objectives_are_watched_by_probes_alone(tmp_path):
    there = Elsewhere(habits=frozenset({"no limits"}), balance=1000)
    slo = {"start_success": 0.9, "completion": 0.9, "cancel_success": 0.9, "median_s": 2, "p95_s": 4}
    async with served(there):
        table = there.table(slo={**slo, "min_samples": 5, "probe_every_s": 1}, rate_limits={"tier1_user": 900})
        async with acting(tmp_path, settings_of(table), billable_calls=40) as run:
            run.context.window_s = 9
            found = await slo_watch.act(run.context)

    missed = [each.words for findings in found.findings.values() for each in findings if each.state is State.MISSED]
    assert missed == []
    assert {each.state for each in found.findings["completion"]} == {State.MET}, found.findings["completion"]
    assert (found.fired, found.half_cancelled) == ((), ())
