"""``s8/``: made of the document alone, safe to open, and reproducible."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from rollout_gates.evidence.artefacts import artefacts as rendered
from rollout_gates.evidence.files import EvidenceNotWritten
from rollout_gates.systems.tts import artefacts as package
from rollout_gates.systems.tts.artefacts import artefacts


def clause(name: str, outcome: str, severity: str = "high", **changes) -> dict:
    plain = {
        "id": name, "system": "tts", "gate": "security", "gates": ["security"], "title": "What | must hold",
        "severity": severity, "outcome": outcome, "reason": None, "message": "", "checks": ["a::b"], "waiver": None,
        "waiver_state": None, "references": ["API2:2023", "v5.0.0-2.4.1"],
    }  # fmt: skip
    return plain | changes


def document(*clauses: dict, **changes) -> dict:
    run = {
        "id": "20260314T092653Z-c0ffee", "started": "2026-03-14T09:26:53Z", "finished": "2026-03-14T09:30:00Z",
        "env": "staging", "kind": "staging", "profile": "strict", "revision": "abc", "systems": ["tts"],
        "facts": {"tts": {"mode": "qwen", "lane": "task"}}, "owners": {"TTS-SEC-": "team-safe"}, "due_days": {},
    }  # fmt: skip
    plain = {
        "run": run, "verdict": "NO-GO", "gates": [{"marker": "security", "verdict": "NO-GO"}], "clauses": list(clauses),
        "checks": [], "files": {}, "bursts": [], "log_excerpts": [], "secret_scans": [], "records": [], "standards": [],
    }  # fmt: skip
    return plain | changes


GREEN, RED = clause("TTS-SEC-AUTH-01", "green"), clause("TTS-SEC-ABUSE-01", "red", "critical", message="=HYPERLINK(1)")


def test_no_artefacts_without_the_gate():
    assert artefacts(document(gates=[{"marker": "smoke", "verdict": "GO"}]), Path()) == {}


def test_the_files_that_the_gate_hands_over(tmp_path):
    assert sorted(artefacts(document(GREEN), tmp_path)) == [
        "s8/curl-probes.txt", "s8/log-excerpt.txt", "s8/matrix.csv", "s8/qwen-gate.md", "s8/secret-scan.txt",
        "s8/security-ci-summary.md",
    ]  # fmt: skip


def test_the_matrix_names_owner_date_and_standards(tmp_path):
    rows = list(csv.DictReader(io.StringIO(artefacts(document(GREEN, RED), tmp_path)["s8/matrix.csv"])))

    assert [(row["clause"], row["owner"], row["due"]) for row in rows] == [
        ("TTS-SEC-AUTH-01", "", ""),
        ("TTS-SEC-ABUSE-01", "team-safe", "2026-03-15"),
    ]
    assert rows[1]["OWASP and ASVS"] == "API2:2023 v5.0.0-2.4.1"
    assert rows[1]["message"] == "'=HYPERLINK(1)"


def test_the_report_is_dated_and_can_be_signed(tmp_path):
    report = artefacts(document(GREEN, RED), tmp_path)["s8/qwen-gate.md"]

    assert "Date: 2026-03-14" in report
    assert "| TTS-SEC-ABUSE-01 | critical | red | team-safe | 2026-03-15 | What \\| must hold |" in report
    assert "not passed while 1 critical or high" in report
    assert "| supa-sniffer.txt | not made by this run, and not given |" in report
    assert "Signature: ___" in report


def test_a_report_without_failures_says_so(tmp_path):
    report = artefacts(document(GREEN), tmp_path)["s8/qwen-gate.md"]

    assert "Nothing: every clause that applies is green." in report
    assert "not passed while" not in report


def test_what_was_given_stands_with_its_digest(tmp_path):
    record = {"system": "tts", "name": "supa-sniffer.txt", "sha256": "5" * 64, "size_bytes": 9}
    report = artefacts(document(GREEN, records=[record]), tmp_path)["s8/qwen-gate.md"]

    assert f"| supa-sniffer.txt | given by path; SHA-256 {'5' * 64} |" in report


def test_probes_stand_as_commands(tmp_path):
    name = "transcripts/tts.burst_tier_2.jsonl"
    (tmp_path / "transcripts").mkdir()
    row = {"id": "main-1", "t": "2026", "actor": "burst", "status": 429, "curl": "curl $TOKEN", "response_body": "{}"}
    (tmp_path / name).write_text("".join(f"{json.dumps(row)}\n" for _ in range(90)) + "cut")
    probes = artefacts(document(GREEN, files={name: {}}), tmp_path)["s8/curl-probes.txt"]

    assert f"# {name}: 90 exchanges, 40 shown" in probes
    assert probes.count("curl $TOKEN") == 40
    assert "< 429 (2026, as burst, id main-1)" in probes


def test_no_probe_is_said(tmp_path):
    assert "No probe was sent" in artefacts(document(GREEN), tmp_path)["s8/curl-probes.txt"]


def test_log_and_scan_are_shown_or_said_to_be_absent(tmp_path):
    given = [{"system": "tts", "title": "A call", "detail": ['{"status_code": 429}']}]
    full = artefacts(document(GREEN, log_excerpts=given, secret_scans=given), tmp_path)
    empty = artefacts(document(GREEN), tmp_path)

    assert '{"status_code": 429}' in full["s8/log-excerpt.txt"]
    assert "# A call" in full["s8/secret-scan.txt"]
    assert "No log was read" in empty["s8/log-excerpt.txt"]
    assert "No search for secrets" in empty["s8/secret-scan.txt"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../s8/x", "index.html"])
def test_an_artefact_stays_in_a_folder_of_the_evidence(tmp_path, monkeypatch, name):
    monkeypatch.setattr("rollout_gates.systems.tts.artefacts", lambda _document, _directory: {name: "x"})

    with pytest.raises(EvidenceNotWritten, match="does not lie in a folder"):
        list(rendered(document(GREEN), tmp_path))


def test_the_package_offers_them(tmp_path):
    assert [path.parent for path, _ in rendered(document(GREEN), tmp_path)] == [tmp_path / "s8"] * 6
    assert package is artefacts
