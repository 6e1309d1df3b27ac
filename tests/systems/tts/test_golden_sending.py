"""Golden cases: the values of their placeholders, who sends them, and how their steps are found."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from rollout_gates import golden
from rollout_gates.reasons import Reason
from rollout_gates.systems import tts
from rollout_gates.systems.tts.golden_values import _stand_in
from rollout_gates.systems.tts.samples import utf16_units
from rollout_gates.wire import CouldNotJudge
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.wire.scene import asynchronous

ROOT = Path(__file__).parents[3] / "golden_payloads"
CASES = {case.id: case for case in golden.load(ROOT, "tts", names=tts.GOLDEN_NAMES)}


def case(**changes):
    found = SimpleNamespace(
        id="tts/x/y", file=Path("x"), title="x", actor="user_a", billable=False, step=None, steps=(), expect={},
        request=golden.Request("POST", "/generate", json={"text": "${text:at_cap}"}),
        expectation=lambda _mode: golden.Expectation("any", (404,)),
    )  # fmt: skip
    for name, value in changes.items():
        setattr(found, name, value)
    return found


@asynchronous
async def test_texts_and_facts_come_from_the_configuration(tmp_path):
    there = Elsewhere(cap=120)
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        names = [name for name in tts.GOLDEN_NAMES if not name.endswith("_id")]
        values = await tts.golden_values(run.context, names)

    assert (values["cap"], values["mode"], values["other_mode"], values["lane"]) == (120, "qwen", "modal", "task")
    assert utf16_units(values["text:at_cap"]) == utf16_units(values["text:padded"].strip()) == 120
    assert utf16_units(values["text:over_cap"]) == utf16_units(values["text:padded_over_cap"].strip()) == 121
    assert utf16_units(values["text:emoji_under_cap"]) == 120
    assert utf16_units(values["text:emoji_over_cap"]) > 120
    assert len(values["text:emoji_over_cap"]) < 120
    assert there.calls == []


@asynchronous
async def test_ids_come_from_the_flows(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        names = {"voice_id", "task_id", "generation_id", "preview_task_id", "user_a_id"}
        values = await tts.golden_values(run.context, names)
        speech = await run.observe("speech")

        assert values["voice_id"] == speech.voice_id
        assert values["task_id"] == speech.started.task_id
        assert values["generation_id"] == speech.started.generation_id
        assert values["user_a_id"] == (await run.context.session.user_a()).user_id


@asynchronous
async def test_an_id_of_nothing_says_why_nothing_was_made(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table()), billable_calls=0) as run:
        with pytest.raises(CouldNotJudge, match=r"limits\.billable_calls") as caught:
            await tts.golden_values(run.context, {"task_id"})

    assert caught.value.reason is Reason.OUT_OF_BUDGET


@asynchronous
async def test_a_case_is_sent_as_its_actor_and_judged(tmp_path):
    there = Elsewhere()
    wanted = ["tts/generate/an-unknown-voice-is-not-found", "tts/tasks/a-cancel-without-a-token-is-denied-as-json"]
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        run.context.golden = CASES
        for name in wanted:
            exchange = await tts.send_golden(run.context, CASES[name])
            assert golden.judge(exchange).differences == (), golden.explain(exchange, golden.judge(exchange))

    assert set(wanted) <= set(CASES)


@asynchronous
async def test_a_step_is_the_answer_that_a_flow_got(tmp_path):
    there = Elsewhere()
    steps = ("speech.watch.terminal", "clone.finalize", "cancel.lost.0", "nonsense")
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        speech = await run.observe("speech")
        exchange = await tts.send_golden(run.context, case(request=None, steps=steps[:1]))

        assert exchange.reply is speech.watch.terminal
        with pytest.raises(golden.NotReached):
            await tts.send_golden(run.context, case(request=None, steps=steps[2:3]))


def test_cases_of_tier_1_are_dealt_out_so_that_no_user_is_over_the_limit():
    context = SimpleNamespace(golden=CASES, settings=SimpleNamespace(rate_limits=SimpleNamespace(tier1_user=20)))
    senders = [
        _stand_in(context, each) for each in CASES.values() if each.request is not None and each.actor == "user_a"
    ]
    tier_1 = [
        _stand_in(context, each)
        for each in CASES.values()
        if each.request is not None and each.actor == "user_a" and tts.names.tier_of(each.request.method, each.request.path) == "tier1_user"
    ]  # fmt: skip

    assert set(senders) <= {f"golden_{number}" for number in range(1, 20)}
    assert max(tier_1.count(sender) for sender in tier_1) <= 18


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_step_of_a_case_names_a_flow(name):
    flows = {path.partition(".")[0] for path in CASES[name].steps}

    assert flows <= set(tts.FLOWS)
