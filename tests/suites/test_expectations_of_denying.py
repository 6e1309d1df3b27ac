"""Expectations of denials: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fixtures.expectations import denying
from rollout_gates.clause import Route
from rollout_gates.matrix import Outcome
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.security.denials import Denials, Knock, Trace, Twin, table
from rollout_gates.systems.tts.flows.security.doors import Answer, Call, Door
from rollout_gates.systems.tts.flows.security.impostors import EITHER, EXPIRED, NO_HEADER, NOBODY, REJECTED
from rollout_gates.wire import BadAnswer, CouldNotJudge, NotConfigured
from tests.suites.replies import refusal, reply

C = "TTS-SEC-AUTH-01"
MISSING, BAD = (refusal(401, details[0]) for details in (NO_HEADER, REJECTED))
UNKNOWN_ROUTE = reply(404, "404 Not Found", content_type="text/plain")
OUT = reply(200, {"signed_in": False, "user": None, "profile": None})
IN = reply(200, {"signed_in": True, "user": {"id": "u"}, "profile": {"id": "u"}})
LIST = Door(
    Route(method="GET", path="/voices", auth="required", tier=3),
    Call("/voices", (Answer(200),)),
    Call("/voices", (Answer(200),)),
)
SPEAK = Door(
    Route(method="POST", path="/generate", auth="required", tier=1),
    Call("/generate", (Answer(200),)),
    Call("/generate", (Answer(404, "Voice not found"),)),
)
TWINS = {"GET /voices": reply(200, {"voices": []}), "POST /generate": refusal(404, "Voice not found")}
BEFORE = {"voices": {"v": "1"}, "tasks": {}, "credit_ledger": {"7": "x"}}
LATER = {**BEFORE, "tasks": {"t": "new"}}
TRACE = Trace(BEFORE, BEFORE, LATER, ("v",), ())


def denials(voices=MISSING, generate=MISSING, *, who=NOBODY, details=NO_HEADER, twins=None, **more):
    knocks = (Knock(who, LIST, voices, details), Knock(who, SPEAK, generate, details))
    found = {door.route.name: Twin(door, (twins or TWINS)[door.route.name]) for door in (LIST, SPEAK)}
    return Denials(knocks, found, {who: OUT}, IN, **{"trace": TRACE, **more})


def test_denied_at_every_route():
    denying.check_denied_everywhere(denials(), NOBODY, C)
    denying.check_denied_everywhere(denials(BAD, MISSING, who="another scheme", details=EITHER), "another scheme", C)


@pytest.mark.parametrize(
    "wrong",
    [
        reply(200, {"voices": []}),
        reply(302, None),
        refusal(403, NO_HEADER[0]),
        refusal(404, "Voice not found."),
        refusal(500, "Internal"),
        BAD,
        refusal(401, "Unauthorized"),
        refusal(401, f"{NO_HEADER[0]}."),
        reply(401, NO_HEADER[0], content_type="text/plain"),
        reply(401, {"message": NO_HEADER[0]}),
        UNKNOWN_ROUTE,
    ],
)
def test_anything_else_is_no_denial(wrong):
    with pytest.raises(AssertionError, match="expected 401 'Missing authorization header' for GET /voices with no"):
        denying.check_denied_everywhere(denials(wrong), NOBODY, C)


@pytest.mark.parametrize("dead", [UNKNOWN_ROUTE, reply(503, "x"), BAD, refusal(404, "Not Found"), refusal(429, "x")])
def test_a_route_that_lets_nobody_in_shows_nothing(dead):
    for answer in (MISSING, UNKNOWN_ROUTE):
        seen = denials(MISSING, answer, twins={**TWINS, "POST /generate": dead})
        with pytest.raises(CouldNotJudge, match="1 routes let nobody in, first POST|GET"):
            denying.check_denied_everywhere(seen, NOBODY, C)


def test_a_dead_route_does_not_hide_one_that_is_open():
    seen = denials(reply(200, {"voices": []}), MISSING, twins={**TWINS, "POST /generate": UNKNOWN_ROUTE})

    with pytest.raises(AssertionError, match="GET /voices"):
        denying.check_denied_everywhere(seen, NOBODY, C)


def test_an_impostor_who_is_served_counts_whatever_the_user_was_answered():
    seen = denials(MISSING, reply(200, {"task_id": "t"}), twins={**TWINS, "POST /generate": refusal(500, "x")})

    with pytest.raises(AssertionError, match="returned 200, expected 401 .* for POST /generate"):
        denying.check_denied_everywhere(seen, NOBODY, C)
    assert table(seen).cells["POST /generate", NOBODY].outcome is Outcome.LEAKED


def test_who_could_not_be_played_is_not_judged():
    seen = replace(denials(), untried={EXPIRED: "there is none"})

    with pytest.raises(NotConfigured, match="there is none"):
        denying.check_denied_everywhere(seen, EXPIRED, C)
    with pytest.raises(AssertionError, match="nobody came"):
        denying.check_denied_everywhere(seen, "garbage", C)


def test_a_rate_limit_is_no_denial_and_no_admission():
    with pytest.raises(CouldNotJudge) as problem:
        denying.check_denied_everywhere(denials(refusal(429, "x")), NOBODY, C)
    assert problem.value.reason is Reason.TOO_FEW_SAMPLES


def test_a_token_that_ran_out_was_good_before():
    denying.check_ran_out(denials(), C)
    denying.check_ran_out(denials(once=IN), C)

    with pytest.raises(AssertionError, match="before it ran out"):
        denying.check_ran_out(denials(once=OUT), C)


def test_no_trace():
    denying.check_no_trace(denials(), C)
    denying.check_no_trace(denials(), C, taken_on=True)
    denying.check_no_trace(denials(trace=Trace(BEFORE, BEFORE, None, ("v",))), C)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({**BEFORE, "tasks": {"t": "1"}}, "tasks: 1 more \\(t\\)"),
        ({**BEFORE, "voices": {}}, "voices: 1 gone \\(v\\)"),
        ({**BEFORE, "voices": {"v": "2"}}, "voices: 1 changed \\(v\\)"),
        ({**BEFORE, "credit_ledger": {"7": "x", "8": "y"}}, "credit_ledger: 1 more \\(8\\)"),
    ],
)
def test_a_change_is_a_trace(after, told):
    for taken_on in (True, False):
        with pytest.raises(AssertionError, match=f"{told}, by calls with no header"):
            denying.check_no_trace(denials(trace=replace(TRACE, after=after)), C, taken_on=taken_on)


def test_a_call_to_a_provider_is_a_trace():
    with pytest.raises(AssertionError, match="providers were called by calls with no header: stripe:checkout"):
        denying.check_no_trace(denials(trace=replace(TRACE, calls=("stripe:checkout",))), C)


def test_what_was_taken_on_is_a_trace_where_there_is_nobody_to_book_it_on():
    seen = denials(MISSING, reply(200, {"task_id": "t"}))

    with pytest.raises(AssertionError, match="nothing to be begun at POST /generate"):
        denying.check_no_trace(seen, C, taken_on=True)
    with pytest.raises(CouldNotJudge, match="1 calls were not denied"):
        denying.check_no_trace(seen, C)
    denying.check_no_trace(denials(reply(200, {"voices": []})), C, taken_on=True)


@pytest.mark.parametrize(
    "blind",
    [
        None,
        replace(TRACE, later=BEFORE),
        replace(TRACE, names=("another",)),
        Trace({"voices": {}}, {"voices": {}}, None, ("v",)),
    ],
)
def test_where_nothing_would_show_nothing_is_judged(blind):
    with pytest.raises(CouldNotJudge):
        denying.check_no_trace(denials(trace=blind), C)


def test_signed_out():
    denying.check_signed_out(denials(), C)


@pytest.mark.parametrize(
    "wrong",
    [
        IN,
        BAD,
        reply(200, {"signed_in": False, "user": None}),
        reply(200, {"signed_in": False, "user": None, "profile": {"id": "u"}}),
        reply(200, {"signed_in": False, "user": None, "profile": None, "email": "a@example.com"}),
        reply(500, {"signed_in": False, "user": None, "profile": None}),
    ],
)
def test_me_that_takes_an_impostor_for_somebody_fails(wrong):
    with pytest.raises(AssertionError, match="with no header"):
        denying.check_signed_out(replace(denials(), signed_out={NOBODY: wrong}), C)


def test_me_that_takes_everybody_for_nobody_fails():
    with pytest.raises(AssertionError, match="with a good token"):
        denying.check_signed_out(replace(denials(), signed_in=OUT), C)
    with pytest.raises(BadAnswer):
        denying.check_signed_out(replace(denials(), signed_out={NOBODY: reply(200, "<p>")}), C)


def test_the_table_tells_each_call_by_its_outcome():
    seen = denials(reply(200, {"voices": []}), MISSING, twins={**TWINS, "POST /generate": UNKNOWN_ROUTE})

    cells = table(seen).cells

    assert cells["GET /voices", NOBODY].outcome is Outcome.LEAKED
    assert cells["POST /generate", NOBODY].outcome is Outcome.INCONCLUSIVE
    assert table(denials()).cells["POST /generate", NOBODY].outcome is Outcome.HELD


def test_nobodys_things_are_shown_in_no_text():
    assert "token" not in repr(replace(denials(), owned=SimpleNamespace(token="x")))
