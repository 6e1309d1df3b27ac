"""Acts as an identity inside of savepoints, so that no attempt is seen by the next one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from rollout_gates.row_policy.model import Connection, Identity, Options

Values = Mapping[str, Any] | Sequence[Any]
DENIED = "42501"
_UNIQUE, _FOREIGN_KEY, _EXCLUSION = "23505", "23503", "23P01"


class OutOfTime(Exception):
    """The time for acting is used up."""


@dataclass(frozen=True)
class Outcome:
    """What a statement did: *rows* that it returned, how many it *touched*, or the *error* that stopped it.

    *state* is the SQLSTATE, *on* the relation that a broken constraint belongs to.
    """

    rows: tuple[tuple[Any, ...], ...] = ()
    touched: int = 0
    state: str | None = None
    error: str = ""
    on: str | None = None
    constraint: str | None = None
    datatype: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the statement went through."""
        return self.state is None

    @property
    def refused(self) -> bool:
        """Whether a grant or a row policy refused it."""
        return self.state == DENIED

    @property
    def stopped_by_uniqueness(self) -> bool:
        """Whether only a unique key stopped a row: row policies are asked before it."""
        return self.state in {_UNIQUE, _EXCLUSION}

    @property
    def stopped_by_reference(self) -> bool:
        """Whether a foreign key stopped it, which is asked when the row has been changed already."""
        return self.state == _FOREIGN_KEY

    @property
    def told(self) -> str:
        """Return why it was stopped, without any value of a row."""
        if self.state is None:
            return "it went through"
        if self.refused:
            return (
                f"42501: {self.error.splitlines()[0][:120]}"
                if "policy" in self.error or "denied" in self.error
                else DENIED
            )
        return f"SQLSTATE {self.state}" + (f" on {self.constraint}" if self.constraint else "")


class Actor:
    """One connection in one transaction. The role that opened it prepares and measures; identities act."""

    def __init__(self, connection: Connection, options: Options, *, superuser: bool) -> None:
        self.connection = connection
        self._superuser = superuser
        self._until = time.monotonic() + options.within_s
        self._depth = 0

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Roll back, at the end of the block, whatever was done in it; role and settings as well."""
        if time.monotonic() > self._until:
            raise OutOfTime
        name = sql.Identifier(f"s{self._depth}")
        self._depth += 1
        self.connection.execute(sql.SQL("savepoint {}").format(name))
        try:
            yield
        finally:
            self.connection.execute(sql.SQL("rollback to savepoint {}").format(name))
            self._depth -= 1

    def become(self, identity: Identity) -> None:
        """Act as *identity* until `again_oneself` or the end of the block."""
        if identity.login and self._superuser:
            name = sql.Identifier(identity.role)
            self.connection.execute(sql.SQL("set local session authorization {}").format(name))
            settings = dict(identity.settings)
        else:
            settings = {**identity.settings, "role": identity.role}
        if settings:
            calls = sql.SQL(", ").join(sql.SQL("set_config(%s, %s, true)") for _ in settings)
            flat = [part for pair in settings.items() for part in pair]
            self.connection.execute(sql.SQL("select ") + calls, flat)

    def again_oneself(self, identity: Identity) -> None:
        """Return to the role that opened the connection; settings of *identity* are emptied."""
        if identity.login and self._superuser:
            self.connection.execute("reset session authorization")
        emptied = [sql.SQL("set_config({}, '', true)").format(sql.Literal(name)) for name in identity.settings]
        calls = sql.SQL(", ").join([sql.SQL("set_config('role', 'none', true)"), *emptied])
        self.connection.execute(sql.SQL("select ") + calls)

    def run(self, statement: sql.SQL | sql.Composed, values: Values = ()) -> Outcome:
        """Run *statement* as whoever acts now; an error ends the statement alone."""
        if time.monotonic() > self._until:
            raise OutOfTime
        self.connection.execute("savepoint attempt")
        try:
            cursor = self.connection.execute(statement, values or None)
            rows = tuple(cursor.fetchall()) if cursor.description else ()
            outcome = Outcome(rows, max(cursor.rowcount, 0))
            self.connection.execute("set constraints all immediate")
        except psycopg.Error as error:
            outcome = _failed(error)
            self.connection.execute("rollback to savepoint attempt")
            return outcome
        self.connection.execute("release savepoint attempt")
        return outcome

    def act(self, identity: Identity, statement: sql.SQL | sql.Composed, values: Values = ()) -> Outcome:
        """Run *statement* as *identity*, then be oneself again to see what it did."""
        self.become(identity)
        outcome = self.run(statement, values)
        self.again_oneself(identity)
        return outcome


def _failed(error: psycopg.Error) -> Outcome:
    diagnosis = error.diag
    on = f"{diagnosis.schema_name}.{diagnosis.table_name}" if diagnosis.table_name else None
    return Outcome(
        state=error.sqlstate or "XX000",
        error=str(error),
        on=on,
        constraint=diagnosis.constraint_name,
        datatype=diagnosis.datatype_name,
    )
