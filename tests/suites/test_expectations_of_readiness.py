"""What must be seen before the switch: each expectation passes, and fails for each thing that is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fixtures.expectations.readiness import (
    MODAL,
    QWEN,
    check_modal_secrets,
    check_modal_works,
    check_nothing_old_is_gone,
    check_secrets_of_both_providers,
    check_voice_routes,
)
from rollout_gates.systems.tts.flows.design import Design
from rollout_gates.systems.tts.flows.preflight.modal import ModalWorks
from rollout_gates.systems.tts.flows.preflight.schema import OLD, OldSchema
from rollout_gates.systems.tts.flows.preflight.secret_names import SecretNames, names_in
from rollout_gates.systems.tts.flows.preflight.voice_routes import VoiceRoutes
from rollout_gates.systems.tts.flows.speaking import Start
from rollout_gates.systems.tts.flows.speech import Speech
from rollout_gates.systems.tts.watching import Watch
from rollout_gates.wire import CouldNotJudge
from tests.suites.replies import reply
from tests.suites.standing import NOW, records

ALL = frozenset({*MODAL, *QWEN})


def failure(check, *given):
    with pytest.raises(AssertionError) as failed:
        check(*given, "TTS-X-01")
    assert "[TTS-X-01]" in str(failed.value)
    return str(failed.value)


# --- secrets


def test_secrets_that_are_set():
    check_secrets_of_both_providers(SecretNames(ALL, "intl"), "TTS-X-01")
    check_modal_secrets(SecretNames(ALL, "intl"), "TTS-X-01")


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_secret_that_is_missing_is_named(name):
    assert name in failure(check_secrets_of_both_providers, SecretNames(ALL - {name}, "intl"))


def test_another_region_has_to_be_set():
    told = failure(check_secrets_of_both_providers, SecretNames(ALL, "cn"))

    assert "DASHSCOPE_REGION, DASHSCOPE_BASE_URL" in told
    assert "MODAL_JOB_STATUS" in failure(check_modal_secrets, SecretNames(ALL - {"MODAL_JOB_STATUS"}, "intl"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A_KEY\nB_KEY\n", {"A_KEY", "B_KEY"}),
        ("A_KEY=sk-SECRET_VALUE\nexport\n", {"A_KEY"}),
        ("  NAME  │ DIGEST\n ──────┼────\n  A_KEY │ 0f0f0f\n  B_KEY │ ABCDEF\n", {"NAME", "A_KEY", "B_KEY"}),
        ("| NAME | DIGEST |\n|------|---|\n| A_KEY | 00 |\n", {"NAME", "A_KEY"}),
        ('[{"name": "A_KEY", "value": "SECRET_VALUE"}, {"name": "b"}]', {"A_KEY"}),
        ('{"secrets": [{"key": "A_KEY"}], "B_KEY": "SECRET_VALUE"}', {"A_KEY", "B_KEY"}),
        ('["A_KEY", 3]', {"A_KEY"}),
        ("nothing here\n", set()),
        ("", set()),
    ],
)
def test_names_are_found_in_what_tools_print_and_values_are_not(text, names):
    assert set(names_in(text)) == names


# --- the way back


def watched(status):
    return Watch("t", (reply(200, {"status": status}),), ended=status in ("completed", "failed"), waited_s=1.0)


def designed(status="completed"):
    return Design("d", reply(200, {"task_id": "t"}), watched(status))


def test_modal_works():
    check_modal_works(ModalWorks(designed(), None), "TTS-X-01")
    check_modal_works(ModalWorks(designed(), Speech("v", Start("x", reply(200, {})), watched("completed"))), "X")


def test_modal_does_not_work():
    refused = ModalWorks(Design("d", reply(502, {"detail": "Missing env var"})), None)
    assert "returned 502, expected 200 for a design preview in mode modal" in failure(check_modal_works, refused)
    assert "returned failed, expected a completed design preview" in failure(
        check_modal_works, ModalWorks(designed("failed"), None)
    )
    silent = ModalWorks(designed(), Speech("v", Start("x", reply(502, {}))))
    assert "returned 502, expected a completed generate" in failure(check_modal_works, silent)


# --- the schema


def columns():
    return {table: {name: (kinds or ("anything",))[0] for name, kinds in all_.items()} for table, all_ in OLD.items()}


def test_the_old_schema_stands():
    check_nothing_old_is_gone(OldSchema(columns(), None, NOW), "TTS-X-01")


def test_what_is_gone_or_another_is_named():
    found = columns()
    del found["billing_events"], found["tasks"]["modal_job_id"]
    found["voices"]["name"] = "jsonb"

    told = failure(check_nothing_old_is_gone, OldSchema(found, None, NOW))

    assert "table public.billing_events is gone; no record says that the switch was thrown" in told
    assert "column public.tasks.modal_job_id is gone" in told
    assert "column public.voices.name is jsonb, expected text" in told


FLIPPED = NOW - timedelta(days=31)
DEPLOYED = {"schema_at": FLIPPED - timedelta(2), "code_at": FLIPPED - timedelta(1), "flipped_at": FLIPPED}
STABLE = {"deployed": DEPLOYED, "backups_verified_at": NOW - timedelta(days=2)}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"deployed": {**DEPLOYED, "flipped_at": NOW - timedelta(days=2)}}, "the stabilisation lasts until 2026-12-27"),
        ({"stabilisation_days": 60}, "the stabilisation lasts until 2026-12-28"),
        ({"incident": [{"severity": 2, "opened": NOW}]}, "1 incidents of severity 1 or 2 are on record"),
        ({"backups_verified_at": None}, "no backup since the switch is on record as verified"),
        ({"backups_verified_at": FLIPPED - timedelta(days=1)}, "no backup since the switch is on record as verified"),
    ],
)
def test_cleaning_before_the_stabilisation_is_over_is_found(changes, says):
    found = columns()
    del found["tasks"]["modal_job_id"]

    assert says in failure(check_nothing_old_is_gone, OldSchema(found, records(**STABLE | changes), NOW))


def test_cleaning_after_the_stabilisation_is_allowed():
    found = columns()
    del found["tasks"]["modal_job_id"]
    minor = [{"severity": 3, "opened": NOW}]

    check_nothing_old_is_gone(OldSchema(found, records(**STABLE, incident=minor), NOW), "TTS-X-01")


def test_a_database_with_none_of_the_tables_tells_nothing():
    with pytest.raises(CouldNotJudge, match="none of the system's tables"):
        check_nothing_old_is_gone(OldSchema({"other": {"id": "uuid"}}, None, NOW), "TTS-X-01")


# --- routes


def test_routes_on_a_migrated_schema():
    check_voice_routes(VoiceRoutes(reply(200, {}), reply(200, {})), "TTS-X-01")
    assert "returned 500" in failure(check_voice_routes, VoiceRoutes(reply(500, {}), reply(200, {})))
    with pytest.raises(CouldNotJudge, match="answers 500"):
        check_voice_routes(VoiceRoutes(reply(500, {}), reply(500, {})), "TTS-X-01")
