"""What goes past the API: how it is asked, what is planted and removed again, what is forged, and what prod is spared."""

from __future__ import annotations

import contextlib
import json
import time
import wave
from io import BytesIO

import pytest
from aiohttp import web

from rollout_gates.matrix import Cell, Outcome
from rollout_gates.systems.tts import remove
from rollout_gates.systems.tts.accounts import claims
from rollout_gates.systems.tts.doors import code_of, doors_of, listed, service_of
from rollout_gates.systems.tts.flows.security import overview
from rollout_gates.systems.tts.flows.security.data import exposure, rows, signed
from rollout_gates.systems.tts.flows.security.data.objects import HELD_BYTES, Way
from rollout_gates.systems.tts.flows.security.data.rows import Attempt
from rollout_gates.systems.tts.flows.security.data.tables import TABLES, Rule, Verb, Whose
from rollout_gates.systems.tts.remove import StaysBehind
from rollout_gates.wire import CouldNotJudge, NotConfigured, Resource
from tests.suites.replies import reply
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere
from tests.wire.scene import asynchronous

SERVICE = {"service_role_key": "service-role-key-0123456789"}


@contextlib.asynccontextmanager
async def heard(status=200, body="[]"):
    """A server that answers everything alike; yields its URL and what it was asked."""
    calls = []

    async def answer(request):
        headers = {name.lower(): text for name, text in request.headers.items()}
        calls.append((request.method, request.path_qs, headers, await request.read()))
        return web.Response(status=status, text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", calls
    finally:
        await runner.cleanup()


def settings(url, **secrets):
    return settings_of(Elsewhere(url=url).table(), **secrets)


@asynchronous
async def test_anybody_calls_with_the_public_key_as_key_and_token(tmp_path):
    async with heard() as (url, calls), acting(tmp_path, settings(url)) as run:
        doors = doors_of(run.context.session, "anon")
        await doors.table("POST", "voices", body={"id": "1"}, prefer="return=minimal")
        await doors.call("trial_restore", {"p_user_id": "nobody"})

    (method, path, headers, body), (_, rpc, _, arguments) = calls
    assert (method, path, json.loads(body)) == ("POST", "/rest/v1/voices", {"id": "1"})
    assert (headers["apikey"], headers["authorization"]) == ("anon-key", "Bearer anon-key")
    assert headers["prefer"] == "return=minimal"
    assert (rpc, json.loads(arguments)) == ("/rest/v1/rpc/trial_restore", {"p_user_id": "nobody"})


@asynchronous
async def test_without_a_public_key_nobody_can_knock(tmp_path):
    async with heard() as (url, _), acting(tmp_path, settings(url)) as run:
        run.context.settings._resolved.pop("anon_key")

        with pytest.raises(NotConfigured, match="anon_key"):
            doors_of(run.context.session, "anon")


@asynchronous
async def test_the_service_role_is_never_used_in_prod(tmp_path):
    async with heard() as (url, _):
        async with acting(tmp_path / "staging", settings(url, **SERVICE)) as run:
            assert service_of(run.context.session) is not None
        async with acting(tmp_path / "prod", settings(url, **SERVICE), kind="prod") as run:
            assert service_of(run.context.session) is None


@pytest.mark.parametrize("flow", ["functions", "tampering"])
@asynchronous
async def test_nothing_is_executed_or_written_in_prod(tmp_path, flow):
    async with heard() as (url, calls), acting(tmp_path, settings(url), kind="prod") as run:
        with pytest.raises(NotConfigured, match="prod"):
            await run.observe(flow)

    assert calls == []


@pytest.mark.parametrize(
    ("resource", "asked"),
    [
        (Resource("tts", "row", "voices?id=eq.1", "a"), ("DELETE", "/rest/v1/voices?id=eq.1", b"")),
        (
            Resource("tts", "object", "references/a/b.wav", "a"),
            ("DELETE", "/storage/v1/object/references", b'{"prefixes": ["a/b.wav"]}'),
        ),
    ],
)
@asynchronous
async def test_what_was_planted_is_removed_by_the_service_role(tmp_path, resource, asked):
    async with heard() as (url, calls), acting(tmp_path, settings(url, **SERVICE)) as run:
        await remove(run.context.session, resource)

    method, path, headers, body = calls[0]
    assert (method, path) == asked[:2]
    assert (json.loads(body or b"null"), headers["apikey"]) == (
        json.loads(asked[2] or b"null"),
        SERVICE["service_role_key"],
    )


@pytest.mark.parametrize("kind", ["row", "object"])
@asynchronous
async def test_what_was_planted_stays_behind_without_a_service_role(tmp_path, kind):
    async with heard() as (url, calls), acting(tmp_path, settings(url)) as run:
        with pytest.raises(StaysBehind, match="service_role_key"):
            await remove(run.context.session, Resource("tts", kind, "voices?id=eq.1", "a"))

    assert calls == []


@asynchronous
async def test_a_removal_that_is_refused_is_told(tmp_path):
    async with heard(403, "{}") as (url, _), acting(tmp_path, settings(url, **SERVICE)) as run:
        with pytest.raises(StaysBehind, match="answered 403"):
            await remove(run.context.session, Resource("tts", "row", "voices?id=eq.1", "a"))


def test_rows_are_read_from_successes_only():
    assert listed(reply(200, [{"id": 1}, "x"])) == [{"id": 1}]
    assert listed(reply(204, None)) == []
    assert listed(reply(200, {"id": 1})) is None
    assert listed(reply(200, "<html>")) is None
    assert listed(reply(403, [])) is None
    assert code_of(reply(403, {"code": "42501"})) == "42501"
    assert code_of(reply(403, "<html>")) == code_of(reply(403, [])) == ""


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_row_names_its_owner_and_no_two_are_alike(table):
    first, second = table.row("owner", "tag"), table.row("owner", "tag")

    assert table.owner is None or first[table.owner] == "owner"
    assert first != second or table.name in ("profiles", "rate_limit_counters")


# --- forging


def jwt(**said):
    parts = [signed._encoded({"alg": "HS256"}), signed._encoded(said), "c2lnbmF0dXJlLW9mLWEtdG9rZW4"]
    return ".".join(parts)


def test_an_altered_signature_differs_in_one_letter_of_it():
    token = jwt(exp=1)
    altered = signed._altered(token)

    assert sum(one != other for one, other in zip(token, altered, strict=True)) == 1
    assert altered.rpartition(".")[0] == token.rpartition(".")[0]


def test_a_token_without_parts_is_altered_as_well():
    assert signed._altered("opaque") != "opaque"
    assert list(signed._rewritten("opaque")) == []


def test_a_rewritten_token_says_what_a_forger_wants():
    token = jwt(url="references/a", exp=1_000, iat=1)
    later, unsigned = [forged for _, forged in signed._rewritten(token)]

    assert claims(later) == {"url": "references/a", "exp": 1_000 + 365 * 86_400, "iat": 1}
    assert later.rpartition(".")[2] == token.rpartition(".")[2]
    assert claims(unsigned) == claims(token)
    assert unsigned.endswith(".")


@pytest.mark.parametrize(
    ("said", "lifetime_s"),
    [({"exp": 4_600, "iat": 1_000}, 3_600), ({"exp": 1}, 0), ({}, None), ({"exp": "soon"}, None)],
)
def test_a_lifetime_is_read_from_the_token(said, lifetime_s):
    assert signed._lifetime(jwt(**said)) == lifetime_s


def test_a_lifetime_without_a_beginning_is_counted_from_now():
    assert signed._lifetime(jwt(exp=time.time() + 3_600)) <= 3_600
    assert signed._lifetime(jwt(exp=time.time() + 7_200)) > 3_600


def test_forgeries_cover_each_url_and_the_tokens_of_all_others():
    parts = {
        name: signed._Parts(
            f"https://target.example/object/sign/b/{name}?token={jwt(exp=1, url=name)}", jwt(exp=1, url=name)
        )
        for name in ("clip", "speech")
    }
    found = {title: (url, points_at) for title, url, points_at in signed._forgeries(parts)}

    assert len(found) == 2 * 5
    url, points_at = found["clip: token of speech"]
    assert url == f"https://target.example/object/sign/b/clip?token={parts['speech'].token}"
    assert points_at == "clip"
    assert found["clip: without a token"][0] == "https://target.example/object/sign/b/clip"


@asynchronous
async def test_what_no_url_hands_out_is_left_out_and_nothing_at_all_is_inconclusive(tmp_path):
    token = jwt(exp=1)
    good = reply(302, None, headers={"location": f"/storage/v1/object/sign/references/a?token={token}"})
    bare = reply(302, None, headers={"location": "/storage/v1/object/public/references/a"})
    async with heard() as (url, _), acting(tmp_path, settings(url)) as run:
        client = run.context.session.anon

        found = signed._taken_apart(client, {"clip": good, "speech": bare, "other": reply(404, None)})
        with pytest.raises(CouldNotJudge, match="other: 404"):
            signed._taken_apart(client, {"other": reply(404, None)})

    assert {title: part.token for title, part in found.items()} == {"clip": token}


def test_what_is_planted_is_a_whole_sound():
    with wave.open(BytesIO(HELD_BYTES)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (1, 24_000, 1)


# --- tables of the report


def test_a_table_of_rows_shows_the_worst_of_each_place_and_what_was_not_tried():
    refused = reply(403, {"code": "42501"})
    tries = [
        Attempt("b", "a", Whose.ANOTHERS, "voices", Verb.INSERT, Rule.REFUSED, refused, there=True),
        Attempt("a", "b", Whose.ANOTHERS, "voices", Verb.INSERT, Rule.REFUSED, reply(201, None), there=True),
    ]
    table = exposure.of_rows(tries, rows.judged)

    assert table.cells["voices", "user, another's: insert"].outcome is Outcome.LEAKED
    assert table.cells["voices", "user, own: delete"].outcome is Outcome.NOT_APPLICABLE
    assert ("voices", "anon: insert") not in table.cells
    assert table.told()["rows"] == [each.name for each in TABLES]


def test_a_table_of_objects_has_a_row_for_each_way():
    assert exposure.of_objects([], rows.judged).rows == tuple(map(str, Way))


def test_the_table_of_all_ways_takes_each_kind_where_a_way_leads_to_it():
    refused = Attempt("b", "a", Whose.ANOTHERS, "voices", Verb.INSERT, Rule.REFUSED, reply(403, {"code": "42501"}))
    own = Attempt("a", "a", Whose.OWN, "tasks", Verb.INSERT, Rule.REFUSED, reply(201, None))
    table = exposure.overview_of_rows([refused, own], rows.judged)

    assert table.cells["voice", overview.DATA_WRITE].outcome is Outcome.HELD
    assert table.cells["voice", overview.STORAGE_READ].outcome is Outcome.NOT_APPLICABLE
    assert ("task", overview.DATA_WRITE) not in table.cells
    assert set(overview.BY_TABLE) == {each.name for each in TABLES}
    assert table.told()["columns"][0] == overview.API_READ


def test_a_way_that_does_not_lead_to_a_kind_is_refused():
    with pytest.raises(ValueError, match="storage: read does not lead to a task"):
        overview.part({("task", overview.STORAGE_READ): Cell(Outcome.HELD)})
