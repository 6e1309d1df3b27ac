"""The client: one verb a route, credentials only where they belong, tiers by caller."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from rollout_gates.environment import Secret
from rollout_gates.systems.tts.client import Caller, Client
from rollout_gates.wire import Pace
from tests.systems.tts.acting import settings_of
from tests.wire.scene import asynchronous, scene

USER = Caller("user_a", Secret("token-of-user-a-0123456789"), user=True)


class Echo:
    """Answers every call with what was asked; keeps the requests."""

    def __init__(self):
        self.seen = []
        self.url = ""

    async def answer(self, request):
        body = await request.read()
        self.seen.append((request.method, request.raw_path, {k.lower(): v for k, v in request.headers.items()}, body))
        if request.path.endswith("/preview"):
            return web.Response(status=302, headers={"Location": "/storage/v1/object/sign/references/x?token=t"})
        return web.json_response({"ok": True})

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    def settings(self):
        urls = {
            "api_url": "functions/v1/api",
            "auth_url": "auth/v1",
            "data_url": "rest/v1",
            "storage_url": "storage/v1",
        }
        table = {name: f"{self.url}/{path}" for name, path in urls.items()}
        return settings_of({**table, "provider_mode": "modal", "lane": "task"})


def client_of(wire, echo, caller=USER):
    return Client(wire, echo.settings(), caller)


VERBS = [
    (lambda c: c.health(), "GET", "/health"),
    (lambda c: c.languages(), "GET", "/languages"),
    (lambda c: c.me(), "GET", "/me"),
    (lambda c: c.update_profile(handle="x"), "PATCH", "/profile"),
    (lambda c: c.credits_usage(), "GET", "/credits/usage"),
    (lambda c: c.credits_usage(window_days=7), "GET", "/credits/usage?window_days=7"),
    (lambda c: c.clone_upload_url(name="x"), "POST", "/clone/upload-url"),
    (lambda c: c.clone_finalize(voice_id="x"), "POST", "/clone/finalize"),
    (lambda c: c.voices(search="a b&c"), "GET", "/voices?search=a%20b%26c"),
    (lambda c: c.voice_preview("1"), "GET", "/voices/1/preview"),
    (lambda c: c.delete_voice("1"), "DELETE", "/voices/1"),
    (lambda c: c.design_preview(text="x"), "POST", "/voices/design/preview"),
    (lambda c: c.design_save({"name": "x"}, b"RIFF"), "POST", "/voices/design"),
    (lambda c: c.generate(text="x"), "POST", "/generate"),
    (lambda c: c.task("1"), "GET", "/tasks/1"),
    (lambda c: c.cancel_task("1"), "POST", "/tasks/1/cancel"),
    (lambda c: c.delete_task("1"), "DELETE", "/tasks/1"),
    (lambda c: c.generations(page=2), "GET", "/generations?page=2"),
    (lambda c: c.generation_audio("1"), "GET", "/generations/1/audio"),
    (lambda c: c.delete_generation("1"), "DELETE", "/generations/1"),
    (lambda c: c.regenerate("1"), "POST", "/generations/1/regenerate"),
]


@asynchronous
async def test_each_verb_is_one_call_with_the_callers_credentials(tmp_path):
    async with Echo() as echo, scene(tmp_path) as stage:
        client = client_of(stage.wire, echo)
        for act, method, path in VERBS:
            reply = await act(client)

            sent_method, sent_path, headers, _ = echo.seen[-1]
            assert (sent_method, sent_path) == (method, f"/functions/v1/api{path}")
            assert headers["authorization"] == "Bearer token-of-user-a-0123456789"
            assert headers["apikey"] == "anon-key"
            assert reply.actor == "user_a"
        assert len(echo.seen) == len(VERBS)


@asynchronous
async def test_bodies_are_json_or_a_form(tmp_path):
    async with Echo() as echo, scene(tmp_path) as stage:
        client = client_of(stage.wire, echo)
        await client.generate(voice_id="v", text="ü")
        await client.design_save({"name": "n", "task_id": "t"}, b"RIFF")

        (_, _, first, body), (_, _, second, form) = echo.seen
        assert first["content-type"] == "application/json"
        assert json.loads(body) == {"voice_id": "v", "text": "ü"}
        assert second["content-type"].startswith("multipart/form-data; boundary=")
        assert b'name="task_id"' in form
        assert b'filename="preview.wav"' in form


@asynchronous
async def test_a_header_of_the_caller_can_be_left_out_or_replaced(tmp_path):
    async with Echo() as echo, scene(tmp_path) as stage:
        client = client_of(stage.wire, echo)
        await client.raw("GET", "/voices", headers={"Authorization": None})
        await client.raw("GET", "/voices", headers={"Authorization": "Bearer other"})

        assert "authorization" not in echo.seen[0][2]
        assert echo.seen[1][2]["authorization"] == "Bearer other"


@asynchronous
async def test_signed_addresses_get_no_credentials(tmp_path):
    async with Echo() as echo, scene(tmp_path) as stage:
        client = client_of(stage.wire, echo)
        await client.upload(
            "/storage/v1/object/upload/sign/x?token=t", b"RIFF", answered=f"{echo.url}/functions/v1/api/x"
        )
        playback = await client.heard(await client.voice_preview("1"))

        uploaded, _, fetched = echo.seen
        assert uploaded[:2] == ("PUT", "/storage/v1/object/upload/sign/x?token=t")
        assert fetched[:2] == ("GET", "/storage/v1/object/sign/references/x?token=t")
        assert uploaded[2]["content-type"] == "audio/wav"
        for _, _, headers, _ in (uploaded, fetched):
            assert {"authorization", "apikey"}.isdisjoint(headers)
        assert playback.heard
        assert playback.route.status == 302


@asynchronous
async def test_a_route_that_sends_the_bytes_itself_is_heard_too(tmp_path):
    async with Echo() as echo, scene(tmp_path) as stage:
        client = client_of(stage.wire, echo)
        route = await client.generation_audio("1")
        playback = await client.heard(route)

        assert playback.media is route
        assert len(echo.seen) == 1


@pytest.mark.parametrize(
    ("caller", "act", "counted"),
    [
        (USER, lambda c: c.generate(), [("user_a", "tier1_user")]),
        (USER, lambda c: c.task("1"), [("user_a", "tier2_user")]),
        (USER, lambda c: c.voices(), [("address", "tier3_ip")]),
        (USER, lambda c: c.health(), []),
        (USER, lambda c: c.raw("POST", "/generate", headers={"authorization": "Bearer x"}), []),
        (Caller("anon"), lambda c: c.generate(), []),
        (Caller("anon"), lambda c: c.voices(), [("address", "tier3_ip")]),
    ],
)
def test_a_call_is_counted_where_the_target_counts_it(tmp_path, caller, act, counted):
    async def run():
        pace = Pace(tmp_path / "pace.json", {"tier1_user": 9, "tier2_user": 9, "tier3_ip": 9}, 3600)
        async with Echo() as echo, scene(tmp_path, pace=pace) as stage:
            await act(client_of(stage.wire, echo, caller))
        actors, tiers = ("user_a", "anon", "address"), ("tier1_user", "tier2_user", "tier3_ip")
        return [(actor, tier) for actor in actors for tier in tiers if pace.used(actor, tier)]

    assert asyncio.run(run()) == counted


@asynchronous
async def test_the_data_api_is_read_as_the_user_and_written_as_the_service_role(tmp_path):
    async with Echo() as echo, scene(tmp_path) as stage:
        client = client_of(stage.wire, echo)
        await client.rows("tasks", {"select": "id"})
        await client.insert("voices", {"name": "n"}, bearer=Secret("service-role-key-0123456789"))

        read, written = echo.seen
        assert read[1] == "/rest/v1/tasks?select=id"
        assert read[2]["authorization"] == "Bearer token-of-user-a-0123456789"
        assert written[2]["authorization"] == "Bearer service-role-key-0123456789"
        assert written[2]["apikey"] == "service-role-key-0123456789"
