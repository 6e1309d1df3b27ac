"""A full disk, a folder that goes away, a terminal that is no more: never GO, one line, no traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest

from tests.hostile import targets
from tests.hostile.gate import ROOT, clean_variables, environment_file, planted
from tests.proof.gate import WHOLE

NOT_FOUND = targets.answering(404, {"detail": "Not found"})


@pytest.fixture
def started(tmp_path):
    """Start the gate under a shell line; return the process."""
    with targets.serving(NOT_FOUND) as base:
        path = environment_file(tmp_path, base)

        def start(line):
            gate = (
                f"{sys.executable} -m pytest -p no:cacheprovider -m smoke --env={path} --evidence={tmp_path}/evidence"
            )
            return subprocess.Popen(
                ["bash", "-c", line.format(gate=gate)], cwd=ROOT, env={**clean_variables(), **planted()},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip

        yield start


def ended(process):
    output, _ = process.communicate(timeout=90)
    return process.returncode, output


@pytest.mark.parametrize("blocks", [60, 100, 400] if WHOLE else [100])
def test_a_disk_that_is_full_is_told_once_and_is_never_go(started, blocks):
    status, output = ended(started(f"ulimit -f {blocks}; {{gate}}"))

    assert status in (1, 6)
    assert "Traceback" not in output
    assert output.count("RUN           the evidence could not be written: ") == 1
    assert output.rstrip().splitlines()[-1].split()[0] in ("NO-GO", "INCONCLUSIVE")


def test_a_folder_that_goes_away_is_told(started, tmp_path):
    process = started("{gate}")
    deadline = time.monotonic() + 60
    while not (tmp_path / "evidence" / "transcripts").is_dir() and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(tmp_path / "evidence")

    status, output = ended(process)

    assert status in (1, 6)
    assert "Traceback" not in output
    assert "RUN           the evidence could not be written: " in output


def test_nobody_has_to_listen(started, tmp_path):
    process = started("{gate} | head -2")

    _, output = ended(process)

    assert len(output.splitlines()) < 10
    assert (tmp_path / "evidence" / "index.html").is_file()


def test_the_verdict_is_said_in_any_alphabet(started):
    process = started("LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii {gate} -k health")

    status, output = ended(process)

    assert status == 1
    assert output.rstrip().splitlines()[-1].startswith("NO-GO  smoke ? env hostile (staging) ? 25 clauses")
