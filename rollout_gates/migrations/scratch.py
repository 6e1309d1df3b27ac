"""A Postgres of one's own for a rehearsal: the stand-in's embedded cluster, a process reached over a socket."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rollout_gates.sandbox_process import first_line, variables

_END_WITHIN_S = 20.0


class NoScratch(Exception):
    """No Postgres could be started; the message is one line and says why."""


@dataclass(frozen=True)
class Scratch:
    """A running cluster. *dsn* is its superuser's; *platform* is a database with the hosting platform's schemas."""

    dsn: str
    platform: str

    def copy(self, name: str, of: str) -> str:
        """Copy the database *of* to a new one and return its DSN."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            statement = sql.SQL("create database {} template {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(of)))
        return make_conninfo(self.dsn, dbname=name)


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Start a cluster for the block. Raises `NoScratch`."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.scratch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=variables(),
            start_new_session=True,
        )
        try:
            told = _told(first_line(process))
            if told is None:
                complaints.seek(0)
                lines = [line.strip() for line in complaints if line.strip()]
                raise NoScratch(lines[-1] if lines else "the embedded Postgres did not start")
            yield told
        finally:
            _end(process)


def _told(line: str | None) -> Scratch | None:
    try:
        found = json.loads(line or "")
    except ValueError:
        return None
    return Scratch(found["dsn"], found["platform"])


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
