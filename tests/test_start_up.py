"""What every run pays for before its first check."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADS = """
import sys
import rollout_gates.session, rollout_gates.registry
for package in rollout_gates.registry.system_packages().values():
    pass
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that a run has loaded when it knows all of its systems."""
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", ["httpx", "jsonschema", "psycopg", "scipy"])
def test_what_few_runs_need_is_not_loaded_by_all(loaded, name):
    assert "rollout_gates.systems.tts.flows" in loaded
    assert name not in loaded
