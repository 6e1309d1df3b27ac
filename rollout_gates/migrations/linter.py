"""What `squawk` says of locks and shape, as advice beside our own rules. Nothing is refused for it alone.

It knows no schema: it warns of each index and each check of a migration, those of an addition among them. What a lock
costs here is measured by the rehearsal.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rollout_gates.migrations.files import MigrationFile
from rollout_gates.migrations.model import Finding, Hazard, Weight

_PROGRAM = "squawk"
_WITHIN_S = 60
# Matters of taste, and types of tables that are new.
_TASTE = ("prefer-", "ban-char-field", "require-timeout-settings")


def advice(files: Iterable[MigrationFile]) -> tuple[Finding, ...]:
    """Return what the linter warns of in *files*; nothing where it is not installed or cannot read them."""
    program = _program()
    if program is None:
        return ()
    with tempfile.TemporaryDirectory() as folder:
        paths = {str(Path(folder, file.name)): file for file in files}
        for path, file in paths.items():
            Path(path).write_text(file.text, "utf-8")
        told = _run([program, "--reporter=Json", *paths])
    return tuple(_finding(row, paths) for row in told if row.get("file") in paths and _counts(row))


def _program() -> str | None:
    """Return the program, of this environment before any other."""
    beside = Path(sys.executable).with_name(_PROGRAM)
    return str(beside) if beside.is_file() else shutil.which(_PROGRAM)


def _run(command: list[str]) -> list[dict[str, Any]]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WITHIN_S, check=False)  # noqa: S603
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _counts(row: dict[str, Any]) -> bool:
    return not str(row.get("rule_name", "")).startswith(_TASTE)


def _finding(row: dict[str, Any], paths: dict[str, MigrationFile]) -> Finding:
    file = paths[row["file"]]
    line = int(row.get("line", 0)) + 1
    text = file.text.splitlines()[line - 1 : line] or [""]
    rule = f"{_PROGRAM}: {row.get('rule_name')}"
    return Finding(Hazard.BLOCKS, rule, file.name, line, text[0].strip(), str(row.get("message")), Weight.ADVICE)
