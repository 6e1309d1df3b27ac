"""Playgrounds as flows use them: a deployment of one's own in a running sandbox."""

from __future__ import annotations

import pytest

from rollout_gates.errors import UsageProblem
from rollout_gates.systems.tts.flows.clone import clone
from rollout_gates.systems.tts.flows.design import design
from rollout_gates.systems.tts.flows.speaking import submit
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.playground_control import ControlRefused
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.sandbox.running import running
from tests.systems.tts.acting import acting, settings_of

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def sandbox():
    with running() as started:
        yield started


@pytest.fixture
async def context(sandbox, tmp_path):
    settings = settings_of(sandbox.table("qwen-task"))
    async with acting(tmp_path, settings, kind="local") as acted:
        acted.context.sandbox_url = sandbox.ready["control_url"]
        yield acted.context


def names(sandbox):
    return sorted(sandbox.control("GET", "state").json()["systems"]["tts"])


async def test_a_playground_serves_in_the_mode_that_was_asked_for_and_is_gone_afterwards(context, sandbox):
    async with playground(context, mode="modal", variables={"QWEN_MAX_TEXT_CHARS": "50"}) as ground:
        answer = (await ground.session.anon.languages()).json()
        during = names(sandbox)

    assert (answer["provider"], ground.settings.provider_mode) == ("modal", "modal")
    assert (ground.name in during, ground.name in names(sandbox)) == (True, False)


async def test_it_ends_when_the_scenario_breaks_off(context, sandbox):
    with pytest.raises(ZeroDivisionError):
        async with playground(context):
            raise ZeroDivisionError

    assert names(sandbox) == ["qwen-task"]


async def test_flows_run_in_a_playground_as_they_do_in_a_deployment(context):
    async with playground(context) as ground:
        made = await clone.act(ground.context)
        user = await ground.session.user_a()
        started = await submit(ground.context, user, made.voice_id, "Good morning.")
        seen = await watch(user.client, started.task_id, patience_s=10)

    assert seen.status == "completed"


async def test_flows_run_in_a_playground_of_mode_modal(context):
    async with playground(context, mode="modal") as ground:
        seen = await design.act(ground.context)

    assert seen.voice_id is not None


async def test_nothing_that_is_made_in_a_playground_is_counted_or_left_to_remove(context):
    async with playground(context) as ground:
        await clone.act(ground.context)

    rows = context.record.rows
    assert [row["event"] for row in rows if row["event"].startswith("resource_") or row["event"] == "spend"] == []


async def test_no_secret_of_a_playground_stands_in_a_transcript(context, tmp_path):
    async with playground(context) as ground:
        await ground.database.rows("profiles")
        await ground.state()
        await clone.act(ground.context)
    written = "".join(path.read_text() for path in (tmp_path / "transcripts").glob("*.jsonl"))

    assert len(written) > 1000
    assert [name for name, secret in ground.settings.held_secrets.items() if secret.reveal() in written] == []


async def test_answers_are_held_seen_and_released(context):
    async with playground(context) as ground:
        user = await ground.session.user_a()
        await ground.providers.hold("dashscope", "design_create")
        begun = await user.client.design_preview(text="Good morning.", language="Auto", instruct="calm", name="Nora")
        task_id = begun.json()["task_id"]
        held = await ground.providers.until_held("dashscope", "design_create")
        before = (await user.client.task(task_id)).json()["status"]
        released = await ground.providers.release("dashscope", "design_create")
        seen = await watch(user.client, task_id, patience_s=10)

    assert (held, before, released, seen.status) == (True, "processing", 1, "completed")


async def test_waiting_for_what_never_comes_ends_with_no(context):
    async with playground(context) as ground:
        held = await ground.providers.until_held("dashscope", "synthesis", patience_s=0.05)
        asked = await ground.providers.until_asked("modal", "submit", patience_s=0.05)

    assert (held, asked) == (False, False)


async def test_a_provider_is_scripted_and_its_requests_are_read(context):
    async with playground(context) as ground:
        await ground.providers.script("dashscope", "clone_create", status=500, body={"message": "no"})
        made = await clone.act(ground.context)
        asked = await ground.providers.requests("dashscope", "clone_create")
        others = await ground.providers.requests("modal")

    assert (made.finalize.status, len(asked), others) == (502, 1, [])


async def test_rows_are_read_inserted_changed_and_deleted(context):
    async with playground(context) as ground:
        user = await ground.session.user_a()
        row = await ground.database.insert("voices", user_id=user.user_id, name="Old", source="uploaded")
        changed = await ground.database.update("voices", {"name": "New"}, id=row["id"])
        legacy = await ground.database.row("voices", provider_voice_id=None, id=row["id"])
        gone = await ground.database.delete("voices", id=row["id"])
        left = await ground.database.row("voices", id=row["id"])

    assert (changed[0]["name"], legacy["tts_provider"], len(gone), left) == ("New", "modal", 1, None)


async def test_objects_are_listed_and_read(context):
    async with playground(context) as ground:
        made = await clone.act(ground.context)
        user = await ground.session.user_a()
        (key,) = await ground.database.keys("references", user.user_id)
        data = await ground.database.bytes_of("references", key)
        nothing = await ground.database.bytes_of("references", f"{user.user_id}/nothing.wav")

    assert made.voice_id in key
    assert (data[:4], nothing) == (b"RIFF", None)


async def test_time_configuration_and_rights_are_changed(context):
    async with playground(context) as ground:
        user = await ground.session.user_a()
        await ground.set_variables(TTS_PROVIDER_MODE="modal")
        flipped = (await user.client.languages()).json()["provider"]
        await ground.break_("update:profiles")
        broken = (await user.client.update_profile(display_name="Nora")).status
        await ground.mend("update:profiles")
        mended = (await user.client.update_profile(display_name="Nora")).status
        await ground.skip(3700)
        expired = (await user.client.voices()).status
        killed = await ground.kill_worker()
        lines = await ground.log()

    assert (flipped, broken, mended, expired, killed) == ("modal", 500, 200, 401, 0)
    assert lines[-1]["status_code"] == 401


async def test_many_calls_of_one_user_are_not_limited(context):
    async with playground(context) as ground:
        user = await ground.session.user_a()
        statuses = {(await user.client.generate()).status for _ in range(25)}

    assert statuses == {400}


async def test_limits_hold_in_a_playground_that_sets_them(context):
    async with playground(context, variables={"RATE_LIMIT_TIER1_USER_LIMIT": "1"}) as ground:
        user = await ground.session.user_a()
        statuses = [(await user.client.raw("POST", "/generate", json={}, on_429="return")).status for _ in range(2)]

    assert statuses == [400, 429]


async def test_without_a_sandbox_there_is_no_playground(context):
    context.sandbox_url = None

    with pytest.raises(NotConfigured, match="needs a sandbox"):
        async with playground(context):
            pass


async def test_what_the_sandbox_refuses_is_told(context):
    async with playground(context) as ground:
        with pytest.raises(ControlRefused, match="cannot break everything"):
            await ground.break_("everything")


def test_a_missing_sandbox_leaves_a_clause_unjudged():
    assert issubclass(NotConfigured, CouldNotJudge)
    assert not issubclass(NotConfigured, UsageProblem)
