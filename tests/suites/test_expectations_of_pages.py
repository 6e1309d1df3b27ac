"""Expectations of the web application: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import pages as expectations
from rollout_gates.systems.tts.flows.matrix.pages import Counted, Fallback, Pages

C = "TTS-UI-02"
GOOD = Pages(
    cap=600,
    at=Counted(600, (600, 600), sendable=True),
    over=Counted(601, (601, 600), sendable=False),
    own_voice=(True, True),
    other_voice=(True, False),
    errors=(("Provider request timed out. Please try again.", True),),
    toggle=False,
    toggle_allowed=False,
    fallback=Fallback((("generate/stream", 503), ("generate", 200))),
)


def seen(**changes) -> Pages:
    return replace(GOOD, **changes)


def test_a_page_as_it_should_be_passes():
    expectations.check_counter(GOOD.at, 600, C)
    expectations.check_sendable(GOOD.at, C, expected=True)
    expectations.check_sendable(GOOD.over, C, expected=False)
    for check in (
        expectations.check_own_voice,
        expectations.check_other_voice,
        expectations.check_errors_shown,
        expectations.check_toggle,
        expectations.check_falls_back,
    ):
        check(GOOD, C)


@pytest.mark.parametrize("shown", [None, (600, 100), (599, 600)])
def test_another_counter_fails(shown):
    with pytest.raises(AssertionError, match="expected 600 of 600 as advertised"):
        expectations.check_counter(replace(GOOD.at, shown=shown), 600, C)


def test_a_text_that_can_wrongly_be_sent_or_not_fails():
    with pytest.raises(AssertionError, match="a text of 601 can be sent"):
        expectations.check_sendable(replace(GOOD.over, sendable=True), C, expected=False)
    with pytest.raises(AssertionError, match="a text of 600 cannot be sent"):
        expectations.check_sendable(replace(GOOD.at, sendable=False), C, expected=True)


@pytest.mark.parametrize("voice", [(False, False), (True, False)])
def test_an_own_voice_that_cannot_be_chosen_fails(voice):
    with pytest.raises(AssertionError, match="own voice"):
        expectations.check_own_voice(seen(own_voice=voice), C)


@pytest.mark.parametrize("voice", [(False, False), (True, True)])
def test_a_foreign_voice_that_is_hidden_or_can_be_chosen_fails(voice):
    with pytest.raises(AssertionError, match="voice of the other provider"):
        expectations.check_other_voice(seen(other_voice=voice), C)


def test_an_error_that_is_not_shown_fails():
    with pytest.raises(AssertionError, match="did not show 'No.'"):
        expectations.check_errors_shown(seen(errors=(("No.", False),)), C)


@pytest.mark.parametrize(("toggle", "allowed"), [(True, False), (False, True)])
def test_a_choice_of_delivery_other_than_advertised_fails(toggle, allowed):
    with pytest.raises(AssertionError, match="the choice of delivery"):
        expectations.check_toggle(seen(toggle=toggle, toggle_allowed=allowed), C)


def test_where_nothing_is_streamed_there_is_no_way_back_to_look_for():
    expectations.check_falls_back(seen(fallback=None), C)


@pytest.mark.parametrize("calls", [(), (("generate/stream", 503),), (("generate/stream", 503), ("generate", 409))])
def test_a_broken_stream_without_a_task_fails(calls):
    with pytest.raises(AssertionError, match="after a broken stream"):
        expectations.check_falls_back(seen(fallback=Fallback(calls)), C)
