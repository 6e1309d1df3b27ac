"""Expectations of single answers: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations import replies as expect
from fixtures.expectations.wording import asked, sentences
from rollout_gates.wire import BadAnswer
from tests.suites.replies import refusal, reply

C = "TTS-SMOKE-09"


def test_a_message_stands_alone():
    with pytest.raises(AssertionError) as failure:
        expect.check_status(reply(200, {"voices": []}), 401, C)

    message = str(failure.value).splitlines()[0]
    assert message.startswith(
        "GET /functions/v1/api/voices as 'prober' returned 200, expected 401 [TTS-SMOKE-09] (exchange main-1;"
    )
    assert 'application/json, 14 bytes: {"voices": []}' in message


def test_a_signed_query_never_stands_in_a_message():
    assert "secret" not in asked(reply(path="/x?token=secret"))


def test_status():
    expect.check_status(reply(200), 200, C)

    with pytest.raises(AssertionError):
        expect.check_status(reply(500), 200, C)


def test_a_step_that_was_never_tried_fails():
    expect.check_step(reply(201), "the upload", C, expected=(200, 201))

    with pytest.raises(AssertionError, match="the upload was never tried"):
        expect.check_step(None, "the upload", C)
    with pytest.raises(AssertionError, match="expected 200 for the upload"):
        expect.check_step(reply(502), "the upload", C)


def test_an_answer_gives_something_to_go_on_with():
    expect.check_gives(reply(200, {"task_id": "x"}), "task_id", C)
    expect.check_gives(reply(200, {"taskId": "x"}), "task_id", C)

    with pytest.raises(AssertionError, match="a text under 'task_id' to go on with"):
        expect.check_gives(reply(200, {"task_id": None}), "task_id", C)
    with pytest.raises(BadAnswer):
        expect.check_gives(reply(200, "<html>"), "task_id", C)


@pytest.mark.parametrize("found", [{"ok": 1}, {"ok": "true"}, {"ok": None}, {}])
def test_a_member_has_value_and_type(found):
    expect.check_member(reply(200, {"ok": True}), "ok", True, C)

    with pytest.raises(AssertionError, match="expected ok = True"):
        expect.check_member(reply(200, found), "ok", True, C)


@pytest.mark.parametrize("body", ["<html>hello</html>", [1], "null"])
def test_a_member_of_what_is_no_object_is_the_targets_mistake(body):
    with pytest.raises(BadAnswer):
        expect.check_member(reply(200, body), "ok", True, C)


@pytest.mark.parametrize("answer", [refusal(401, "No."), reply(401, "<p>No.</p>", content_type="text/html")])
def test_a_refusal_in_any_form_is_one(answer):
    expect.check_refused(answer, 401, "No.", C)


@pytest.mark.parametrize("answer", [refusal(404, "No."), refusal(401, "Because."), reply(200, {})])
def test_a_refusal_for_another_reason_is_none(answer):
    with pytest.raises(AssertionError):
        expect.check_refused(answer, 401, "No.", C)


@pytest.mark.parametrize("body", [{"detail": "No."}, "No.", "<html><b> No. </b></html>", {"error": ["No."]}])
def test_a_text_is_found_in_any_form(body):
    expect.check_says(reply(400, body), 400, "No.", C)


@pytest.mark.parametrize("answer", [reply(400, {"detail": "No. Really."}), reply(404, "No."), reply(400)])
def test_a_text_that_is_not_there_is_missed(answer):
    with pytest.raises(AssertionError):
        expect.check_says(answer, 400, "No.", C)


def test_the_same_answer():
    expect.check_same_answer(reply(404), reply(404), C)

    with pytest.raises(AssertionError, match="returned 400, expected 404 as for the same text"):
        expect.check_same_answer(reply(400), reply(404), C)


def test_errors_of_the_right_form_pass():
    answers = [("a", refusal(404, "x")), ("b", reply(500, {"detail": "y"}, content_type="application/json; charset=x"))]

    expect.check_errors_are_json(answers, C, range(400, 600))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (reply(200, {"detail": "x"}), "a status among 400-599"),
        (reply(404, "404 Not Found", content_type="text/plain"), "content type application/json"),
        (reply(404, {"detail": "x"}, content_type="text/html"), "content type application/json"),
        (reply(404, {"error": "x"}), "a text under 'detail'"),
        (reply(404, {"detail": " "}), "a text under 'detail'"),
        (reply(404, {"detail": {"x": 1}}), "a text under 'detail'"),
        (reply(404, ["x"]), "a text under 'detail'"),
        (reply(404, "<html>", content_type="application/json"), "a text under 'detail'"),
    ],
)
def test_an_error_of_another_form_is_named(answer, problem):
    with pytest.raises(AssertionError, match="the bad one: ") as failure:
        expect.check_errors_are_json([("good", refusal(400, "x")), ("the bad one", answer)], C, range(400, 600))

    assert problem in str(failure.value)
    assert "good" not in str(failure.value)


@pytest.mark.parametrize("body", ["<![foo[bar]]>", "<" * 9000, "[" * 9000, "\x00", "&#x110000;<!DOCTYPE [<!"])
def test_sentences_are_looked_for_in_anything(body):
    assert "Hello" not in sentences(reply(200, body))


def test_sentences_are_those_of_a_reader():
    assert "Hello there" in sentences(reply(200, "<html><body><h1>Hello there</h1></body></html>"))
    assert sentences(reply(200, {"a": ["x", {"b": "y"}], "c": 1})) == ("x", "y")
