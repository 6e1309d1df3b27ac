"""What the provider's realtime sessions must refuse."""

import pytest

from fixtures.expectations.provider_realtime import check_keeps, check_let_nobody_in
from rollout_gates.systems.tts.provider.conformance.refusal_rules import (
    cleared,
    late_update,
    pair_refused,
    unknown_model_ends,
)


@pytest.mark.clause("DS-RT-24")
def test_voice_of_another_model_is_refused(refused_pair):
    """A voice that is not paired with the model is refused, and nothing is spoken (DS-RT-24)."""
    check_keeps(pair_refused, refused_pair, "DS-RT-24")


@pytest.mark.clause("DS-RT-25")
def test_unknown_model_is_not_left_in_silence(unknown_model):
    """A model that does not exist is refused, or its connection closed (DS-RT-25)."""
    check_keeps(unknown_model_ends, unknown_model, "DS-RT-25")


@pytest.mark.clause("DS-RT-26")
def test_cleared_text_is_not_spoken(cleared_text):
    """A clear is confirmed, and what was cleared is not spoken (DS-RT-26)."""
    check_keeps(cleared, cleared_text, "DS-RT-26")


@pytest.mark.clause("DS-RT-27")
def test_late_update_is_refused(provider_dialogues):
    """An update of the session after synthesis has begun is refused (DS-RT-27)."""
    check_keeps(late_update, provider_dialogues.of("commit-wav"), "DS-RT-27")


@pytest.mark.clause("DS-RT-28")
def test_handshake_without_a_key_is_refused(strangers):
    """A handshake without a key is refused with 401 or 403 (DS-RT-28)."""
    check_let_nobody_in(strangers.keyless, "DS-RT-28")


@pytest.mark.clause("DS-RT-28")
def test_handshake_with_a_made_up_key_is_refused(strangers):
    """A handshake with a made-up key is refused with 401 or 403 (DS-RT-28)."""
    check_let_nobody_in(strangers.wrong_key, "DS-RT-28")
