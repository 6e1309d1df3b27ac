"""Makes databases: a template with the whole schema once a cluster, then a cheap copy for every instance."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sandbox.tts.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.postgres import Cluster

HERE = Path(__file__).parent
LOGIN = "authenticator"
NEWEST = "20260226153000"  # adds the qwen provider
BASE = "20260201000300"  # the schema before it


def migrations(until: str = NEWEST) -> list[Path]:
    """Migration files in the order in which they run, up to and with version *until*."""
    files = sorted((HERE / "migrations").glob("*.sql"))
    return [path for path in files if version(path) <= until]


def version(path: Path) -> str:
    """`20260226153000` of `20260226153000_qwen_provider_additive_schema.sql`."""
    return path.name.partition("_")[0]


def read_sql(path: Path) -> LiteralString:
    """The statements of a file of ours."""
    return path.read_text("utf-8")


def prepare_template(cluster: Cluster, until: str = NEWEST) -> str:
    """Make a template database with the schema up to *until* and return its name. Blocking; some 60 ms."""
    name = template_name(until)
    dsn = cluster.create_database(name)
    with psycopg.connect(dsn) as connection:
        _install_platform(connection, cluster)
        for path in migrations(until):
            migrate(connection, path)
    return name


def prepare_platform(cluster: Cluster) -> str:
    """Make a database with what the hosting platform brings along, and nothing else; return its name. Blocking."""
    name = "platform"
    with psycopg.connect(cluster.create_database(name)) as connection:
        _install_platform(connection, cluster)
    return name


def _install_platform(connection: psycopg.Connection, cluster: Cluster) -> None:
    connection.execute(read_sql(HERE / "platform.sql"))
    connection.execute(read_sql(HERE / "storage.sql"))
    connection.execute(
        sql.SQL("alter role {} password {}").format(sql.Identifier(LOGIN), sql.Literal(cluster.password))
    )


def template_name(until: str = NEWEST) -> str:
    """What the template database with the schema up to *until* is called."""
    return f"tts_template_{until}"


def migrate(connection: psycopg.Connection, path: Path, text: LiteralString | None = None) -> None:
    """Run one migration file, or *text* in its place, and note it in the history. The caller commits."""
    connection.execute(text if text is not None else read_sql(path))
    connection.execute(
        "insert into supabase_migrations.schema_migrations (version, name) values (%s, %s) on conflict do nothing",
        (version(path), path.stem.partition("_")[2]),
    )


def install_old_build(dsn: str, *, hides_deleted: bool = True) -> None:
    """Give the old build its view of the tables. Blocking, some 20 ms; a second time changes nothing.

    On tables that it cannot read it gets none, and finds that out when it is called.
    """
    text = read_sql(HERE / "old_build.sql")
    with contextlib.suppress(psycopg.errors.UndefinedColumn), psycopg.connect(dsn) as connection:
        connection.execute(text if hides_deleted else without_marked(text, "F-89"))


def without_marked(text: str, fault: str) -> LiteralString:
    """*text* without the part that the fault lacks. Raises ValueError when no part is marked."""
    cut, count = re.subn(rf" *-- {fault} begins\n.*?-- {fault} ends\n", "", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{fault} is marked {count} times")
    return cut


def migrate_database(dsn: str, written: Callable[[Path], LiteralString] = read_sql) -> None:
    """Bring a database to the newest schema, by files as they are *written*. Blocking; twice is as good as once."""
    with psycopg.connect(dsn) as connection:
        for path in migrations():
            if version(path) > BASE:
                migrate(connection, path, written(path))


def create_database(cluster: Cluster, name: str, template: str) -> Database:
    """Copy *template* to a database *name*. Blocking, some 30 ms. The caller opens it, and drops it in the end."""
    dsn = cluster.create_database(name, template)
    login = make_conninfo(dsn, user=LOGIN)
    return Database(dsn, login)
