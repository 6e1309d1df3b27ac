"""Expectations of log lines and alerts: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations import logging
from rollout_gates.systems.tts.flows.security.alerts import SIGNALS, Alerts
from rollout_gates.systems.tts.flows.security.logs import Logged, Logs
from rollout_gates.systems.tts.flows.security.logs_outcomes import Outcomes
from tests.suites.replies import UUID, refusal, reply

C = "TTS-SEC-OBS-01"
LINE = {
    "timestamp": "2026-03-01T12:00:00.123+00:00",
    "request_id": UUID,
    "method": "GET",
    "path": "/api/voices",
    "user_id": None,
    "ip_hash": "5f7e88b41f014871b44a814d0ae5258112ca17b49af22894",
    "tier": "tier3",
    "decision": "allow",
    "status_code": 200,
}


def call(*lines, status=200, tier="3") -> Logs:
    answer = reply(status, {}, headers={"x-request-id": UUID})
    return Logs((Logged(answer, "/voices", tier, lines),), lines, {"a token": "tok-123"})


def test_one_line_a_call():
    logging.check_one_line_a_call(call(LINE), C)
    logging.check_one_line_a_call(call({**LINE, "tier": 3, "path": "/functions/v1/api/voices?page=1"}), C)
    logging.check_one_line_a_call(call(LINE, {"request_id": UUID, "event": "done"}), C)
    logging.check_one_line_a_call(call({**LINE, "decision": "deny", "status_code": 429}, status=429), C)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [LINE, LINE],
        [{name: value for name, value in LINE.items() if name != "ip_hash"}],
        [{**LINE, "method": "POST"}],
        [{**LINE, "status_code": 401}],
        [{**LINE, "decision": "deny"}],
        [{**LINE, "tier": "tier1"}],
        [{**LINE, "path": "/api/generate"}],
        [{**LINE, "timestamp": "yesterday"}],
    ],
)
def test_another_line_fails(lines):
    with pytest.raises(AssertionError, match=r"log line"):
        logging.check_one_line_a_call(call(*lines), C)


def test_nothing_private():
    logging.check_nothing_private(call(LINE), C)
    logging.check_nothing_private(call({**LINE, "at": "12:00:01", "agent": "rollout-gates/0.1.0"}), C)


@pytest.mark.parametrize(
    "more",
    [
        {"ip": "127.0.0.1"},
        {"ip": "2001:db8::7"},
        {"note": "from 203.0.113.7 again"},
        {"deep": {"peer": ["10.0.0.1"]}},
        {"authorization": "Bearer tok-123"},
    ],
)
def test_what_is_private_fails(more):
    with pytest.raises(AssertionError, match="holds"):
        logging.check_nothing_private(call({**LINE, **more}), C)


def test_a_text_in_a_query_is_found():
    logs = Logs((), ({**LINE, "path": "/api/voices?search=canary%20words"},), {"a text": "canary words"})
    with pytest.raises(AssertionError, match="holds a text"):
        logging.check_nothing_private(logs, C)


MADE = {"provider": "qwen", "outcome": "completed"}
FAILED = {"provider": "qwen", "outcome": "failed", "error_category": "timeout"}


def test_outcomes():
    logging.check_outcomes_logged(Outcomes("qwen", (LINE, MADE), ()), C)
    logging.check_failures_categorised(Outcomes("qwen", (), (LINE, FAILED)), C)

    for wrong in ((), (LINE,), ({"provider": "modal", "outcome": "completed"},), ({"provider": "qwen"},)):
        with pytest.raises(AssertionError):
            logging.check_outcomes_logged(Outcomes("qwen", wrong, ()), C)
    for wrong in ((), (LINE,), (MADE,), ({"error_category": "timeout"},)):
        with pytest.raises(AssertionError):
            logging.check_failures_categorised(Outcomes("qwen", (), wrong), C)


def test_alerts():
    fired = {name: ({"signal": name},) for name in SIGNALS}
    logging.check_alerts_fired(Alerts(fired, 1), C)

    with pytest.raises(AssertionError, match="no alert within 1 s for rate_limited"):
        logging.check_alerts_fired(Alerts({**fired, "rate_limited": ()}, 1), C)
    with pytest.raises(AssertionError, match="not every signal"):
        logging.check_alerts_fired(Alerts({}, 1), C)


def test_the_reason_of_a_refusal_is_no_address():
    assert list(logging.private({"detail": refusal(400, "x").text, "version": "1.2.3"}, {})) == []
