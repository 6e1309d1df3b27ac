"""A cluster of its own a worker, and a database for each schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from sandbox.postgres import Cluster
from tests.row_policy.scenes import SCENES, SCHEMAS


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster.start() as started:
        with psycopg.connect(started.dsn()) as connection:
            connection.execute((SCHEMAS / "roles.sql").read_text())
        yield started


@pytest.fixture(scope="session")
def templates(cluster: Cluster) -> Callable[[str], str]:
    """Return the name of a database with a schema in it, made once."""
    made: dict[str, str] = {}

    def template(schema: str) -> str:
        if schema not in made:
            made[schema] = f"template_{schema}"
            with psycopg.connect(cluster.create_database(made[schema])) as connection:
                for name in SCENES[schema].files:
                    connection.execute((SCHEMAS / f"{name}.sql").read_text())
        return made[schema]

    return template


@pytest.fixture
def database(cluster: Cluster, templates: Callable[[str], str]) -> Iterator[Callable[[str, str], str]]:
    """Make a database with a schema and one change to it, and return its DSN."""
    names: list[str] = []

    def make(schema: str, change: str = "") -> str:
        names.append(f"{schema}_{len(names)}_changed")
        dsn = cluster.create_database(names[-1], templates(schema))
        if change:
            with psycopg.connect(dsn) as connection:
                connection.execute(change)
        return dsn

    yield make
    for name in names:
        cluster.drop_database(name)
