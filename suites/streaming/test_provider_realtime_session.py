"""The provider's realtime sessions as a whole: greeting, settings, commits, frames, ids, end."""

import pytest

from fixtures.expectations.provider_realtime import check_keeps
from rollout_gates.systems.tts.flows.provider.dialogues import TO_THE_END, VARIANTS
from rollout_gates.systems.tts.provider.conformance.session_rules import (
    commits,
    ending,
    errors,
    finish,
    frames,
    greeting,
    hanging_up,
    identity,
    ids,
    nothing_unasked,
    settings,
)

each_variant = pytest.mark.parametrize("variant", VARIANTS)
each_undisturbed = pytest.mark.parametrize("variant", TO_THE_END)


@each_variant
@pytest.mark.clause("DS-RT-01")
def test_session_is_greeted_first_and_once(provider_dialogues, variant):
    """The first message is session.created, and there is no second one (DS-RT-01)."""
    check_keeps(greeting, provider_dialogues.of(variant), "DS-RT-01")


@each_variant
@pytest.mark.clause("DS-RT-02")
def test_session_keeps_its_id_and_model(provider_dialogues, variant):
    """A session keeps its id, and is of the model that was asked for (DS-RT-02)."""
    check_keeps(identity, provider_dialogues.of(variant), "DS-RT-02")


@each_variant
@pytest.mark.clause("DS-RT-03")
def test_update_is_answered_with_what_was_asked(provider_dialogues, variant):
    """An update is answered with the settings that were asked for (DS-RT-03)."""
    check_keeps(settings, provider_dialogues.of(variant), "DS-RT-03")


@each_variant
@pytest.mark.clause("DS-RT-04")
def test_nothing_is_spoken_unasked(provider_dialogues, variant):
    """No response begins before there is something to speak (DS-RT-04)."""
    check_keeps(nothing_unasked, provider_dialogues.of(variant), "DS-RT-04")


@each_variant
@pytest.mark.clause("DS-RT-05")
def test_each_commit_is_confirmed_once(provider_dialogues, variant):
    """Each commit is confirmed once, and nothing else is (DS-RT-05)."""
    check_keeps(commits, provider_dialogues.of(variant), "DS-RT-05")


@each_variant
@pytest.mark.clause("DS-RT-12")
def test_no_id_is_used_twice(provider_dialogues, variant):
    """Every event has an id, and no id is used twice (DS-RT-12)."""
    check_keeps(ids, provider_dialogues.of(variant), "DS-RT-12")


@each_undisturbed
@pytest.mark.clause("DS-RT-18")
def test_session_is_finished_once_and_last(provider_dialogues, variant):
    """A session is finished once, after session.finish, and nothing follows (DS-RT-18)."""
    check_keeps(finish, provider_dialogues.of(variant), "DS-RT-18")


@each_undisturbed
@pytest.mark.clause("DS-RT-19")
def test_session_ends_with_a_normal_close(provider_dialogues, variant):
    """A session does not end before it is finished, and its close is a normal one (DS-RT-19)."""
    check_keeps(ending, provider_dialogues.of(variant), "DS-RT-19")


@each_undisturbed
@pytest.mark.clause("DS-RT-20")
def test_connection_is_closed_soon_after_the_end(provider_dialogues, variant):
    """The connection is closed soon after session.finished (DS-RT-20)."""
    check_keeps(hanging_up, provider_dialogues.of(variant), "DS-RT-20")


@each_variant
@pytest.mark.clause("DS-RT-21")
def test_every_frame_is_an_event(provider_dialogues, variant):
    """Every frame is a JSON object with a type, as text (DS-RT-21)."""
    check_keeps(frames, provider_dialogues.of(variant), "DS-RT-21")


@each_variant
@pytest.mark.clause("DS-RT-23")
def test_errors_say_code_and_message_and_end_their_response(provider_dialogues, variant):
    """An error has code and message, and no audio of its response follows (DS-RT-23)."""
    check_keeps(errors, provider_dialogues.of(variant), "DS-RT-23")
