"""Secrets in answers are noticed before they are redacted."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from rollout_gates.evidence import sightings as module
from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.sightings import Sightings
from rollout_gates.evidence.transcript import Exchange, Recorder
from rollout_gates.secret_search.values import Registered, SecretValues, Together
from tests.secret_search.planted import PROVIDER, SERVICE, USER, word

HOME = "https://p.example"


@pytest.fixture
def redactor():
    return Redactor()


@pytest.fixture
def sightings(redactor):
    held = SecretValues.of({"service_role_key": SERVICE})
    return Sightings(Together(held, Registered(redactor, {"provider_key"})))


def answer(body=b"", *, headers=(), status=200, sent_headers=(), sent=b"", url=f"{HOME}/api/me?token=x"):
    return Exchange(
        id="main-1",
        sent=datetime.now(UTC),
        actor="user_a",
        method="GET",
        url=url,
        request_headers=sent_headers,
        request_body=sent,
        status=status,
        response_headers=headers,
        response_body=body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


def told(sightings):
    return [str(each.finding).partition(" (fingerprint")[0] for each in sightings.found]


def test_a_secret_in_a_body_and_one_in_a_header_are_told_by_place(sightings, redactor):
    redactor.register(PROVIDER, "provider_key")
    sightings.look("flow", answer({"debug": SERVICE}))
    sightings.look("flow", answer(headers=[("x-debug", PROVIDER.encode().hex())], status=500))

    assert told(sightings) == [
        "body of the answer to GET /api/me as 'user_a', exchange main-1 of flow: value of service_role_key",
        "header x-debug of the answer to GET /api/me as 'user_a', exchange main-1 of flow: value of provider_key, hex",
    ]
    assert {each.origin for each in sightings.found} == {HOME}


def test_a_key_that_nobody_configured_is_known_by_its_form(sightings):
    sightings.look("flow", answer({"a": f"sk_live_{word(24)}"}))

    assert told(sightings)[0].endswith("Stripe secret key")


@pytest.mark.parametrize(
    "exchange",
    [
        answer({"access_token": USER, "refresh_token": word(24)}),
        answer(headers=[("location", f"{HOME}/storage/v1/object/sign/a/b?token={USER}")], status=302),
        answer({"echo": SERVICE}, sent_headers=[("authorization", f"Bearer {SERVICE}")]),
        answer({"echo": SERVICE}, sent=json.dumps({"key": SERVICE}).encode()),
        answer({"echo": SERVICE}, url=f"{HOME}/api/x?apikey={SERVICE}"),
        answer({"ok": True}),
    ],
)
def test_tokens_of_users_and_what_was_sent_are_no_find(sightings, exchange):
    sightings.look("flow", exchange)

    assert sightings.found == []
    assert sightings.searched[HOME] == 1


def test_another_secret_than_the_one_that_was_sent_is_a_find(sightings, redactor):
    redactor.register(PROVIDER, "provider_key")
    sightings.look("flow", answer({"a": [SERVICE, PROVIDER]}, sent_headers=[("apikey", SERVICE)]))

    assert [each.rpartition(": ")[2] for each in told(sightings)] == ["value of provider_key"]


def test_what_was_not_searched_is_counted(sightings, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 100)
    sightings.look("flow", answer(b"RIFF\x00\x00" + SERVICE.encode(), headers=[("content-type", "audio/wav")]))
    sightings.look("flow", answer(b"x" * 200))
    sightings.look("flow", answer(status=None))

    assert (sightings.searched[HOME], sightings.bodiless[HOME], sightings.found) == (2, 2, [])


def test_sightings_are_bounded(sightings, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    for _ in range(5):
        sightings.look("flow", answer({"a": SERVICE}))

    assert len(sightings.found) == 3


def test_a_recorder_looks_before_it_redacts(tmp_path, sightings, redactor):
    redactor.register(SERVICE, "service_role_key")
    recorder = Recorder(tmp_path, redactor, sightings=sightings)
    recorder.record("flow", answer({"debug": SERVICE}))
    recorder.close()

    assert len(sightings.found) == 1
    assert SERVICE not in (tmp_path / "flow.jsonl").read_text()
