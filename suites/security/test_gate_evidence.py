"""The evidence of the gate holds what its reviewer needs."""

import pytest

from fixtures.expectations.attaching import check_excerpt, check_owned, check_probes_on_record, check_records
from fixtures.expectations.custody import check_scans_on_record
from rollout_gates.systems.tts.artefacts import ELSEWHERE


@pytest.mark.clause("TTS-EVID-01")
def test_probes_are_on_record(probes_on_record):
    """Each probe of authentication and of the burst stands in the evidence, as sent and answered (TTS-EVID-01)."""
    check_probes_on_record(probes_on_record, "TTS-EVID-01")


@pytest.mark.clause("TTS-EVID-02")
def test_the_log_excerpt_shows_a_refusal_and_a_provider_failure(refusing_logs, logged_failures):
    """The log that is excerpted shows a 429 and a provider failure (TTS-EVID-02)."""
    check_excerpt(refusing_logs, logged_failures, "TTS-EVID-02")


@pytest.mark.clause("TTS-EVID-03")
def test_the_searches_for_secrets_are_on_record(scans_on_record):
    """What the searches of source tree and web bundle put out stands in the evidence (TTS-EVID-03)."""
    check_scans_on_record(scans_on_record, "TTS-EVID-03")


@pytest.mark.clause("TTS-EVID-04")
def test_every_clause_has_an_owner(judged_clauses, owners):
    """Each clause that may fail has somebody who answers for it (TTS-EVID-04)."""
    check_owned(judged_clauses, owners, "TTS-EVID-04")


@pytest.mark.clause("TTS-EVID-05")
def test_files_of_other_tools_are_given(records):
    """The files that other tools make for the gate are there, hold something, and are recent (TTS-EVID-05)."""
    check_records(records, ELSEWHERE, "TTS-EVID-05")
