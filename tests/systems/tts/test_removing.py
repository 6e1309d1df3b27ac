"""What a run makes is removed: at its end, and by a later clean-up."""

from __future__ import annotations

import pytest

from rollout_gates.systems.tts import remove
from rollout_gates.systems.tts.remove import StaysBehind
from rollout_gates.wire import Resource
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.wire.scene import asynchronous

SERVICE = {"service_role_key": "service-role-key-0123456789"}


@asynchronous
async def test_everything_that_was_made_is_removed_at_the_end(tmp_path):
    there = Elsewhere()
    async with served(there):
        async with acting(tmp_path, settings_of(there.table(), **SERVICE)) as run:
            await run.observe("cancel")
            await run.observe("design")
            assert there.voices
            assert there.generations

        assert (there.voices, there.generations, there.tasks, there.users) == ([], [], {}, {})
        made, removed = run.events.what("resource_made"), run.events.what("resource_removed")
        assert sorted(made) == sorted(removed)
        assert run.events.of("resource_left") == []


@asynchronous
async def test_users_stay_behind_without_a_service_role(tmp_path):
    there = Elsewhere()
    async with served(there):
        async with acting(tmp_path, settings_of(there.table())) as run:
            await run.context.session.user_a()

        (left,) = run.events.of("resource_left")
        assert left["kind"] == "user"
        assert "service_role_key" in left["how"]


@asynchronous
async def test_users_stay_behind_in_prod_whatever_is_configured(tmp_path):
    there = Elsewhere()
    async with served(there):
        async with acting(tmp_path, settings_of(there.table(), **SERVICE), kind="prod") as run:
            await run.context.session.user_a()

        assert len(run.events.of("resource_left")) == 1
        assert len(there.users) == 1


@asynchronous
async def test_a_dead_target_is_tried_once_and_the_rest_is_left(tmp_path):
    there = Elsewhere()
    async with served(there):
        manager = acting(tmp_path, settings_of(there.table(), **SERVICE))
        run = await manager.__aenter__()
        await run.observe("clone")
    await manager.__aexit__(None, None, None)

    assert {row["kind"] for row in run.events.of("resource_left")} == {"user", "voice"}


@asynchronous
async def test_things_of_a_configured_user_are_removed_by_a_later_clean_up(tmp_path):
    there = Elsewhere()
    tokens = {"user_a_token": "opaque-a-0123456789"}
    there.tokens = {tokens["user_a_token"]: "id-a"}
    there.users = {"id-a": {"balance": 100, "events": []}}
    row = {"user": "id-a", "id": "0b7c2a54-7d53-4c1e-9a55-0f4a1d6a7e11", "created_at": "x", "source": "designed"}
    there.voices = [{**row, "name": "rollout gate a1b2c3 design"}]
    there.generations = [{**row, "text": "Speech a1b2c3 is done.", "status": "completed"}]
    there.tasks = {row["id"]: {**row, "type": "generate", "status": "processing"}}
    async with served(there), acting(tmp_path, settings_of(there.table(sign_up=False), **tokens)) as run:
        session = run.context.session
        await remove(session, Resource("tts", "voice", "rollout gate a1b2c3 design", "user_a"))
        await remove(session, Resource("tts", "generation", "Speech a1b2c3 is done.", "user_a"))
        await remove(session, Resource("tts", "task", row["id"], "user_a", made=True))
        await remove(session, Resource("tts", "task", "never made", "user_a"))
        await remove(session, Resource("tts", "voice", row["id"], "user_a", made=True))

        assert (there.voices, there.generations, there.tasks) == ([], [], {})


@asynchronous
async def test_a_clean_up_signs_nobody_up(tmp_path):
    there = Elsewhere()
    async with served(there), acting(tmp_path, settings_of(there.table())) as run:
        thing = Resource("tts", "voice", "0b7c2a54-7d53-4c1e-9a55-0f4a1d6a7e11", "a@p.example", made=True)
        with pytest.raises(StaysBehind, match="service_role_key"):
            await remove(run.context.session, thing)
        with pytest.raises(StaysBehind, match="nobody can act for user_a"):
            await remove(run.context.session, Resource("tts", "voice", "x", "user_a"))

        assert there.users == {}
