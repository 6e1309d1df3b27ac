"""Migrations of every style: forty that no rollout may run, and twenty that any may."""

from pathlib import Path

from rollout_gates.migrations.files import MigrationFile, read_migrations

HERE = Path(__file__).parent
BASE = Path(__file__).parents[2] / "sandbox" / "tts" / "database" / "migrations"
FAULTY = sorted((HERE / "faulty").glob("*.sql"))
SAFE = sorted((HERE / "safe").glob("*.sql"))


def deployed() -> tuple[MigrationFile, ...]:
    """The files of a project that the corpus may follow."""
    return read_migrations(BASE).pending


def expected(path: Path) -> str:
    """The hazard that a faulty file names in its first line."""
    return path.read_text().splitlines()[0].removeprefix("-- expect: ")
