"""Keys of providers, of the service and of payment stay on the server."""

import pytest

from fixtures.expectations.custody import check_clean


@pytest.mark.clause("TTS-SEC-KEY-01")
def test_the_web_bundle_holds_no_secret(bundle_searched):
    """Neither scripts nor source maps of the web application hold a secret (TTS-SEC-KEY-01)."""
    check_clean(bundle_searched, "TTS-SEC-KEY-01")


@pytest.mark.clause("TTS-SEC-KEY-01")
def test_no_answer_holds_a_secret(answers_searched):
    """No body, header or row that this run was answered holds a secret of the server (TTS-SEC-KEY-01)."""
    check_clean(answers_searched, "TTS-SEC-KEY-01")


@pytest.mark.clause("TTS-SEC-KEY-02")
def test_the_log_holds_no_secret(log_searched):
    """No line of the log holds a secret of the server (TTS-SEC-KEY-02)."""
    check_clean(log_searched, "TTS-SEC-KEY-02")


@pytest.mark.clause("TTS-SEC-KEY-02")
def test_the_evidence_holds_no_secret(evidence_searched):
    """Nothing that this run wrote holds a secret that it knows (TTS-SEC-KEY-02)."""
    check_clean(evidence_searched, "TTS-SEC-KEY-02")


@pytest.mark.clause("TTS-SEC-KEY-03")
def test_the_source_tree_holds_no_secret(source_searched):
    """No file of the code base holds a secret (TTS-SEC-KEY-03)."""
    check_clean(source_searched, "TTS-SEC-KEY-03")
