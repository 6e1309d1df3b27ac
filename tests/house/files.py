"""The files that the house rules read: all of the repository's own, none of what tools leave behind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_HIDDEN_BUT_OURS = {".ci", ".github", ".gitignore"}
_LEFT_BEHIND = {"__pycache__", "build", "dist", "node_modules", "reports"}


def ours(*folders: str, suffix: str = "") -> list[tuple[str, str]]:
    """Return (path below the root, text) of each text file of ours, in *folders* or everywhere, sorted."""
    return sorted(_read(folders, suffix))


def _read(folders: Iterable[str], suffix: str) -> Iterator[tuple[str, str]]:
    for path in _walk(ROOT):
        name = path.relative_to(ROOT).as_posix()
        if not name.endswith(suffix) or (folders and not name.startswith(tuple(f"{folder}/" for folder in folders))):
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            yield name, data.decode("utf-8", errors="replace")


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if _is_ours(name) and not (Path(folder) / name / "pyvenv.cfg").exists()]
        yield from (Path(folder) / name for name in files if _is_ours(name))


def _is_ours(name: str) -> bool:
    if name.startswith("."):
        return name in _HIDDEN_BUT_OURS
    return name not in _LEFT_BEHIND and not name.endswith((".egg-info", ".pyc"))
