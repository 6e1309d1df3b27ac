"""Money flows in a running sandbox: books of playgrounds, credits and trials that are moved, signatures."""

from __future__ import annotations

import pytest

from rollout_gates.systems.tts.flows.matrix.account import account
from rollout_gates.systems.tts.flows.matrix.payments import signature
from rollout_gates.systems.tts.flows.matrix.purse import Purse, only_credits, purse
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.matrix.treasury import Treasury, newcomer
from rollout_gates.systems.tts.playground import playground
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


@pytest.fixture
async def stage(context):
    async with playground(context) as ground:
        yield Scene(ground.context, ground)


async def test_books_of_a_playground_are_kept_when_it_is_over(context):
    async with playground(context) as ground:
        stage = Scene(ground.context, ground)
        user = await newcomer(stage, "saver")
        await Treasury(stage).grant(user, 50)

    (books,) = context.session.closed_books
    assert (books.user_id, books.opening, books.moved, books.balance) == (user.user_id, 100, 50, 150)


async def test_books_of_a_balance_that_was_set_by_hand_are_not_kept(context):
    async with playground(context) as ground:
        user = await newcomer(Scene(ground.context, ground), "saver")
        await only_credits(ground, user.user_id)

    assert context.session.closed_books == []


async def test_a_balance_is_moved_either_way_through_the_ledger(stage):
    user = await newcomer(stage, "saver")
    for target in (500, 20, 20):
        await Treasury(stage).set_balance(user, target)

    found = await account(user)
    assert found.balance == 20
    assert [row["signed_amount"] for row in found.ledger] == [400, -480]


async def test_trials_are_used_up_and_restored(stage):
    user, treasury = await newcomer(stage, "saver"), Treasury(stage)
    keys = await treasury.use_up_trials(user, "clone")
    used = await purse(user.client)
    await treasury.restore_trial(user, "clone", keys[0])

    assert (len(keys), used) == (2, Purse(100, 0, 2))
    assert await purse(user.client) == Purse(100, 1, 2)
    assert {row["status"] for row in await treasury.rows("trial_consumption", user)} == {"consumed", "restored"}


async def test_what_the_database_refuses_is_told(stage):
    with pytest.raises(CouldNotJudge, match="could not call credit_apply_event: status 400"):
        await Treasury(stage).grant(await newcomer(stage, "saver"), 0)


async def test_everybody_who_was_handed_out_is_known_once(stage):
    identities = stage.session.identities
    users = [await identities.get(name) for name in ("saver", "spender", "saver")]

    assert {user.name for user in await identities.made()} == {"saver", "spender"}
    assert users[0] is users[2]


async def test_without_new_users_or_a_service_role_nothing_is_moved(context):
    poor = settings_of({**context.settings.model_dump(exclude={"secrets"}), "sign_up": False}, user_a_token="a" * 20)
    stage = Scene(context)
    context.session = type("Session", (), {"settings": poor, "identities": None})()

    with pytest.raises(NotConfigured, match="service_role_key"):
        await Treasury(stage).call("credit_apply_event")


def test_a_signature_names_its_time_and_depends_on_everything():
    signed = {signature("s1", b"e1"), signature("s2", b"e1"), signature("s1", b"e2"), signature("s1", b"e1", age_s=600)}

    assert len(signed) == 4
    assert all(word.startswith("t=") and ",v1=" in word for word in signed)
