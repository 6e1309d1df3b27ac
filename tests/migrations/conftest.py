"""One embedded Postgres a worker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from rollout_gates.migrations.files import MigrationFile, Migrations
from rollout_gates.migrations.plans import Manners
from rollout_gates.migrations.rehearsal import Rehearsal, rehearse
from rollout_gates.migrations.scratch import Scratch, scratch
from tests.migrations.corpus import deployed

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Numbered:
    """The same cluster for many rehearsals, each on a database of another name."""

    scratch: Scratch
    platform: str

    def copy(self, name: str, of: str) -> str:
        return self.scratch.copy(f"{name}_{next(_NUMBERS)}", of)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Numbered]:
    with scratch() as started:
        yield Numbered(started, started.platform)


@pytest.fixture
def database(cluster: Numbered) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster.copy("empty", cluster.platform), autocommit=True) as connection:
        yield connection


@pytest.fixture
def rehearsed(cluster: Numbered) -> Callable[..., Rehearsal]:
    """Rehearse *texts*, each a file, on top of a project."""

    def act(*texts: str, base: bool = True, manners: Manners | None = None) -> Rehearsal:
        pending = tuple(MigrationFile(f"2027010{number}000000_next.sql", text) for number, text in enumerate(texts))
        return rehearse(cluster, Migrations(deployed() if base else (), pending), manners or Manners())

    return act
