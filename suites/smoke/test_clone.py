"""A clip becomes a voice."""

import pytest

from fixtures.expectations.making import check_voice_row
from fixtures.expectations.replies import check_gives, check_step

CLAUSE = "TTS-SMOKE-03"


@pytest.mark.clause("TTS-SMOKE-03")
def test_uploaded_clip_is_finalized_into_a_voice(clone):
    """A clip is uploaded to a signed URL and finalized into a voice (TTS-SMOKE-03)."""
    check_step(clone.upload_url, "the upload URL", CLAUSE)
    check_gives(clone.upload_url, "upload_url", CLAUSE)
    check_step(clone.upload, "the upload", CLAUSE, expected=(200, 201))
    check_step(clone.finalize, "the finalize", CLAUSE)


@pytest.mark.clause("TTS-SMOKE-03")
def test_cloned_voice_is_listed_under_the_active_provider(clone, deployment):
    """The cloned voice is listed under the active provider, ready to speak (TTS-SMOKE-03)."""
    check_step(clone.upload_url, "the upload URL", CLAUSE)
    check_step(clone.finalize, "the finalize", CLAUSE)
    check_voice_row(clone.row, clone.listing, deployment, CLAUSE)
