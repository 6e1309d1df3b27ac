"""What rests on a playground is a check in the sandbox alone; a deployment is judged by the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITES = [f"suites/mode_matrix/test_{name}.py" for name in ("generate", "durability", "cancel_states")]
DEPLOYED = """\
kind = "staging"
[tts]
api_url = "https://project.example/functions/v1/api"
auth_url = "https://project.example/auth/v1"
data_url = "https://project.example/rest/v1"
storage_url = "https://project.example/storage/v1"
provider_mode = "qwen"
lane = "task"
text_cap = 100
vc_model = "vc"
vd_model = "vd"
"""


def collected(folder: Path, environment: str) -> str:
    path = folder / "here.toml"
    path.write_text(environment)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "mode-matrix", "--collect-only", "-q"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ROLLOUT_"))}
    done = subprocess.run(
        [*command, f"--env={path}", *SUITES], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_a_deployment_is_judged_without_playgrounds(tmp_path):
    output = collected(tmp_path, DEPLOYED)

    assert "test_audio_comes_from_own_storage" in output, output
    assert "test_one_of_parallel_generates_is_accepted" in output
    assert "test_audio_outlives_the_temporary_url" not in output
    assert "test_cancelled_task_survives_late_answers" not in output
    assert "test_delete_spares_the_copy_of_the_provider" not in output
    assert "test_cancel_of_a_failed_task_is_refused" in output
    assert "test_audio_and_refund_exclude_each_other_in_close_races" in output


def test_production_is_judged_without_planted_rows(tmp_path):
    output = collected(tmp_path, DEPLOYED.replace("staging", "prod"))

    assert "test_cancel_of_a_completed_task_is_refused" in output, output
    assert "test_cancel_of_a_failed_task_is_refused" not in output


def test_the_sandbox_is_judged_with_them(tmp_path):
    output = collected(tmp_path, 'kind = "local"\nsandbox = true\n[tts]\nprovider_mode = "qwen"\nlane = "task"\n')

    assert "test_audio_outlives_the_temporary_url" in output, output
    assert "test_cancelled_task_survives_late_answers" in output
    assert "test_delete_spares_the_copy_of_the_provider" in output
