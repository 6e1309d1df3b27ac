"""Authentication and isolation on a deployment that shares nothing but the contract with the sandbox, as in prod."""

from __future__ import annotations

import contextlib

import pytest

from fixtures.expectations.denying import check_denied_everywhere, check_no_trace, check_signed_out
from fixtures.expectations.isolating import check_lists_apart, check_out_of_reach
from rollout_gates.systems.tts.flows.security.impostors import EXPIRED, NOBODY, WITH_BAD_TOKENS
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.wire.scene import asynchronous

C = "TTS-SEC-AUTH-01"
KINDS = ("task", "voice", "generation", "clip", "preview")


async def seen(tmp_path, there, *names, table=None, **secrets):
    async with served(there), contextlib.AsyncExitStack() as stack:
        settings = settings_of(there.table(**(table or {})), **secrets)
        run = await stack.enter_async_context(acting(tmp_path, settings, kind="prod"))
        return [await run.observe(name) for name in names], run


@pytest.mark.parametrize("mode", ["qwen", "modal"])
@asynchronous
async def test_everybody_without_a_good_token_is_denied(tmp_path, mode):
    (nobody, bad), run = await seen(tmp_path, Elsewhere(mode=mode), "denied_without_token", "denied_bad_tokens")

    check_denied_everywhere(nobody, NOBODY, C)
    for who in set(WITH_BAD_TOKENS) - {EXPIRED}:
        check_denied_everywhere(bad, who, C)
    for found in (nobody, bad):
        check_signed_out(found, C)
        with pytest.raises(CouldNotJudge, match="no call that was denied would have done anything"):
            check_no_trace(found, C)
    with pytest.raises(NotConfigured, match="expired_token"):
        check_denied_everywhere(bad, EXPIRED, C)
    assert {event["title"] for event in run.events.of("matrix")} == {"Protected routes without a good token"}
    assert run.context.budget.spent() == 0
    assert {kind for kind, _ in run.events.what("left")} <= {"user"}


@asynchronous
async def test_a_token_that_has_run_out_is_tried_where_it_is_given(tmp_path):
    old = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOiAxfQ.c2lnbmF0dXJl"
    (bad,), run = await seen(tmp_path, Elsewhere(), "denied_bad_tokens", expired_token=old)

    check_denied_everywhere(bad, EXPIRED, C)
    written = "".join(path.read_text() for path in (tmp_path / "transcripts").iterdir())
    assert "deny_probes-expired_token" in "".join(path.name for path in (tmp_path / "transcripts").iterdir())
    assert old not in written
    assert run.context.budget.spent() == 0


@asynchronous
async def test_a_token_that_has_not_run_out_shows_nothing(tmp_path):
    (bad,), _ = await seen(tmp_path, Elsewhere(), "denied_bad_tokens", expired_token="opaque-and-for-ever")

    with pytest.raises(NotConfigured, match="expired_token"):
        check_denied_everywhere(bad, EXPIRED, C)


@asynchronous
async def test_a_route_that_is_open_is_found(tmp_path):
    there = Elsewhere(habits=frozenset({"opens /clone/upload-url"}))
    (nobody, bad), _ = await seen(tmp_path, there, "denied_without_token", "denied_bad_tokens")

    with pytest.raises(AssertionError, match="clone/upload-url as 'anon' returned 200, expected 401"):
        check_denied_everywhere(nobody, NOBODY, C)
    with pytest.raises(AssertionError, match="clone/upload-url as 'unsigned' returned 200, expected 401"):
        check_denied_everywhere(bad, "alg: none", C)


@asynchronous
async def test_another_user_gets_at_nothing_and_no_clip_is_left_behind(tmp_path):
    (found,), run = await seen(tmp_path, Elsewhere(), "foreign_reach")

    for kind in KINDS:
        check_out_of_reach(found, [kind], C)
    check_lists_apart(found, C)
    assert [side.title for side in found.directions] == ["B on A"]
    assert {reach.way.thing for side in found.directions for reach in side.reaches} >= {"clip of a voice", "preview"}
    assert not any(reach.way.thing == "uploaded clip" for side in found.directions for reach in side.reaches)
    assert run.context.budget.spent() <= 6
    assert {kind for kind, _ in run.events.what("left")} <= {"user"}


@asynchronous
async def test_a_preview_that_anybody_may_save_is_found_and_what_it_made_is_removed(tmp_path):
    there = Elsewhere(habits=frozenset({"saves anybody's previews"}))
    (found,), run = await seen(tmp_path, there, "foreign_reach")

    with pytest.raises(AssertionError, match="B on A, make a voice of the preview: .* returned 200, expected 404"):
        check_out_of_reach(found, ["clip", "preview"], C)
    check_out_of_reach(found, ["voice"], C)
    assert there.voices == []
    assert not any(kind == "voice" for kind, _ in run.events.what("left"))


@asynchronous
async def test_one_user_alone_cannot_be_isolated(tmp_path):
    there = Elsewhere()
    there.users["u"] = {"email": "a@example.com", "balance": 100, "events": [], "name": None}
    there.tokens["opaque-token"] = "u"

    with pytest.raises(NotConfigured, match="two users"):
        await seen(
            tmp_path,
            there,
            "foreign_reach",
            table={"sign_up": False},
            user_a_token="opaque-token",
            user_b_token="opaque-token",
        )
