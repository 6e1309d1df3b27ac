from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollout_gates.evidence.render import render
from tests.evidence import story


@pytest.fixture
def evidence(tmp_path: Path) -> Callable[[str], Path]:
    """Make the evidence of one of the stories and return its directory."""

    def make(name: str) -> Path:
        directory: Path = getattr(story, name)(tmp_path / name)
        render(directory)
        return directory

    return make


@pytest.fixture
def document(evidence: Callable[[str], Path]) -> Callable[[str], dict[str, Any]]:
    """Return the evidence.json of one of the stories."""

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((evidence(name) / "evidence.json").read_text())
        return found

    return read
