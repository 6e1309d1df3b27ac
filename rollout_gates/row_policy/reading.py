"""Reads every relation as every identity, and tells whether anything of others showed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from psycopg import sql

from rollout_gates.row_policy.acting import Actor, Outcome
from rollout_gates.row_policy.catalogue import Relation
from rollout_gates.row_policy.model import ALL, NONE, Attempt, Identity, Options, Result
from rollout_gates.row_policy.planting import Ground, Row
from rollout_gates.row_policy.rights import Rights
from rollout_gates.row_policy.values import tokens
from rollout_gates.row_policy.watching import Watcher


@dataclass(frozen=True)
class Shown:
    """What an identity saw of one object: the *outcome*, its rows as sorted text, distinctive values in them."""

    outcome: Outcome
    text: tuple[str, ...] = ()
    tokens: frozenset[str] = frozenset()

    @property
    def visible(self) -> int:
        """How many rows were seen."""
        return len(self.text)


def shown(outcome: Outcome, without: Iterable[str] = ()) -> Shown:
    """Return what *outcome* showed; values in *without* were the caller's own, and tell nothing."""
    text = tuple(sorted(str(row[0]) for row in outcome.rows))
    return Shown(outcome, text, frozenset(tokens("\n".join(text)) - set(without)))


@dataclass
class Reader:
    """Reads as one identity. *readable* is what it may see of the planted rows."""

    actor: Actor
    watcher: Watcher
    ground: Ground
    options: Options
    identity: Identity
    rights: Rights
    readable: set[tuple[int, str]]
    own: frozenset[str] = field(default_factory=frozenset)
    gone_readable: set[tuple[int, str]] = field(default_factory=set)

    def read(self, relation: Relation) -> Shown:
        """Read *relation*, as many rows as the options allow."""
        columns = self.rights.select.get(relation.name, frozenset())
        listed = [name for name in relation.columns if name in columns] or list(relation.columns)[:1]
        with self.actor.undone():
            outcome = self.actor.act(self.identity, self._statement(relation, listed))
        return shown(outcome, self.own)

    def _statement(self, relation: Relation, columns: list[str]) -> sql.Composed:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        return sql.SQL("select to_jsonb(x)::text from (select {} from {} limit {}) as x").format(
            names, relation.sql, self.options.rows
        )

    def strange(self, found: Iterable[str]) -> list[str]:
        """Return those distinctive values that stand only where the identity may not read."""
        may = self.readable | self.gone_readable
        return [
            token
            for token in found
            if (places := self.ground.places.get(token)) and not any((id(row), column) in may for row, column in places)
        ]

    def may_see(self, row: Row) -> bool:
        """Tell whether at least one column of *row* may be read."""
        return any((id(row), column) in self.readable for column in row.values)

    def hidden(self, tables: Iterable[str]) -> int:
        """Return how many planted rows of *tables* hold something that the identity may not read."""
        return sum(
            any((id(row), column) not in self.readable for column, value in row.values.items() if value)
            for table in tables
            for row in self.ground.rows.get(table, ())
        )

    def judge_table(self, relation: Relation, seen: Shown, root: str) -> Attempt:
        """Judge what was seen of a table, one of its partitions or heirs, whose rows are those of *root*."""
        access = self.watcher.owners.access(relation.name, self.identity.audience)
        scopes = {access.select, *access.columns.values()}
        if not seen.outcome.ok:
            return _stopped("select", seen.outcome)
        if found := self.strange(seen.tokens):
            return Attempt("select", Result.LEAK, f"{len(found)} values of rows or columns that it may not read")
        if access.select == ALL:
            return Attempt("select", Result.ALLOWED, f"{seen.visible} rows, public by intent")
        allowed = self._allowed(relation, root)
        if ALL not in scopes and allowed is not None and seen.visible > allowed:
            return Attempt("select", Result.LEAK, f"{seen.visible} rows seen, {allowed} meant to be")
        if seen.visible:
            return Attempt("select", Result.ALLOWED, f"{seen.visible} rows, all within the scope")
        return Attempt("select", Result.NOTHING, "no row was seen")

    def _allowed(self, relation: Relation, root: str) -> int | None:
        access = self.watcher.owners.access(relation.name, self.identity.audience)
        condition = self.watcher.owners.readable(root, access)
        statement = sql.SQL("select count(*) from (select 1 from {} as r where {} limit {}) as x").format(
            relation.sql, condition, self.options.rows
        )
        with self.actor.undone():
            outcome = self.actor.run(statement, self.watcher.me(self.identity))
        return int(outcome.rows[0][0]) if outcome.ok else None

    def judge_view(self, relation: Relation, seen: Shown, *, live: bool) -> Attempt:
        """Judge what was seen of a view; *live*: somebody saw something of the planted rows through it."""
        if not seen.outcome.ok:
            return _stopped("select", seen.outcome)
        scope = self.watcher.owners.intent.access.get(relation.name, {})
        declared = scope.get(self.identity.audience) or scope.get("*")
        if declared is not None and declared.select == ALL:
            return Attempt("select", Result.ALLOWED, "public by intent")
        if declared is not None and declared.select == NONE and seen.visible:
            return Attempt("select", Result.LEAK, f"{seen.visible} rows seen, none meant to be")
        if found := self.strange(seen.tokens):
            return Attempt("select", Result.LEAK, f"{len(found)} values of rows or columns that it may not read")
        if not live:
            return Attempt("select", Result.UNCLEAR, "nobody saw anything of the planted rows through it")
        result = Result.ALLOWED if seen.visible else Result.NOTHING
        return Attempt("select", result, f"{seen.visible} rows, none with a value of others")


def _stopped(way: str, outcome: Outcome) -> Attempt:
    return Attempt(way, Result.DENIED if outcome.refused else Result.UNCLEAR, outcome.told)
