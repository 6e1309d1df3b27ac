"""The files of a migrations folder, in the order in which they run, and which of them are still to come."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rollout_gates.errors import UsageProblem, did_you_mean

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class MigrationFile:
    """One file of statements. Its *name* alone stands in messages, never where it lies."""

    name: str
    text: str

    @property
    def version(self) -> str:
        """Return what comes before the first underscore: ``20260226153000`` of ``20260226153000_add_kind.sql``."""
        return self.name.removesuffix(".sql").partition("_")[0]


@dataclass(frozen=True)
class Migrations:
    """The files that are *deployed* already and those *pending*; *split* tells whether anybody said which is which."""

    deployed: tuple[MigrationFile, ...]
    pending: tuple[MigrationFile, ...]
    split: bool = True

    def after(self, project: Migrations) -> Migrations:
        """Return the same files as what comes after all that *project* has."""
        return Migrations((*project.deployed, *project.pending), self.pending)


def read_migrations(folder: Path, base: str | None = None) -> Migrations:
    """Read the ``*.sql`` files of *folder*; those up to and with *base* are deployed. Raises `UsageProblem`.

    *base* is a file's name or path, or its version. Without it everything is pending. A way back (``*.down.sql``) is
    no step forward and is left out.
    """
    try:
        paths = sorted((path for path in folder.iterdir() if _is_step(path)), key=lambda path: _order(path.name))
        files = tuple(MigrationFile(path.name, path.read_text("utf-8")) for path in paths)
    except OSError as problem:
        raise UsageProblem(f"--migrations: {folder} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise UsageProblem(f"--migrations: {folder} holds a file that is no UTF-8 text") from None
    if not files:
        raise UsageProblem(f"--migrations: there are no *.sql files in {folder}")
    if base is None:
        return Migrations((), files, split=False)
    cut = _place(base, files)
    if cut == len(files):
        raise UsageProblem(f"--migration-base: {base} is the last file of {folder}, so nothing is pending")
    return Migrations(files[:cut], files[cut:])


def _is_step(path: Path) -> bool:
    return path.suffix == ".sql" and not path.name.endswith(".down.sql") and path.is_file()


def _order(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that puts ``2_b`` before ``10_a``; versions of equal length keep the order of their letters."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in _DIGITS.split(name) if part]


def _place(base: str, files: tuple[MigrationFile, ...]) -> int:
    """Return how many files there are up to and with *base*."""
    wanted = Path(base).name
    for count, file in enumerate(files, start=1):
        if wanted in {file.name, file.name.removesuffix(".sql"), file.version}:
            return count
    raise UsageProblem(
        f"--migration-base: {wanted} is no file of the folder{did_you_mean(wanted, [file.name for file in files])}"
    )
