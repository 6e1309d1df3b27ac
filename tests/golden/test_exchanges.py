"""A case is acted out with one set of values, and its message stands alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from rollout_gates import golden
from tests.golden.making import NAMES, Answer, answer, case_data, folder

CAP = {"cap": 600, "text:short": "hello"}


def load_one(tmp_path, **changes):
    return golden.load(folder(tmp_path / "g", {"speak/a-case.json": case_data(**changes)}), "talk", names=NAMES)[0]


def act(case: golden.Case, *, replies: Any = None, steps: Any = None, mode: str = "fast") -> golden.Exchange:
    sent = []

    async def supply(names):
        return {name: CAP[name] for name in names}

    async def send(_case, request):
        sent.append(request)
        return replies(request) if callable(replies) else replies

    async def step(path):
        return (steps or {}).get(path)

    exchange = asyncio.run(golden.observe(case, mode, supply=supply, send=send, step=step))
    assert len(sent) == (0 if case.steps else 1)
    return exchange


def test_the_request_is_sent_filled_and_the_answer_judged_by_the_same_values(tmp_path):
    case = load_one(
        tmp_path,
        request={"method": "GET", "path": "/x", "headers": {"x-id": "${uuid}"}},
        expect={"any": {"headers": {"x-id": "${uuid}"}, "says": "up to ${cap}"}},
    )

    exchange = act(case, replies=lambda request: answer("up to 600", headers=dict(request.headers)))

    assert golden.judge(exchange).differences == ()
    assert golden.judge(exchange).compared == 2


def test_a_difference_is_told_with_case_file_mode_clause_and_exchange(tmp_path):
    exchange = act(load_one(tmp_path), replies=answer({"detail": "up to 700"}))

    message = golden.explain(exchange, golden.judge(exchange))

    assert message.splitlines() == [
        "A short text is accepted [TTS-CON-04]",
        "  talk/speak/a-case.json, mode fast: POST /speak as user_a returned 200",
        '  json.detail: got "up to 700", expected "up to 600"',
        "  exchange 42",
    ]


def test_a_step_is_judged_where_a_flow_got_to_it(tmp_path):
    case = load_one(tmp_path, request=..., step=["talk.first", "talk.second"])

    exchange = act(case, steps={"talk.second": answer({"detail": "up to 600"})})

    assert golden.judge(exchange).differences == ()
    assert golden.precondition_problem(exchange) is None


def test_a_step_that_no_flow_got_to_is_told_and_not_judged(tmp_path):
    case = load_one(tmp_path, request=..., step=["talk.first", "talk.second"])

    with pytest.raises(golden.NotReached, match=r"no flow got to talk\.first or talk\.second"):
        act(case)


def test_a_step_with_another_status_says_nothing_about_the_form(tmp_path):
    case = load_one(tmp_path, request=..., step="talk.first")

    problem = golden.precondition_problem(act(case, steps={"talk.first": answer({"detail": "no"}, status=502)}))

    assert problem == "A short text is accepted: the flow's answer has status 502, not 200"


def test_a_request_with_another_status_is_judged(tmp_path):
    exchange = act(load_one(tmp_path), replies=answer({"detail": "up to 600"}, status=502))

    assert golden.precondition_problem(exchange) is None
    assert len(golden.judge(exchange).differences) == 1


def test_a_mode_without_an_expectation_cannot_be_judged(tmp_path):
    case = load_one(tmp_path, expect={"slow": {"status": 200}})

    with pytest.raises(golden.GoldenError, match="has no expectation for mode 'fast'"):
        golden.judge(golden.Exchange(case, "fast", answer(), {}))


def test_a_twin_that_got_through_lets_the_refusal_count(tmp_path):
    denied = act(load_one(tmp_path), replies=answer())

    assert golden.twin_problem(denied, None) is None
    assert golden.twin_problem(denied, act(denied.case, replies=answer(status=200))) is None


def test_a_twin_that_was_refused_as_well_shows_that_nothing_is_proven(tmp_path):
    denied = act(load_one(tmp_path), replies=answer())

    problem = golden.twin_problem(denied, act(denied.case, replies=answer(status=401)))

    assert problem is not None
    assert "proves nothing" in problem
    assert "talk/speak/a-case.json got 401, expected 200 [TTS-CON-04]" in problem


@dataclass(frozen=True)
class Seen:
    replies: tuple[Answer, ...] = ()
    deeper: Seen | None = None


def test_a_place_in_an_observation_is_found_by_attributes_and_indexes():
    first, second = answer(1), answer(2)
    seen = Seen((first, second), Seen((second,)))

    assert golden.pick(seen, "replies.1") is second
    assert golden.pick(seen, "deeper.replies.0") is second


@pytest.mark.parametrize("path", ["replies.2", "deeper.deeper.replies.0", "gone", "gone.0", "deeper.deeper"])
def test_a_place_that_is_not_there_is_none(path):
    assert golden.pick(Seen((answer(),), Seen()), path) is None
