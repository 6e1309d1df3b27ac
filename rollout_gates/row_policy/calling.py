"""Calls every function that an identity may execute, with keys of others, and looks at what it told or did."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from psycopg import sql

from rollout_gates.row_policy.acting import Actor
from rollout_gates.row_policy.catalogue import Argument, Catalogue, Function
from rollout_gates.row_policy.model import ALL, NONE, Attempt, Identity, Operation, Options, Result
from rollout_gates.row_policy.planting import Ground, Planter, Row
from rollout_gates.row_policy.reading import Reader, Shown, shown
from rollout_gates.row_policy.rights import Rights
from rollout_gates.row_policy.values import TEXTS, token_of
from rollout_gates.row_policy.watching import Watcher

# What acts outside of the transaction: it is never called, and no rollback undoes it.
_OUTWARD = re.compile(
    r"\b(dblink\w*|pg_notify|http_(?:get|post|put|delete|patch|head)|http|net\.http_\w+|pg_background_\w+|lo_import|lo_export|"
    r"pg_(?:read|write)_\w*file|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|aws_\w+|cron\.\w+|pgmq\.\w+)\s*\(|"
    r"\bnotify\b|\bcopy\b[^;]*\bprogram\b|\bcopy\b[^;]*\b(?:to|from)\s+'",
    re.IGNORECASE,
)
_DRAWS = re.compile(r"\b(nextval|setval|insert)\b", re.IGNORECASE)
_TRUSTED = {"sql", "plpgsql"}
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_INJECTIONS = ("' or true --", "%' or true --", "') or true --")


def outward(function: Function, catalogue: Catalogue, avoided: Collection[str] = ()) -> str | None:
    """Return why *function* must not be called, or ``None``; writing to tables *avoided* is a reason as well."""
    return outward_body(function.language, function.body, catalogue, avoided)


def outward_body(language: str, body: str, catalogue: Catalogue, avoided: Collection[str] = ()) -> str | None:
    """Return why nothing must run *body*, or ``None``. What it calls in turn is looked at by name."""
    if language not in _TRUSTED:
        return f"written in {language}, its effects cannot be read"
    seen: set[int] = set()
    ahead = [body]
    while ahead:
        text = ahead.pop()
        if found := _OUTWARD.search(text):
            return f"acts outside of the transaction ({found.group(0).strip(' (').split()[0]})"
        words = set(_WORD.findall(text.lower()))
        if touched := words & set(avoided):
            return f"may write to {min(touched)}, whose triggers act outside of the transaction"
        for oid, other in catalogue.bodies.items():
            if other.name in words and oid not in seen:
                seen.add(oid)
                if other.language in _TRUSTED:
                    ahead.append(other.text)
    return None


def draws_numbers(function: Function) -> bool:
    """Tell whether calling it may move a sequence."""
    return function.volatility == "v" and bool(_DRAWS.search(function.body))


@dataclass(frozen=True)
class Call:
    """One set of arguments; *aimed* at whom, by name of the identity."""

    values: Mapping[int, str]
    aimed: str

    def tokens(self) -> set[str]:
        """Return the distinctive values that are handed in."""
        return {token for value in self.values.values() for token in token_of(value)}


@dataclass
class Caller:
    """Calls as one identity."""

    actor: Actor
    catalogue: Catalogue
    planter: Planter
    watcher: Watcher
    reader: Reader
    ground: Ground
    options: Options
    identity: Identity
    rights: Rights

    def scope(self, function: Function) -> str:
        """Return who may call it by intent."""
        return self.watcher.owners.access(function.name, self.identity.audience).call

    def call(self, function: Function) -> Iterator[Attempt]:
        """Call *function* with everything that may open it. Source of the arguments: rows that were planted."""
        scope = self.scope(function)
        for call in islice(self.calls(function), self.options.calls):
            found = self._try(function, call)
            if found.result is not Result.DENIED and scope == NONE:
                yield Attempt(found.way, Result.LEAK, "it can be executed, and is meant for nobody")
                return
            yield Attempt(found.way, Result.ALLOWED, "public by intent") if scope == ALL else found

    def statement(self, function: Function, call: Call) -> sql.Composed:
        """Return the call, by names where arguments have them."""
        parts = []
        for at, argument in enumerate(function.arguments):
            if at in call.values:
                value = sql.SQL("{}::{}").format(sql.Literal(call.values[at]), sql.SQL(argument.written))
                named = sql.SQL("{} => ").format(sql.Identifier(argument.name)) if argument.name else sql.SQL("")
                parts.append(named + value)
        name = sql.Identifier(function.schema, function.function)
        if function.kind == "p":
            return sql.SQL("call {}({})").format(name, sql.SQL(", ").join(parts))
        return sql.SQL("select to_jsonb(x)::text from {}({}) as x limit {}").format(
            name, sql.SQL(", ").join(parts), self.options.rows
        )

    def _try(self, function: Function, call: Call) -> Attempt:
        way = f"call aimed at {call.aimed}" if call.aimed else "call"
        writes = function.volatility == "v"
        owners, tables = self.watcher.owners, [n for n in self.ground.rows if self.watcher.judged(n, self.identity)]
        conditions = {t: owners.condition(t, self.watcher.changed(t, self.identity, Operation.UPDATE)) for t in tables}
        with self.actor.undone():
            inside = self.watcher.within(tables, self.identity, Operation.UPDATE) if writes else []
            removable = self.watcher.within(tables, self.identity, Operation.DELETE) if writes else []
            before = self.watcher.image(tables) if writes else {}
            strangers = self.watcher.strangers(self.identity) if writes else {}
            outcome = self.actor.act(self.identity, self.statement(function, call))
            seen = shown(outcome, self.reader.own | call.tokens())
            if not outcome.ok:
                denied = outcome.refused and "permission denied for function" in outcome.error
                return Attempt(way, Result.DENIED if denied else Result.NOTHING, outcome.told)
            if found := self.reader.strange(seen.tokens):
                return Attempt(way, Result.LEAK, f"{len(found)} values of rows or columns that it may not read")
            if writes:
                effect = self.watcher.effect(
                    tables, before, inside, conditions=conditions, identity=self.identity, removable=removable
                )
                if effect.outside:
                    return Attempt(way, Result.LEAK, f"{effect.outside} rows of others changed or removed")
                after = self.watcher.strangers(self.identity)
                if more := [t for t, count in after.items() if count > strangers.get(t, count)]:
                    return Attempt(way, Result.LEAK, f"rows made for others in {', '.join(more)}")
        return Attempt(way, Result.ALLOWED, "nothing of others was told or changed")

    def answer(self, function: Function, call: Call) -> Shown:
        """Return what a call tells, for comparison with the same call in another state."""
        with self.actor.undone():
            outcome = self.actor.act(self.identity, self.statement(function, call))
        return shown(outcome)

    def calls(self, function: Function) -> Iterator[Call]:
        """Yield sets of arguments: one's own values, then those of each other identity, then what opens filters."""
        seen: set[tuple[tuple[int, str], ...]] = set()
        names = [self.identity.name, *(n for n in self.planter.principals if n != self.identity.name)]
        for name in [name for name in names if name in self.planter.principals] or [""]:
            for values in self._combinations(function, name):
                key = tuple(sorted(values.items()))
                if key not in seen:
                    seen.add(key)
                    yield Call(values, name)

    def _combinations(self, function: Function, aimed: str) -> Iterator[dict[int, str]]:
        options = {at: self._options(argument, function, aimed) for at, argument in enumerate(function.arguments)}
        if any(not found for at, found in options.items() if not function.arguments[at].has_default):
            return
        first = {at: found[0] for at, found in options.items() if found}
        yield first
        yield {at: value for at, value in first.items() if not function.arguments[at].has_default}
        for at, found in options.items():
            for value in found[1:]:
                yield {**first, at: value}
        # One argument of the other, the rest one's own: who says that it is he.
        mine = {
            at: found[0]
            for at, argument in enumerate(function.arguments)
            if (found := self._options(argument, function, self.identity.name))
        }
        if aimed != self.identity.name and len(first) > 1:
            yield from ({**mine, at: value} for at, value in first.items())

    def _options(self, argument: Argument, function: Function, aimed: str) -> list[str]:
        """Return values for one argument, the likeliest first."""
        if argument.labels:
            return list(argument.labels)[:3]
        found = [*self._owner_values(argument, aimed), *self._row_values(argument, function, aimed)]
        if argument.type in TEXTS:
            found += ["%", "", *(_INJECTIONS if "execute" in function.body.lower() else ())]
        found += _PLAIN.get(argument.type, ())
        return list(dict.fromkeys(found))[:8]

    def _owner_values(self, argument: Argument, aimed: str) -> list[str]:
        me = self.planter.principals[aimed].me if aimed in self.planter.principals else {}
        bare = _bare(argument.name)
        return [
            value
            for kind, value in me.items()
            if bare in {kind, *(_bare(name) for name in self.watcher.owners.intent.kinds[kind].names)}
            or argument.name in self.watcher.owners.intent.kinds[kind].names
        ]

    def _row_values(self, argument: Argument, function: Function, aimed: str) -> list[str]:
        """Return values of planted rows of the argument's type: keys of what it is named for first."""
        likely, named, mentioned, others = [], [], [], []
        bare, body = _bare(argument.name), function.body.lower()
        for table, rows in self.ground.rows.items():
            relation = self.catalogue.relations[table]
            for row in self._aimed(rows, aimed):
                for column, value in row.values.items():
                    if value is None or not _fits(relation.columns[column].type, argument.type):
                        continue
                    is_key = (column,) == relation.key
                    if is_key and bare and relation.relation.lower().rstrip("s").startswith(bare.rstrip("s")):
                        likely.append(value)
                    elif bare and bare == _bare(column) and not is_key:
                        named.append(value)
                    elif is_key and relation.relation.lower() in body:
                        mentioned.append(value)
                    elif is_key or relation.relation.lower() in body:
                        others.append(value)
        return [*likely, *named, *mentioned, *others]

    def _aimed(self, rows: list[Row], aimed: str) -> list[Row]:
        return [row for row in rows if row.principal in {aimed, ""}][:2]


_PLAIN: Mapping[str, tuple[str, ...]] = {
    "uuid": (str(uuid.uuid4()),),
    "int2": ("100", "1"), "int4": ("100", "1"), "int8": ("100", "1"), "numeric": ("100", "1"), "float8": ("100",),
    "float4": ("100",), "bool": ("true", "false"), "json": ("{}",), "jsonb": ("{}",), "text": ("a",),
    "date": ("2020-01-01",),
    "timestamptz": ("2020-01-01",), "timestamp": ("2020-01-01",), "interval": ("1 day",), "_text": ("{}",),
    "_uuid": ("{}",), "_int4": ("{}",), "bytea": ("\\x00",),
}  # fmt: skip


def _bare(name: str) -> str:
    """Return *name* without the letters that mark arguments and keys: `p_order_id` is `order`."""
    bare = re.sub(r"^(?:p|in|arg|a|v)?_+", "", name.lower())
    return re.sub(r"_(?:id|uuid|key)$", "", bare)


def _fits(column: str, argument: str) -> bool:
    numbers = {"int4", "int8", "numeric"}
    return column == argument or {column, argument} <= TEXTS or {column, argument} <= numbers
