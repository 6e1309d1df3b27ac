"""Small golden folders and answers for the tests."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).resolve().parents[2] / "golden_payloads"
CASE: dict[str, Any] = {
    "$schema": "../../payload.schema.json",
    "title": "A short text is accepted",
    "made": "by hand for a test",
    "clauses": ["TTS-CON-04"],
    "archetype": "valid",
    "as": "user_a",
    "request": {"method": "POST", "path": "/speak", "json": {"text": "${text:short}", "limit": "${cap}"}},
    "expect": {"any": {"status": 200, "json": {"detail": "up to ${cap}"}}},
}
NAMES = frozenset({"cap", "text:*"})


@dataclass(frozen=True)
class Answer:
    """An answer as the wire client would hand it out."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    exchange_id: str = "42"
    fault: str | None = None


def answer(value: Any = None, *, status: int = 200, **more: Any) -> Answer:
    """An answer with *value* as its JSON body."""
    return Answer(status, json.dumps(value).encode(), **more)


def case_data(**changes: Any) -> dict[str, Any]:
    """A valid case; a change of `...` leaves the key out."""
    data = copy.deepcopy(CASE) | changes
    return {key: value for key, value in data.items() if value is not ...}


def folder(root: Path, files: dict[str, Any], *, folders: dict[str, Any] | None = None, system: str = "talk") -> Path:
    """A golden folder with one *system*; *files* are its files by name, values are written as JSON, text as it is."""
    root.mkdir(exist_ok=True)
    (root / "payload.schema.json").write_text((SHIPPED / "payload.schema.json").read_text())
    (root / system).mkdir(exist_ok=True)
    counted: dict[str, int] = {}
    for name, content in files.items():
        file = root / system / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        )
        if not name.startswith("schemas/"):
            where = file.parent.relative_to(root / system).as_posix()
            counted[where] = counted.get(where, 0) + 1
    counts = {system: {"modes": ["fast", "slow"], "folders": counted if folders is None else folders}}
    (root / "counts.json").write_text(json.dumps(counts))
    return root
