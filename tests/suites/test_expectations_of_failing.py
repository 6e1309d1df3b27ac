"""Expectations of providers that fail: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import failing
from rollout_gates.systems.tts.flows.matrix.purse import Purse
from rollout_gates.systems.tts.flows.security.failure import Failure, Failures, Trouble, words
from rollout_gates.systems.tts.flows.security.failure_upstream import Upstream
from rollout_gates.systems.tts.flows.security.failure_urls import Fetched, Fetches
from tests.suites.replies import refusal, reply

C = "TTS-SEC-FAIL-01"
RICH, POORER = Purse(1000, 0, 0), Purse(900, 0, 0)
UNAVAILABLE = Trouble("a 500", {}, "unavailable")
REFUSED = Trouble("a 400", {}, "refused")


def failure(trouble=UNAVAILABLE, **changes) -> Failure:
    made = Failure("a preview", trouble, refusal(502, "x"), "failed", (failing.UNAVAILABLE,), RICH, RICH, 1)
    return replace(made, **changes)


def test_a_safe_end():
    failing.check_ended_safely([failure()], C)

    for wrong in (failure(status="completed"), failure(status=None), failure(after=POORER)):
        with pytest.raises(AssertionError):
            failing.check_ended_safely([wrong], C)
    with pytest.raises(AssertionError, match="nothing was made"):
        failing.check_ended_safely([], C)


def test_agreed_texts():
    timeout = failure(Trouble("a 504", {}, "timeout"), texts=(failing.TIMEOUT,))
    failing.check_agreed_texts(failing.agreed([failure(), timeout, failure(REFUSED)], qwen=True), C)
    job = failure(what="a generate", texts=(failing.NOT_SUBMITTED,))
    failing.check_agreed_texts(failing.agreed([job, failure(texts=("x",))], qwen=False), C)

    for wrong in (failure(texts=("Oops",)), failure(texts=())):
        with pytest.raises(AssertionError, match="expected 'Provider is temporarily"):
            failing.check_agreed_texts(failing.agreed([wrong], qwen=True), C)
    with pytest.raises(AssertionError, match="nothing ended as failed"):
        failing.check_agreed_texts(failing.agreed([failure(status=None)], qwen=True), C)
    with pytest.raises(AssertionError, match="nothing ended as failed"):
        failing.check_agreed_texts(failing.agreed([failure()], qwen=False), C)


def test_attempts():
    download = failure(what="a generate's download", calls=3)
    failing.check_attempts([failure(), download, replace(download, trouble=REFUSED, calls=1)], C)

    for wrong in (failure(calls=2), failure(calls=0), replace(download, calls=4), replace(download, calls=1)):
        with pytest.raises(AssertionError, match="the provider was asked"):
            failing.check_attempts([wrong], C)


def test_refusals_are_tried_once():
    failing.check_refusals_tried_once([failure(REFUSED), failure(calls=9)], C)

    with pytest.raises(AssertionError, match="expected once"):
        failing.check_refusals_tried_once([failure(REFUSED, calls=3)], C)
    with pytest.raises(AssertionError, match="no provider refused"):
        failing.check_refusals_tried_once([failure()], C)


def test_nothing_inside():
    failing.check_nothing_inside_shown(Failures((failure(),), ("canary0",)), C)

    with pytest.raises(AssertionError, match="shown the provider's own 'canary0'"):
        failing.check_nothing_inside_shown(Failures((failure(texts=(words("canary0"),)),), ("canary0",)), C)
    with pytest.raises(AssertionError, match="no failure showed"):
        failing.check_nothing_inside_shown(Failures((failure(texts=()),), ("canary0",)), C)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see https://internal.example/x", "a URL"),
        ("Missing env var: DASHSCOPE_API_KEY", "a variable"),
        ("refused sk-abcdefghij", "a key or token"),
        ("Authorization: Bearer x", "a key or token"),
        ("at synth (/srv/app/index.ts:42:7)", "a place in code"),
    ],
)
def test_what_looks_like_the_inside(text, what):
    assert what in failing.inside(text, ())


def test_texts_for_users_do_not_look_like_the_inside():
    said = (
        failing.TIMEOUT,
        failing.UNAVAILABLE,
        "Reference audio must be under 10MB.",
        "Voice/provider model mismatch (vc).",
    )
    assert [failing.inside(text, ("canary0",)) for text in said] == [[]] * 4


def test_upstream():
    well = reply(200, {"url": "x"})
    failing.check_upstream_hidden([Upstream("a checkout", well, refusal(502, "Try again."), ("canary0",))], C)

    for wrong in (
        Upstream("a checkout", well, refusal(502, words("canary0")), ("canary0",)),
        Upstream("a checkout", well, well, ("canary0",)),
        Upstream("a checkout", refusal(502, "x"), refusal(502, "x"), ("canary0",)),
    ):
        with pytest.raises(AssertionError, match="a checkout: "):
            failing.check_upstream_hidden([wrong], C)


def test_foreign_audio():
    twin, away = Fetched("its own", 0, "completed", RICH, POORER), Fetched("a file", 0, "failed", RICH, RICH)
    failing.check_nothing_else_fetched(Fetches(twin, (away,)), C)

    for wrong in (
        Fetches(twin, (replace(away, heard=1),)),
        Fetches(twin, (replace(away, status="completed"),)),
        Fetches(twin, (replace(away, after=POORER),)),
        Fetches(replace(twin, status="failed"), (away,)),
        Fetches(twin, ()),
    ):
        with pytest.raises(AssertionError):
            failing.check_nothing_else_fetched(wrong, C)
