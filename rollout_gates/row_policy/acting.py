"""Acts as an identity inside of savepoints, so that no attempt is seen by the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout_gates.row_policy.model import Connection

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from rollout_gates.row_policy.model import Identity, Options

Values = Mapping[str, str | None]
Turns = tuple[str, int, str]
_PLACE = re.compile(r"%\((\w+)\)s")
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
        # It puts values into the text by itself, so several statements can go together; and it prepares none.
        self._cursor = psycopg.ClientCursor(connection)
        self._known: dict[str, Turns] = {}

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

    def run(self, statement: sql.SQL | sql.Composed, values: Values | None = None) -> Outcome:
        """Run *statement* as the role that opened the connection; an error ends the statement alone.

        *values* take the place of ``%(name)s`` in it, as literals.
        """
        return self._run(("", 0, ""), statement, values)

    def act(self, identity: Identity, statement: sql.SQL | sql.Composed) -> Outcome:
        """Run *statement* as *identity*, then be oneself again to see what it did."""
        return self._run(self._turns(identity), statement, None)

    def _turns(self, identity: Identity) -> Turns:
        """Return the statements that make the connection act as *identity*, their count, and those that end it."""
        if identity.name not in self._known:
            emptied = {**dict.fromkeys(identity.settings, ""), "role": "none"}
            settings = {**identity.settings, "role": identity.role}
            before, count, after = self._set(settings), 1, self._set(emptied)
            if identity.login and self._superuser:
                name = sql.Identifier(identity.role).as_string(self.connection)
                count = 1 + bool(identity.settings)
                before = f"{self._set(identity.settings)} set local session authorization {name};"
                after = f"reset session authorization; {after}"
            self._known[identity.name] = before, count, after
        return self._known[identity.name]

    def _set(self, settings: Mapping[str, str]) -> str:
        calls = [
            sql.SQL("set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
            for name, value in settings.items()
        ]
        if not calls:
            return ""
        return (sql.SQL("select ") + sql.SQL(", ").join(calls)).as_string(self.connection) + ";"

    def _run(self, turn: Turns, statement: sql.SQL | sql.Composed, values: Values | None) -> Outcome:
        """Send all in one go: a round trip each would take most of the time."""
        if time.monotonic() > self._until:
            raise OutOfTime
        before, turns, after = turn
        text = statement.as_string(self.connection)
        if values is not None:
            text = _PLACE.sub(lambda found: self._literal(values[found[1]]), text)
        sent = f"savepoint attempt; {before} {text};\nset constraints all immediate; release savepoint attempt; {after}"
        try:
            self._cursor.execute(sent.encode())
            for _ in range(1 + turns):
                self._cursor.nextset()
            rows = tuple(self._cursor.fetchall()) if self._cursor.description else ()
            return Outcome(rows, max(self._cursor.rowcount, 0))
        except psycopg.Error as error:
            outcome = _failed(error)
            self._cursor.execute("rollback to savepoint attempt")
            return outcome

    def _literal(self, value: str | None) -> str:
        return sql.Literal(value).as_string(self.connection)


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
