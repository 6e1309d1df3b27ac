"""The longest text: where the boundary is, how it is counted, and that a refusal leaves nothing behind.

Texts within the cap get as far as looking for the voice, which does not exist: 404, and nobody pays.
"""

import pytest

from fixtures.expectations.capabilities import check_advertised_cap
from fixtures.expectations.replies import check_refused, check_same_answer, check_says, check_status

NO_VOICE = "Voice not found"


def too_long(cap):
    """Return the words of a refusal."""
    return f"Text cannot exceed {cap.cap} characters"


def check_boundary(short, beyond, clause):
    """A short text passes the length check and a long one does not: otherwise equal answers would prove nothing."""
    __tracebackhide__ = True
    check_refused(short, 404, NO_VOICE, clause)
    check_status(beyond, 400, clause)


@pytest.mark.clause("TTS-SMOKE-07")
def test_text_over_the_cap_is_refused(cap):
    """A text of cap + 1 characters is refused with 400, one of the cap is not (TTS-SMOKE-07)."""
    check_status(cap.at, 404, "TTS-SMOKE-07")
    check_status(cap.over, 400, "TTS-SMOKE-07")


@pytest.mark.clause("TTS-CAP-01")
def test_text_of_exactly_the_cap_is_accepted(cap):
    """A text of exactly the cap passes the length check, which is there (TTS-CAP-01)."""
    check_status(cap.beyond, 400, "TTS-CAP-01")
    check_refused(cap.at, 404, NO_VOICE, "TTS-CAP-01")


@pytest.mark.clause("TTS-CAP-01")
def test_refusal_of_a_long_text_names_the_cap(cap):
    """A text of cap + 1 characters is refused in the exact words (TTS-CAP-01)."""
    check_says(cap.over, 400, too_long(cap), "TTS-CAP-01")


@pytest.mark.clause("TTS-CAP-02")
def test_text_is_counted_after_trimming(cap):
    """White space around a text makes no difference, on either side of the boundary (TTS-CAP-02)."""
    check_boundary(cap.short, cap.beyond, "TTS-CAP-02")
    check_same_answer(cap.padded_at, cap.at, "TTS-CAP-02")
    check_same_answer(cap.padded_over, cap.over, "TTS-CAP-02")


@pytest.mark.clause("TTS-CAP-02")
def test_text_is_counted_in_utf16_units(cap):
    """An emoji counts as two letters do, on either side of the boundary (TTS-CAP-02)."""
    check_boundary(cap.short, cap.beyond, "TTS-CAP-02")
    check_same_answer(cap.wide_at, cap.at, "TTS-CAP-02")
    check_same_answer(cap.wide_over, cap.over, "TTS-CAP-02")


@pytest.mark.clause("TTS-CAP-03")
def test_refused_text_leaves_no_row_and_no_charge(cap_leftovers):
    """A text refused for its length, in a voice that exists, changes nothing that its user can see (TTS-CAP-03)."""
    check_status(cap_leftovers.refused, 400, "TTS-CAP-03")
    assert cap_leftovers.after == cap_leftovers.before, "the refused text left something behind [TTS-CAP-03]"


@pytest.mark.clause("TTS-CAP-04")
def test_advertised_cap_is_the_one_that_is_enforced(cap, languages):
    """The advertised cap is the configured one, a text of that length passes, and a refusal names it (TTS-CAP-04)."""
    check_advertised_cap(languages.answer, cap.cap, "TTS-CAP-04")
    check_status(cap.at, 404, "TTS-CAP-04")
    check_refused(cap.beyond, 400, too_long(cap), "TTS-CAP-04")
