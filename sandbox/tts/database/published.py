"""The migrations as the team behind this deployment wrote them: with the faults that lie in the files themselves."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

from sandbox.tts.database.setup import BASE, HERE, NEWEST, migrations, read_sql, version

if TYPE_CHECKING:
    from sandbox.faults import Switches

_ADDED_TO_THE_NEWEST = ("F-66", "F-67", "F-68", "F-70")
_LEFT_OUT = "F-69"
FAULTS_OF_FILES = (*_ADDED_TO_THE_NEWEST, _LEFT_OUT)
_folders: dict[tuple[str, ...], Path] = {}


def folder(faults: Switches) -> Path:
    """Return a folder with the files; where they are as they should be, it is the one that the sandbox reads itself."""
    reference = faults.position == "reference"
    active = tuple(fault for fault in FAULTS_OF_FILES if faults.on(fault))
    if not active:
        return HERE / "migrations"
    key = (*active, faults.position)
    if key not in _folders:
        made = Path(tempfile.mkdtemp(prefix="sandbox-migrations-"))
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        for path in migrations():
            (made / path.name).write_text(written(path, active, reference=reference), "utf-8")
        _folders[key] = made
    return _folders[key]


def base_file() -> str:
    """Return the name of the last file that the build before the adapter knows."""
    return next(path.name for path in migrations() if version(path) == BASE)


def written(path: Path, active: tuple[str, ...], *, reference: bool = False) -> LiteralString:
    """Return the statements of a file with the faults *active* in it."""
    text = read_sql(path)
    is_newest = version(path) == NEWEST
    if _LEFT_OUT in active and not (reference and is_newest):
        text = _without_marked(text)
    if _LEFT_OUT in active and is_newest and not reference:
        text += read_sql(HERE / "faults" / f"{_LEFT_OUT}.migration.sql")
    for fault in _ADDED_TO_THE_NEWEST if is_newest else ():
        if fault in active:
            own = HERE / "faults" / f"{fault}.migration.sql"
            text += "\n" + read_sql(own if own.is_file() else HERE / "faults" / f"{fault}.on.sql")
    return text


def _without_marked(text: str) -> LiteralString:
    pattern = rf" *-- {_LEFT_OUT} begins\n.*?-- {_LEFT_OUT} ends\n"
    return re.sub(pattern, "", text, flags=re.DOTALL)
