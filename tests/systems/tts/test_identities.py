"""Who acts: fresh users, configured users, and the clear word when there is nobody."""

from __future__ import annotations

import base64
import json
import time

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.wire.scene import asynchronous


def jwt(**claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{part}.signature"


@asynchronous
async def test_each_name_is_one_user_signed_up_once(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        session = run.context.session
        first, again, other = await session.user_a(), await session.user_a(), await session.user_b()

        assert first is again
        assert first.user_id != other.user_id
        assert len(there.users) == 2
        assert first.fresh
        assert run.events.what("resource_planned")[0] == ("user", first.owner)
        assert run.events.what("resource_made")[0] == ("user", first.user_id)


@asynchronous
async def test_passwords_and_tokens_are_known_to_the_redactor(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        await run.context.session.user_a()

    transcript = (tmp_path / "transcripts" / "main.jsonl").read_text()
    assert "[redacted:user_a_password]" in transcript
    assert not [token for token in there.tokens if token in transcript]


@asynchronous
async def test_a_service_that_confirms_e_mails_is_told_apart(tmp_path):
    there = Elsewhere(habits=frozenset({"confirms e-mails"}))
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        with pytest.raises(NotConfigured, match=r"Email not confirmed.*set sign_up = false"):
            await run.context.session.user_a()

    assert run.events.what("resource_removed")[0][0] == "user"


@asynchronous
async def test_an_expired_token_is_said_before_anything_is_sent(tmp_path):
    there = Elsewhere()
    async with served(there):
        settings = settings_of(there.table(sign_up=False), user_a_token=jwt(exp=time.time() - 600, sub="x"))
        async with acting(tmp_path, settings) as run:
            with pytest.raises(NotConfigured, match="the token in USER_A_TOKEN expired 10 min ago"):
                await run.context.session.user_a()

    assert there.calls == []


@asynchronous
async def test_a_token_that_the_target_does_not_know_is_not_configured(tmp_path):
    there = Elsewhere()
    async with served(there):
        settings = settings_of(there.table(sign_up=False), user_a_token="opaque-and-stale-0123456789")
        async with acting(tmp_path, settings) as run:
            with pytest.raises(NotConfigured, match="does not accept the token in USER_A_TOKEN"):
                await run.context.session.user_a()


@asynchronous
async def test_a_user_that_nobody_configured_is_named(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table(sign_up=False))) as run:
        with pytest.raises(NotConfigured, match=r"there is no user_a: name secrets.user_a_token"):
            await run.context.session.identities.get("prober")


@asynchronous
async def test_a_password_that_is_refused_is_said(tmp_path):
    there = Elsewhere()
    async with served(there):
        settings = settings_of(there.table(sign_up=False), user_a_email="a@p.example", user_a_password="secret-word")
        async with acting(tmp_path, settings) as run:
            with pytest.raises(NotConfigured, match=r"refused to sign user_a in .status 400.: Email not confirmed"):
                await run.context.session.user_a()


@asynchronous
async def test_without_sign_up_the_burst_is_user_bs_and_the_rest_user_as(tmp_path):
    there = Elsewhere()
    tokens = {"user_a_token": "opaque-a-0123456789", "user_b_token": "opaque-b-0123456789"}
    there.tokens = {token: f"id-{name}" for name, token in tokens.items()}
    async with served(there), acting(tmp_path, settings_of(there.table(sign_up=False), **tokens)) as run:
        identities = run.context.session.identities

        assert (await identities.get("burst")).name == "user_b"
        assert (await identities.get("prober")).name == "user_a"
        assert (await identities.get("user_a")).user_id == "id-user_a_token"


@asynchronous
async def test_one_configured_user_is_not_enough_for_isolation(tmp_path):
    there = Elsewhere()
    there.tokens = {"opaque-a-0123456789": "id-a"}
    there.users = {"id-a": {"balance": 100, "events": []}}
    settings_table = there.table
    async with served(there):
        settings = settings_of(settings_table(sign_up=False), user_a_token="opaque-a-0123456789")
        async with acting(tmp_path, settings) as run:
            with pytest.raises(CouldNotJudge, match="there is no user_b") as problem:
                await run.observe("isolation")

    assert problem.value.reason is Reason.NOT_CONFIGURED


@asynchronous
async def test_two_tokens_of_one_user_are_not_enough_for_isolation(tmp_path):
    there = Elsewhere()
    tokens = {"user_a_token": "opaque-a-0123456789", "user_b_token": "opaque-b-0123456789"}
    there.tokens = dict.fromkeys(tokens.values(), "id-a")
    there.users = {"id-a": {"balance": 10_000, "events": []}}
    async with served(there), acting(tmp_path, settings_of(there.table(sign_up=False), **tokens)) as run:
        with pytest.raises(CouldNotJudge, match="user_a and user_b are both user id-a") as problem:
            await run.observe("isolation")

    assert problem.value.reason is Reason.NOT_CONFIGURED
