"""Each check of the data API, its functions and columns, storage and signed URLs: where it passes, and where not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations.data_api import (
    check_no_function_is_executed,
    check_nothing_protected_is_written,
    check_reads_are_empty,
    check_writes_are_refused,
)
from fixtures.expectations.storage import (
    check_nobody_reads,
    check_nobody_writes,
    check_owner_only_adds_references,
    check_urls_expire,
    check_urls_fit_one_object,
)
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.security.data import functions, signed, storage, tampering
from rollout_gates.systems.tts.flows.security.data.functions import Call, Functions
from rollout_gates.systems.tts.flows.security.data.objects import BUCKETS, CHANGES, INSERTS, READS, Way
from rollout_gates.systems.tts.flows.security.data.rows import Attempt, DataApi, judged, with_changes
from rollout_gates.systems.tts.flows.security.data.signed import Forgery, SignedUrl, SignedUrls
from rollout_gates.systems.tts.flows.security.data.storage import ObjectTry, Storage
from rollout_gates.systems.tts.flows.security.data.tables import BY_NAME, TABLES, Rule, Verb, Whose
from rollout_gates.systems.tts.flows.security.data.tampering import INSERT, PATCH, ROUTE, Tamper, Tampering
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.suites.replies import reply

DENIED = {"code": "42501", "message": "permission denied for table voices"}
ANON, USERS = (Whose.ANYBODYS,), (Whose.ANOTHERS, Whose.OWN)


def attempt(verb=Verb.UPDATE, answer=None, *, table="voices", whose=Whose.ANOTHERS, **more):
    answer = answer or reply(403, DENIED)
    told = {"there": True, **more}
    return Attempt("user_b", "owner", whose, table, verb, BY_NAME[table].rule(whose, verb), answer, **told)


def seen(*attempts, **more):
    return DataApi(attempts, **more)


# --- tables


def test_reads_that_are_empty_while_the_owner_sees_the_row_pass():
    own = attempt(Verb.SELECT, reply(200, [{"id": "1"}]), whose=Whose.OWN)

    check_reads_are_empty(seen(attempt(Verb.SELECT, reply(200, [])), own), USERS, "C-1")
    check_reads_are_empty(seen(attempt(Verb.SELECT, reply(401, DENIED), whose=Whose.ANYBODYS), own), ANON, "C-1")


def test_a_row_of_another_fails_with_who_and_where():
    leak = attempt(Verb.SELECT, reply(200, [{"id": "1"}]), strangers=1)

    with pytest.raises(AssertionError, match=r"select on voices as 'user_b', of 'owner': 200 with 1 rows .* \[C-1\]"):
        check_reads_are_empty(seen(leak), USERS, "C-1")


@pytest.mark.parametrize(
    "doubtful",
    [
        attempt(Verb.SELECT, reply(200, []), there=False),
        attempt(Verb.SELECT, reply(200, []), whose=Whose.OWN),
        attempt(Verb.SELECT, reply(403, DENIED), whose=Whose.OWN),
        attempt(Verb.SELECT, reply(404, {"code": "PGRST205"})),
        attempt(Verb.SELECT, reply(401, {"message": "Invalid API key"})),
        attempt(Verb.SELECT, reply(200, "<html>")),
        attempt(Verb.SELECT, reply(500, {"code": "XX000"})),
    ],
)
def test_a_read_that_could_not_have_leaked_is_inconclusive(doubtful):
    with pytest.raises(CouldNotJudge) as problem:
        check_reads_are_empty(seen(doubtful), USERS, "C-1")

    assert problem.value.reason is Reason.SOURCE_ABSENT


def test_nothing_tried_is_inconclusive():
    with pytest.raises(CouldNotJudge, match="nothing was tried"):
        check_reads_are_empty(seen(), USERS, "C-1")


@pytest.mark.parametrize("verb", [Verb.INSERT, Verb.UPDATE, Verb.DELETE])
def test_a_write_that_is_refused_for_want_of_a_right_passes(verb):
    check_writes_are_refused(seen(attempt(verb)), USERS, "C-1")
    check_writes_are_refused(seen(attempt(verb, reply(401, DENIED), whose=Whose.ANYBODYS)), ANON, "C-1")


@pytest.mark.parametrize("table", ["profiles", "voices", "generations"])
def test_a_delete_that_hits_no_row_passes_where_that_is_agreed(table):
    check_writes_are_refused(seen(attempt(Verb.DELETE, reply(200, []), table=table)), USERS, "C-1")


@pytest.mark.parametrize(
    "leak",
    [
        attempt(Verb.INSERT, reply(201, None)),
        attempt(Verb.INSERT, reply(409, {"code": "23505"})),
        attempt(Verb.INSERT, reply(409, {"code": "23503"})),
        attempt(Verb.UPDATE, reply(400, {"code": "23514"})),
        attempt(Verb.UPDATE, reply(200, [{"id": "1"}])),
        attempt(Verb.UPDATE, reply(200, [])),
        attempt(Verb.DELETE, reply(200, [{"id": "1"}])),
        attempt(Verb.DELETE, reply(200, []), table="tasks"),
        attempt(Verb.DELETE, reply(200, []), changed=True),
        attempt(Verb.UPDATE, changed=True),
    ],
)
def test_a_write_that_was_done_or_could_have_been_fails(leak):
    with pytest.raises(AssertionError, match=rf"{leak.verb} on {leak.table} as 'user_b'"):
        check_writes_are_refused(seen(leak), USERS, "C-1")


def test_an_anonymous_delete_that_hits_no_row_fails_since_the_right_is_there():
    with pytest.raises(AssertionError, match="the right to delete is there"):
        check_writes_are_refused(seen(attempt(Verb.DELETE, reply(200, []), whose=Whose.ANYBODYS)), ANON, "C-1")


@pytest.mark.parametrize(
    "answer",
    [
        reply(400, {"code": "PGRST204"}),
        reply(404, {"code": "PGRST205"}),
        reply(400, {"code": "22P02"}),
        reply(401, {"code": "PGRST301"}),
        reply(403, {"message": "blocked by a proxy"}),
        reply(503, None),
    ],
)
def test_a_write_that_failed_for_another_reason_is_inconclusive(answer):
    with pytest.raises(CouldNotJudge, match="neither done nor refused for want of a right"):
        check_writes_are_refused(seen(attempt(Verb.INSERT, answer)), USERS, "C-1")


def test_a_delete_of_nothing_is_inconclusive():
    with pytest.raises(CouldNotJudge):
        check_writes_are_refused(seen(attempt(Verb.DELETE, reply(200, []), there=False)), USERS, "C-1")


def test_an_own_delete_that_is_allowed_passes_done_or_refused_and_is_inconclusive_otherwise():
    def own(answer):
        return seen(attempt(Verb.DELETE, answer, whose=Whose.OWN))

    check_writes_are_refused(own(reply(200, [{"id": "1"}])), USERS, "C-1")
    check_writes_are_refused(own(reply(403, DENIED)), USERS, "C-1")
    with pytest.raises(CouldNotJudge):
        check_writes_are_refused(own(reply(200, [])), USERS, "C-1")


def test_writes_that_were_not_tried_are_not_configured():
    with pytest.raises(NotConfigured, match="prod"):
        check_writes_are_refused(seen(only_reads=True), USERS, "C-1")


def test_what_section_5_4_allows_is_all_that_any_rule_lets_through():
    allowed = {
        (table.name, verb)
        for table in TABLES
        for verb in Verb
        if table.rule(Whose.OWN, verb) in (Rule.DONE, Rule.OWN_ROWS)
    }
    no_row = {
        (table.name, whose) for table in TABLES for whose in Whose if table.rule(whose, Verb.DELETE) is Rule.NO_ROW
    }

    assert allowed == {
        *((name, Verb.SELECT) for name in ("profiles", "voices", "generations", "tasks", "credit_ledger")),
        *((name, Verb.DELETE) for name in ("voices", "generations")),
    }
    assert no_row == {
        *((name, Whose.ANOTHERS) for name in ("profiles", "voices", "generations")),
        ("profiles", Whose.OWN),
    }


def test_a_changed_row_is_put_down_to_who_got_it_back():
    place = ("owner", "voices")
    guilty, idle = attempt(Verb.UPDATE, reply(200, [{"id": "1"}])), attempt(Verb.UPDATE, reply(200, []))
    other = attempt(Verb.INSERT, reply(403, DENIED))

    found = with_changes(
        [idle, guilty, other], {place: {"description": None}}, {place: {"description": "rollout gate"}}
    )

    assert [one.changed for one in found] == [False, True, False]


def test_a_row_that_is_gone_without_any_success_is_put_down_to_all():
    place = ("owner", "voices")

    found = with_changes([attempt(Verb.DELETE), attempt(Verb.UPDATE)], {place: {"id": "1"}}, {place: None})

    assert all(one.changed for one in found)


def test_a_row_that_others_changed_meanwhile_is_no_finding():
    place = ("owner", "profiles")
    tries = [attempt(Verb.UPDATE, table="profiles")]

    assert with_changes(tries, {place: {"display_name": "A"}}, {place: {"display_name": "B"}}) == tries


def test_an_own_delete_is_not_blamed_for_a_row_of_another():
    place = ("owner", "voices")
    own, foreign = (
        attempt(Verb.DELETE, reply(200, [{"id": "2"}]), whose=Whose.OWN),
        attempt(Verb.DELETE, reply(200, [{"id": "1"}])),
    )

    assert [one.changed for one in with_changes([own, foreign], {place: {"id": "1"}}, {place: None})] == [False, True]


def test_each_refused_write_is_told_with_its_code():
    assert judged(attempt(Verb.INSERT)).reason == "403 42501"


# --- functions


def call(answer, known=True):
    return Functions((Call("user_b", "trial_restore", answer, known),))


def test_a_function_that_is_refused_or_hidden_passes():
    check_no_function_is_executed(call(reply(403, {**DENIED, "message": "permission denied for function x"})), "C-1")
    check_no_function_is_executed(call(reply(404, {"code": functions.UNKNOWN})), "C-1")


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, []),
        reply(204, None),
        reply(409, {"code": "23503"}),
        reply(400, {"code": "22023"}),
        reply(403, {"code": "42501", "message": "permission denied for table profiles"}),
        reply(403, {"code": "42501", "message": 'new row violates row-level security policy for table "profiles"'}),
    ],
)
def test_a_function_that_was_executed_fails(answer):
    with pytest.raises(AssertionError, match="trial_restore as 'user_b'"):
        check_no_function_is_executed(call(answer), "C-1")


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (reply(404, {"code": functions.UNKNOWN}), None),
        (reply(404, {"code": functions.UNKNOWN}), False),
        (reply(400, {"code": "PGRST102"}), True),
        (reply(401, {"code": "PGRST301"}), True),
        (reply(403, {"message": "blocked"}), True),
        (reply(500, {"code": "XX000"}), True),
    ],
)
def test_a_function_that_nobody_found_or_could_call_is_inconclusive(answer, known):
    with pytest.raises(CouldNotJudge):
        check_no_function_is_executed(call(answer, known), "C-1")


# --- protected columns


def tampered(way=PATCH, answer=None, *, took_effect=True, **more):
    told = {"before": 100, "wanted": 200, "after": 100, **more}
    one = Tamper(way, "profiles", "credits_remaining", answer or reply(403, DENIED), **told)
    return Tampering((one,), reply(200, {"profile": {}}), took_effect)


def test_a_value_that_stays_passes():
    check_nothing_protected_is_written(tampered(), "C-1")
    check_nothing_protected_is_written(tampered(PATCH, reply(200, [])), "C-1")
    check_nothing_protected_is_written(tampered(ROUTE, reply(200, {"profile": {}})), "C-1")
    check_nothing_protected_is_written(tampered(ROUTE, reply(400, {"detail": tampering.NOTHING_USABLE})), "C-1")


@pytest.mark.parametrize(
    "leak",
    [
        tampered(PATCH, reply(200, [{}]), after=200),
        tampered(ROUTE, reply(200, {}), after=200),
        tampered(PATCH, reply(400, {"code": "23514"})),
        tampered(INSERT, reply(201, None)),
    ],
)
def test_a_value_that_was_written_or_could_have_been_fails(leak):
    with pytest.raises(AssertionError, match=r"of profiles.credits_remaining: "):
        check_nothing_protected_is_written(leak, "C-1")


@pytest.mark.parametrize(
    "doubtful",
    [
        tampered(PATCH, reply(200, []), after=99),
        tampered(PATCH, after=200),
        tampered(PATCH, reply(404, {"code": "PGRST205"})),
        tampered(PATCH, reply(200, []), there=False),
        tampered(ROUTE, reply(400, {"detail": "Avatar URL must be a valid URL or null."})),
        tampered(ROUTE, reply(401, {"detail": "Invalid or expired token"})),
        tampered(took_effect=False),
    ],
)
def test_a_value_of_which_nothing_can_be_said_is_inconclusive(doubtful):
    with pytest.raises(CouldNotJudge):
        check_nothing_protected_is_written(doubtful, "C-1")


# --- stored objects

REFUSED = {"statusCode": "403", "error": "Unauthorized", "message": "new row violates row-level security policy"}


def tried(way, whose=Whose.ANOTHERS, answer=None, bucket="generations", *, there=True, changed=False):
    if answer is None:
        twin = whose is Whose.OWN and way in READS
        answer = reply(200, [{"name": "a", "signedURL": "/object"}]) if twin else reply(400, REFUSED)
    return ObjectTry("user_b", "owner", whose, bucket, way, answer, there, changed)


def everything(*but):
    """All ways in both buckets as everybody, refused but to owners, with *but* in place of some."""
    placed = {(one.bucket, one.whose, one.way): one for one in but}
    every = [(bucket, whose, way) for bucket in BUCKETS for whose in Whose for way in Way]
    own_inserts = [("references", Whose.OWN, way) for way in INSERTS]
    usual = {place: tried(place[2], place[1], bucket=place[0]) for place in every if place not in own_inserts}
    del usual["references", Whose.OWN, Way.PUBLIC], usual["generations", Whose.OWN, Way.PUBLIC]
    return Storage(tuple((usual | placed).values()))


CHECKS = dict.fromkeys((check_nobody_reads, check_nobody_writes, check_owner_only_adds_references), "C-1")


def test_storage_that_refuses_everybody_but_the_owner_passes():
    empty = everything(tried(Way.BULK_DELETE, answer=reply(200, [])), tried(Way.LIST, answer=reply(200, [])))
    unsigned = everything(tried(Way.SIGN_MANY, answer=reply(200, [{"error": "no access", "signedURL": None}])))

    for storage_seen in (everything(), empty, unsigned):
        for check in CHECKS:
            check(storage_seen, "C-1")


@pytest.mark.parametrize("way", READS)
@pytest.mark.parametrize("whose", [Whose.ANYBODYS, Whose.ANOTHERS])
def test_an_object_that_others_get_at_fails(way, whose):
    answer = reply(200, [{"name": "1.wav", "signedURL": "/object/sign"}])

    with pytest.raises(AssertionError, match=rf"{way} in generations as 'user_b', of 'owner': 200"):
        check_nobody_reads(everything(tried(way, whose, answer)), "C-1")


@pytest.mark.parametrize("way", [*INSERTS, *CHANGES])
def test_a_write_of_others_fails(way):
    done = tried(way, answer=reply(200, [{"name": "1.wav"}]), changed=way in CHANGES)

    with pytest.raises(AssertionError, match=rf"{way} in generations"):
        check_nobody_writes(everything(done), "C-1")


@pytest.mark.parametrize("way", [*INSERTS, *CHANGES])
def test_a_write_of_the_owner_that_is_not_theirs_to_do_fails(way):
    done = tried(way, Whose.OWN, reply(200, [{"name": "1.wav"}]))

    with pytest.raises(AssertionError, match=rf"{way} in generations"):
        check_owner_only_adds_references(everything(done), "C-1")


def test_other_bytes_after_a_refusal_fail():
    with pytest.raises(AssertionError, match="is not what it was"):
        check_nobody_writes(everything(tried(Way.REPLACE, changed=True)), "C-1")


def test_an_owner_may_store_references():
    check_owner_only_adds_references(everything(tried(Way.INSERT, Whose.OWN, reply(200, {}), "references")), "C-1")


@pytest.mark.parametrize(
    "doubtful",
    [
        tried(Way.READ, Whose.OWN, reply(404, None)),
        tried(Way.LIST, Whose.OWN, reply(200, [])),
        tried(Way.READ, there=False),
        tried(Way.LIST, answer=reply(200, []), there=False),
        tried(Way.READ, answer=reply(401, None)),
        tried(Way.READ, answer=reply(503, None)),
        tried(Way.LIST, answer=reply(200, {"not": "a list"})),
    ],
)
def test_a_read_that_could_not_have_succeeded_is_inconclusive(doubtful):
    with pytest.raises(CouldNotJudge):
        check_nobody_reads(everything(doubtful), "C-1")


@pytest.mark.parametrize("status", ["409", "413", "415"])
def test_an_upload_that_was_refused_for_what_it_is_is_inconclusive(status):
    with pytest.raises(CouldNotJudge):
        check_nobody_writes(everything(tried(Way.INSERT, answer=reply(400, {"statusCode": status}))), "C-1")


@pytest.mark.parametrize("check", CHECKS)
def test_what_was_not_tried_is_inconclusive(check):
    ways = {way for way in Way if way not in (*CHANGES, Way.SIGN)}
    some = Storage(tuple(one for one in everything().tries if one.way in ways))

    with pytest.raises(CouldNotJudge, match="ways were not tried"):
        check(some, "C-1")


@pytest.mark.parametrize("check", [check_nobody_writes, check_owner_only_adds_references])
def test_storage_that_was_only_read_is_not_configured(check):
    with pytest.raises(NotConfigured):
        check(replace(everything(), only_reads=True), "C-1")


def test_what_the_owner_gets_is_the_twin_and_not_a_leak():
    assert storage.judged(tried(Way.READ, Whose.OWN)).reason.startswith("to its owner")


# --- signed URLs


def url(**more):
    told = {"lifetime_s": 3600.0, "later": None, **more}
    return SignedUrls((SignedUrl("clip", reply(302, None), reply(200, b"RIFF"), **told),), ())


@pytest.mark.parametrize(
    "good", [url(), url(later=reply(400, None)), url(lifetime_s=None, later=reply(403, None)), url(lifetime_s=60.0)]
)
def test_a_url_that_is_over_within_an_hour_passes(good):
    check_urls_expire(good, "C-1")


@pytest.mark.parametrize("bad", [url(lifetime_s=3601.0), url(later=reply(200, b"RIFF")), url(lifetime_s=2_592_000.0)])
def test_a_url_that_lives_longer_fails(bad):
    with pytest.raises(AssertionError, match="signed URL of clip"):
        check_urls_expire(bad, "C-1")


@pytest.mark.parametrize(
    "doubtful",
    [
        url(lifetime_s=None),
        url(lifetime_s=None, later=reply(503, None)),
        SignedUrls((SignedUrl("clip", reply(302, None), reply(404, None), 3600.0),), ()),
        SignedUrls((), ()),
    ],
)
def test_a_url_that_does_not_say_or_opens_nothing_is_inconclusive(doubtful):
    with pytest.raises(CouldNotJudge):
        check_urls_expire(doubtful, "C-1")


def forged(status, there=True, title="clip: token of speech"):
    return SignedUrls((), (Forgery(title, reply(status, None), there),))


def test_a_forgery_that_opens_nothing_passes():
    check_urls_fit_one_object(forged(400), "C-1")


def test_a_forgery_that_opens_something_fails():
    with pytest.raises(AssertionError, match="signed URL of clip: token of speech: 200"):
        check_urls_fit_one_object(forged(200), "C-1")


@pytest.mark.parametrize(
    "doubtful",
    [forged(500), forged(404, there=False), SignedUrls((), ()), forged(400, title="clip: altered signature")],
)
def test_a_forgery_that_could_not_have_opened_anything_is_inconclusive(doubtful):
    with pytest.raises(CouldNotJudge):
        check_urls_fit_one_object(doubtful, "C-1")


def test_the_verdict_on_a_url_names_its_lifetime():
    assert signed.expiry(url().urls[0]).reason == "it lives 3600 s by its own word"
