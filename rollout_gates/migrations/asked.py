"""What a run was told of migrations: on its command line, or by the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rollout_gates.errors import UsageProblem
from rollout_gates.migrations.files import Migrations, read_migrations


@dataclass(frozen=True)
class Asked:
    """The *phase*, the *folder* of files and the last one that is deployed, and where the state before is kept."""

    phase: str | None = None
    folder: Path | None = None
    base: str | None = None
    snapshot: Path = Path("migration-before.json")

    def validate(self) -> None:
        """Refuse what cannot be used, before anything is sent. Raises `UsageProblem`."""
        if self.folder is not None:
            read_migrations(self.folder, self.base)
        elif self.base is not None:
            raise UsageProblem("--migration-base: names a file of --migrations, which is not given")
        if self.phase == "after" and not self.snapshot.is_file():
            raise UsageProblem(
                f"--phase=after: there is no {self.snapshot}; run --phase=before first, or name its file with --before"
            )

    def files(self, folder: Path | None = None, base: str | None = None) -> Migrations | None:
        """Return the files that the command line names, else those of *folder*. Raises `UsageProblem`."""
        if self.folder is not None:
            return read_migrations(self.folder, self.base)
        return read_migrations(folder, base) if folder is not None else None
