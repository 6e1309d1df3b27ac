"""The responses of the provider's realtime sessions: order, ids, audio, cost."""

import pytest

from fixtures.expectations.provider_realtime import check_keeps
from rollout_gates.systems.tts.flows.provider.dialogues import VARIANTS
from rollout_gates.systems.tts.provider.conformance.audio_rules import (
    audio_format,
    base64_deltas,
    billing,
    spoken_as_asked,
)
from rollout_gates.systems.tts.provider.conformance.response_rules import (
    audio_in_place,
    audio_in_time,
    completion,
    correlation,
    one_at_a_time,
    order,
    places,
)

each_variant = pytest.mark.parametrize("variant", VARIANTS)


@each_variant
@pytest.mark.clause("DS-RT-06")
def test_audio_comes_inside_its_announced_part(provider_dialogues, variant):
    """Audio comes only inside a response whose part was announced (DS-RT-06)."""
    check_keeps(audio_in_place, provider_dialogues.of(variant), "DS-RT-06")


@each_variant
@pytest.mark.clause("DS-RT-07")
def test_no_audio_comes_after_its_end(provider_dialogues, variant):
    """No audio comes after its end was told (DS-RT-07)."""
    check_keeps(audio_in_time, provider_dialogues.of(variant), "DS-RT-07")


@each_variant
@pytest.mark.clause("DS-RT-08")
def test_every_delta_is_base64(provider_dialogues, variant):
    """Every delta is standard Base64, padded and not empty (DS-RT-08)."""
    check_keeps(base64_deltas, provider_dialogues.of(variant), "DS-RT-08")


@each_variant
@pytest.mark.clause("DS-RT-09")
def test_audio_is_of_the_format_asked_for(provider_dialogues, variant):
    """The audio is of the format and rate that were asked for (DS-RT-09)."""
    check_keeps(audio_format, provider_dialogues.of(variant), "DS-RT-09")


@each_variant
@pytest.mark.clause("DS-RT-10")
def test_text_is_spoken_at_a_fitting_length(provider_dialogues, variant):
    """What was asked for is spoken, at a length that fits the text (DS-RT-10)."""
    check_keeps(spoken_as_asked, provider_dialogues.of(variant), "DS-RT-10")


@each_variant
@pytest.mark.clause("DS-RT-11")
def test_events_carry_the_ids_of_their_response(provider_dialogues, variant):
    """Every event of a response carries its ids (DS-RT-11)."""
    check_keeps(correlation, provider_dialogues.of(variant), "DS-RT-11")


@each_variant
@pytest.mark.clause("DS-RT-13")
def test_steps_of_a_response_come_in_order(provider_dialogues, variant):
    """The steps of a response are all there, and in order (DS-RT-13)."""
    check_keeps(order, provider_dialogues.of(variant), "DS-RT-13")


@each_variant
@pytest.mark.clause("DS-RT-14")
def test_responses_never_interleave(provider_dialogues, variant):
    """Responses come one after the other (DS-RT-14)."""
    check_keeps(one_at_a_time, provider_dialogues.of(variant), "DS-RT-14")


@each_variant
@pytest.mark.clause("DS-RT-15")
def test_indexes_are_zero(provider_dialogues, variant):
    """Output index and content index are 0 (DS-RT-15)."""
    check_keeps(places, provider_dialogues.of(variant), "DS-RT-15")


@each_variant
@pytest.mark.clause("DS-RT-16")
def test_every_response_is_told_to_be_done(provider_dialogues, variant):
    """Every response ends with response.done and its item (DS-RT-16)."""
    check_keeps(completion, provider_dialogues.of(variant), "DS-RT-16")


@each_variant
@pytest.mark.clause("DS-RT-17")
def test_characters_are_billed_by_the_rule(provider_dialogues, variant):
    """The characters that are billed follow the counting rule (DS-RT-17)."""
    check_keeps(billing, provider_dialogues.of(variant), "DS-RT-17")
