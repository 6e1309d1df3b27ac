"""Acts as each identity against every reachable object, in one transaction that is rolled back, and says what leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout_gates.row_policy.model import Connection

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from rollout_gates.row_policy import catalogue as reading_catalogue
from rollout_gates.row_policy import owning
from rollout_gates.row_policy import rights as reading_rights
from rollout_gates.row_policy.acting import Actor, OutOfTime
from rollout_gates.row_policy.calling import Call, Caller, draws_numbers, outward, outward_body
from rollout_gates.row_policy.catalogue import MATERIALISED, TABLES, VIEWS, Catalogue, Function, Relation
from rollout_gates.row_policy.model import (
    ALL,
    EVERYTHING,
    NONE,
    SERVICE,
    THE_REST,
    Attempt,
    Finding,
    Identity,
    Intent,
    Operation,
    Options,
    Proof,
    Report,
    Result,
    Standing,
    Verdict,
)
from rollout_gates.row_policy.owning import Owners
from rollout_gates.row_policy.planting import Ground, Planter, is_partition
from rollout_gates.row_policy.reading import Reader, Shown
from rollout_gates.row_policy.rights import Rights
from rollout_gates.row_policy.standing import EDITABLE, FOREIGN, MUTABLE_PATH, Inspector
from rollout_gates.row_policy.values import tokens
from rollout_gates.row_policy.watching import Watcher
from rollout_gates.row_policy.writing import Writer, first_leak

_GATHERED = 20
_WRITES = {Operation.INSERT: 8, Operation.UPDATE: 4, Operation.DELETE: 16}
_PROMOTED = {EDITABLE: Operation.SELECT, FOREIGN: Operation.SELECT, MUTABLE_PATH: Operation.CALL}


class CannotAct(Exception):
    """The connection may not act as an identity; the message is one line and says why."""


def examine(dsn: str, identities: Sequence[Identity], intent: Intent, options: Options | None = None) -> Report:
    """Act out every operation on every object of the reachable schemas, and roll it back.

    *dsn* is of a role that may ``set role`` to every identity's role and that reads and writes the tables past their
    policies (a superuser, or a member with BYPASSRLS). Raises `CannotAct`, and ``psycopg.Error`` for a lost connection.
    """
    started = time.monotonic()
    options = options or Options()
    with psycopg.connect(dsn) as connection:
        try:
            examination = _begin(connection, identities, intent, options)
            examination.run()
            transaction, marks = examination.identify()
        finally:
            connection.rollback()
        proof = _prove(connection, transaction, marks, examination)
    return examination.report(proof, time.monotonic() - started)


def inspect(
    dsn: str, identities: Sequence[Identity], intent: Intent, options: Options | None = None
) -> tuple[Standing, ...]:
    """Read the catalogue alone, in a read-only transaction: nothing is planted, nobody acts."""
    options = options or Options()
    with psycopg.connect(dsn) as connection:
        connection.read_only = True
        _limit(connection, options)
        found = reading_catalogue.read(connection, options.schemas)
        owners = owning.find(found, intent)
        rights = _rights(connection, found, identities)
        reachable = _reachable(found, options)
        inspector = Inspector(found, owners, identities, rights, _members(connection, identities))
        result = tuple(inspector.inspect(reachable))
        connection.rollback()
    return result


def _limit(connection: Connection, options: Options) -> None:
    timeouts = {"statement_timeout": options.statement_timeout_ms, "lock_timeout": options.lock_timeout_ms}
    for name, value in timeouts.items():
        connection.execute("select set_config(%s, %s, true)", (name, str(value)))


def _begin(connection: Connection, identities: Sequence[Identity], intent: Intent, options: Options) -> Examination:
    _limit(connection, options)
    row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    superuser = bool(row and row[0])
    actor = Actor(connection, options, superuser=superuser)
    for identity in identities:
        outcome = actor.run(sql.SQL("set local role {}").format(sql.Identifier(identity.role)))
        if not outcome.ok:
            raise CannotAct(f"the connection may not set role {identity.role}: {outcome.told}")
        connection.execute("reset role")
    found = reading_catalogue.read(connection, options.schemas)
    owners = owning.find(found, intent)
    return Examination(actor, found, owners, tuple(identities), options, superuser=superuser)


def _rights(connection: Connection, found: Catalogue, identities: Iterable[Identity]) -> dict[str, Rights]:
    listed = list(found.relations.values()), list(found.functions.values()), list(found.sequences.values())
    return {role: reading_rights.read(connection, role, *listed) for role in {identity.role for identity in identities}}


def _members(connection: Connection, identities: Iterable[Identity]) -> dict[str, frozenset[str]]:
    statement = "select rolname::text from pg_roles where pg_has_role(%s, oid, 'usage')"
    return {
        role: frozenset(name for (name,) in connection.execute(statement, (role,)))
        for role in {identity.role for identity in identities}
    }


def _reachable(found: Catalogue, options: Options) -> list[str]:
    return [name for name, relation in found.relations.items() if relation.schema in options.schemas][: options.tables]


@dataclass
class Examination:
    """One examination under way."""

    actor: Actor
    catalogue: Catalogue
    owners: Owners
    identities: tuple[Identity, ...]
    options: Options
    superuser: bool
    findings: list[Finding] = field(default_factory=list)
    standing: tuple[Standing, ...] = ()
    not_acted_out: dict[str, str] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)
    held: bool = True

    def __post_init__(self) -> None:
        connection = self.actor.connection
        self.rights = _rights(connection, self.catalogue, self.identities)
        self.members = _members(connection, self.identities)
        self.reachable = [self.catalogue.relations[name] for name in _reachable(self.catalogue, self.options)]
        principals = {identity.name: identity for identity in self.identities if identity.me}
        self.planter = Planter(self.actor, self.catalogue, self.owners, principals)
        schemas = {relation.schema for relation in self.catalogue.relations.values()}
        self.planter.keep_minimal(schemas - set(self.options.schemas))
        self.ground: Ground = self.planter.ground
        self.watcher = Watcher(self.actor, self.catalogue, self.owners, self.ground)
        self.readers: dict[str, Reader] = {}
        self.avoided: set[str] = set()
        self.shown: dict[tuple[str, str], Shown] = {}

    def run(self) -> None:
        """Plant, read, write, call."""
        steps: tuple[Callable[[], None], ...] = (
            self._hold_sequences, self._plant, self._get_ready, self._read, self._write, self._call, self._set,
            self._interfere,
        )  # fmt: skip
        try:
            for step in steps:
                step()
        except OutOfTime:
            self.not_acted_out[THE_REST] = f"the {self.options.within_s} s for acting were used up"
        self._promote()

    # --- preparing

    def _hold_sequences(self) -> None:
        """Give all sequences a file of their own until the rollback, so that drawing numbers moves none of them.

        A number that is drawn is not rolled back. `alter sequence ... restart` is, and what follows it as well.
        """
        self.sequences = _positions(self.actor.connection, self.catalogue)
        for name, sequence in self.catalogue.sequences.items():
            quoted = sql.Identifier(sequence.schema, sequence.sequence)
            last = self.sequences.get(name)
            if last is None:
                statement = sql.SQL("alter sequence {} restart").format(quoted)
            else:
                statement = sql.SQL("alter sequence {} restart with {}").format(quoted, sql.Literal(last))
            if not self.actor.run(statement).ok:
                self.held = False
                self.not_acted_out[name] = "the connection may not alter it, so drawing from it would move it for good"

    def _plant(self) -> None:
        tables = [relation.name for relation in self.reachable if relation.is_table]
        outward_tables = self._find_outward()
        self.not_acted_out |= outward_tables
        self.avoided = {name.rpartition(".")[2] for name in outward_tables}
        self.planter.avoid(outward_tables)
        inside = [name for name in tables if name not in self.not_acted_out]
        self.planter.plant_all(inside)
        self.planter.wear_out([n for n in inside if not is_partition(self.catalogue, self.catalogue.relations[n])])
        if self.owners.intent.seed is not None:
            self.owners.intent.seed(self.actor.connection)
        self._gather(inside)
        for relation in self.reachable:
            if relation.kind in MATERIALISED:
                self._refresh(relation)

    def _get_ready(self) -> None:
        """Read the catalogue's own word, and find out what each identity may read of what was planted."""
        inspector = Inspector(self.catalogue, self.owners, self.identities, self.rights, self.members)
        self.standing = tuple(inspector.inspect([relation.name for relation in self.reachable]))
        for identity in self.identities:
            self.readers[identity.name] = self._reader(identity)

    def _find_outward(self) -> dict[str, str]:
        """Return the tables whose triggers act outside of the transaction, by what they write to as well, with why."""
        found: dict[str, str] = {}
        while True:
            avoided = {name.rpartition(".")[2] for name in found}
            more = {
                name: reason
                for name, relation in self.catalogue.relations.items()
                if name not in found and (reason := self._outward_triggers(relation, avoided))
            }
            if not more:
                return found
            found |= more

    def _outward_triggers(self, relation: Relation, avoided: set[str]) -> str | None:
        for oid in relation.triggers:
            body = self.catalogue.bodies.get(oid)
            if body is not None and (reason := outward_body(body.language, body.text, self.catalogue, avoided)):
                return f"its trigger {body.name}: {reason}"
        return None

    def _gather(self, tables: Iterable[str]) -> None:
        """Take in rows of the identities that something else made: a trigger, the caller's seed, an earlier life."""
        for name in tables:
            relation = self.catalogue.relations[name]
            if is_partition(self.catalogue, relation) or not self.owners.is_owned(name):
                continue
            for identity in self.planter.principals.values():
                statement = sql.SQL("select to_jsonb(r) from only {} as r where {} limit {}").format(
                    relation.sql, self.owners.own(name), _GATHERED
                )
                if relation.kind == "p":
                    statement = sql.SQL("select to_jsonb(r) from {} as r where {} limit {}").format(
                        relation.sql, self.owners.own(name), _GATHERED
                    )
                known = {row.key for row in self.ground.rows.get(name, ())}
                for (found,) in self.actor.run(statement, self.watcher.me(identity)).rows:
                    row = self.planter.row(relation, identity.name, found)
                    if row.key and row.key not in known:
                        self.ground.add(row, known=self.planter.linked(relation))

    def _refresh(self, relation: Relation) -> None:
        if not self.actor.run(sql.SQL("refresh materialized view {}").format(relation.sql)).ok:
            self.not_acted_out.setdefault(relation.name, "it could not be refreshed; read as it was")

    def _reader(self, identity: Identity) -> Reader:
        own = frozenset(token for value in identity.me.values() for token in tokens(value))
        readable = self.watcher.readable(identity)
        gone = {
            (id(row), column)
            for row in self.ground.gone
            if self._was_own(row.principal, identity)
            for column in row.values
        }
        for row in self.ground.gone:
            access = self.owners.access(row.table, identity.audience)
            scopes = {column: access.columns.get(column, access.select) for column in row.values}
            gone |= {(id(row), column) for column, scope in scopes.items() if scope == ALL}
        rights = self.rights[identity.role]
        return Reader(self.actor, self.watcher, self.ground, self.options, identity, rights, readable, own, gone)

    def _was_own(self, principal: str, identity: Identity) -> bool:
        whose = self.planter.principals.get(principal)
        return whose is not None and any(identity.me.get(kind) == value for kind, value in whose.me.items())

    # --- reading

    def _read(self) -> None:
        for relation in self.reachable:
            if relation.kind == "f":
                self.not_acted_out[relation.name] = "a foreign table: reading it would reach another server"
                continue
            for identity in self.identities:
                self.shown[relation.name, identity.name] = self.readers[identity.name].read(relation)
        for relation in self.reachable:
            if relation.kind != "f":
                self._judge_reads(relation)

    def _judge_reads(self, relation: Relation) -> None:
        live = any(self.shown[relation.name, i.name].tokens & self.ground.places.keys() for i in self.identities)
        live = live or (not relation.is_table and self._shows_anything(relation))
        for identity in self.identities:
            reader, seen = self.readers[identity.name], self.shown[relation.name, identity.name]
            if relation.is_table:
                root = self._base(relation)
                attempt = reader.judge_table(relation, seen, root.name)
                hidden = reader.hidden([root.name])
            else:
                attempt = reader.judge_view(relation, seen, live=live)
                hidden = reader.hidden(relation.bases)
            self._tell(identity, relation.name, Operation.SELECT, [attempt], hidden)

    def _shows_anything(self, relation: Relation) -> bool:
        with self.actor.undone():
            outcome = self.actor.run(sql.SQL("select 1 from {} limit 1").format(relation.sql))
        return bool(outcome.rows)

    def _base(self, relation: Relation) -> Relation:
        """Return the table whose planted rows stand in *relation*."""
        if relation.is_table:
            top = relation
            while is_partition(self.catalogue, top):
                top = self.catalogue.relations[str(top.parent)]
            return top
        bases = [self.catalogue.relations[name] for name in relation.bases if name in self.catalogue.relations]
        return max(bases, key=lambda base: len(set(base.columns) & set(relation.columns)), default=relation)

    # --- writing

    def _write(self) -> None:
        for relation in self.reachable:
            base = self._base(relation)
            if relation.kind not in TABLES + VIEWS or not base.is_table:
                continue
            reason = self.not_acted_out.get(relation.name) or self.not_acted_out.get(base.name)
            for identity in self.identities:
                if reason is not None:
                    self._leave(identity, relation, reason)
                    continue
                self._write_as(identity, relation, base)

    def _write_as(self, identity: Identity, relation: Relation, base: Relation) -> None:
        if identity.audience == SERVICE and self.owners.access(base.name, SERVICE) == EVERYTHING:
            return
        writer = Writer(self.actor, self.watcher, self.planter, identity, self.rights[identity.role])
        made = {Operation.INSERT: writer.insert, Operation.UPDATE: writer.update, Operation.DELETE: writer.delete}
        for operation, attempts in made.items():
            if relation.is_table or relation.writable & _WRITES[operation]:
                outside = self._outside(writer, base, operation)
                self._tell(identity, relation.name, operation, first_leak(attempts(relation, base)), outside)
        if relation.is_table:
            self._tell(identity, relation.name, Operation.TRUNCATE, first_leak(writer.truncate(relation)), 1)

    def _leave(self, identity: Identity, relation: Relation, reason: str) -> None:
        """Judge writes that must not be tried, by the grants: what is not granted is denied, the rest stays open."""
        rights, name = self.rights[identity.role], relation.name
        granted = {
            Operation.INSERT: bool(rights.insert.get(name)),
            Operation.UPDATE: bool(rights.update.get(name)),
            Operation.DELETE: name in rights.delete,
            Operation.TRUNCATE: name in rights.truncate,
        }
        for operation, held in granted.items():
            told = f"not tried: {reason}" if held else "it is not granted"
            attempt = Attempt("grant", Result.UNCLEAR if held else Result.DENIED, told)
            self._tell(identity, name, operation, [attempt], 1)

    def _outside(self, writer: Writer, base: Relation, operation: Operation) -> int:
        """Return how much there was that could have leaked."""
        if operation is Operation.INSERT:
            return 1 if writer.scope(base, operation) != ALL else 0
        return len(writer.split(base, operation)[1]) or (
            writer.scope(base, operation) == NONE and len(writer.rows(base))
        )

    # --- calling

    def _functions(self) -> dict[int, str | None]:
        """Return the functions that can be called by name, each with the reason why it must not be, if there is one."""
        found: dict[int, str | None] = {}
        for function in self.catalogue.functions.values():
            if function.extension:
                self.not_acted_out[function.signature] = "belongs to an extension"
            elif not function.trigger:
                reason = outward(function, self.catalogue, self.avoided)
                if reason is None and not self.held and draws_numbers(function):
                    reason = "it may draw from a sequence that cannot be held"
                if reason is not None:
                    self.not_acted_out[function.signature] = reason
                found[function.oid] = reason
        return found

    def _caller(self, identity: Identity) -> Caller:
        return Caller(
            self.actor, self.catalogue, self.planter, self.watcher, self.readers[identity.name], self.ground,
            self.options, identity, self.rights[identity.role],
        )  # fmt: skip

    def _call(self) -> None:
        for oid, reason in self._functions().items():
            function = self.catalogue.functions[oid]
            for identity in self.identities:
                if identity.audience != SERVICE:
                    self._tell(identity, function.name, Operation.CALL, self._call_as(identity, function, reason), 1)

    def _call_as(self, identity: Identity, function: Function, reason: str | None) -> list[Attempt]:
        if function.oid not in self.rights[identity.role].call:
            return [Attempt("call", Result.DENIED, "execute is not granted")]
        caller = self._caller(identity)
        if reason is not None:
            shut = caller.scope(function) == NONE
            told = "execute is granted, and it is meant for nobody" if shut else f"not called: {reason}"
            return [Attempt("grant", Result.LEAK if shut else Result.UNCLEAR, told)]
        if attempts := first_leak(caller.call(function)):
            return attempts
        self.not_acted_out.setdefault(function.signature, "no arguments could be made up for it")
        return [Attempt("call", Result.UNCLEAR, "no arguments could be made up for it")]

    # --- sequences

    def _set(self) -> None:
        for sequence in self.catalogue.sequences.values():
            if sequence.schema not in self.options.schemas:
                continue
            for identity in self.identities:
                if identity.audience == SERVICE:
                    continue
                granted = sequence.name in self.rights[identity.role].set
                result = Result.LEAK if granted else Result.DENIED
                because = "update is granted, so numbers can be set back" if granted else "update is not granted"
                self._tell(identity, sequence.name, Operation.SET, [Attempt("grant", result, because)], 1)

    # --- interference

    def _interfere(self) -> None:
        """Change and add rows that an identity may not see, and look whether anything that it sees is different."""
        views = [r for r in self.reachable if r.kind in VIEWS + MATERIALISED]
        listed = [self.catalogue.functions[oid] for oid, reason in self._functions().items() if reason is None]
        functions = [function for function in listed if function.returns != "void" and function.kind == "f"]
        if not views and not functions:
            return
        for identity in self.identities:
            if identity.audience != SERVICE:
                self._interfere_with(identity, views, functions)

    def _interfere_with(self, identity: Identity, views: list[Relation], functions: list[Function]) -> None:
        caller, reader = self._caller(identity), self.readers[identity.name]
        before = {view.name: self.shown[view.name, identity.name] for view in views if self._quiet(view.name, identity)}
        before = {name: seen for name, seen in before.items() if seen.outcome.ok}
        told = {}
        for function in functions:
            if function.oid in caller.rights.call and self._quiet(function.name, identity):
                told[function.oid] = self._settled(caller, function)
        if not before and not any(told.values()):
            return
        for disturb in (self._disturb, self._remove):
            with self.actor.undone():
                if not disturb(identity, reader):
                    continue
                for view in views:
                    if view.kind in MATERIALISED:
                        self._refresh(view)
                self._compare(caller, before, told)

    def _compare(
        self, caller: Caller, before: Mapping[str, Shown], told: Mapping[int, list[tuple[Call, Shown]]]
    ) -> None:
        for name, seen in before.items():
            if caller.reader.read(self.catalogue.relations[name]).text != seen.text:
                self._differs(caller.identity, name, Operation.SELECT)
        for oid, answers in told.items():
            function = self.catalogue.functions[oid]
            if any(caller.answer(function, call).text != seen.text for call, seen in answers):
                self._differs(caller.identity, function.name, Operation.CALL)

    def _quiet(self, name: str, identity: Identity) -> bool:
        """Tell whether nothing was found at *name*, and it is not public by intent."""
        access = self.owners.access(name, identity.audience)
        public = access.call == ALL if name not in self.catalogue.relations else access.select == ALL
        leaks = {(f.object, f.identity) for f in self.findings if f.verdict is Verdict.LEAK}
        return not public and (name, identity.name) not in leaks

    def _settled(self, caller: Caller, function: Function) -> list[tuple[Call, Shown]]:
        """Return calls that succeed and answer the same twice, with their answers."""
        found = []
        for _at, call in zip(range(self.options.calls), caller.calls(function), strict=False):
            first = caller.answer(function, call)
            if first.outcome.ok and first.text == caller.answer(function, call).text:
                found.append((call, first))
        return found

    def _remove(self, identity: Identity, reader: Reader) -> bool:
        """Remove the rows that *identity* may not see, unless that touches one that it may."""
        tables = list(self.ground.rows)
        before = self.watcher.image(tables)
        for table in reversed(tables):
            relation = self.catalogue.relations[table]
            if relation.schema in self.options.schemas and self.owners.is_owned(table):
                for row in self.ground.rows[table]:
                    if row.key and not reader.may_see(row) and not self._was_own(row.principal, identity):
                        self.actor.run(sql.SQL("delete from {} as r where {}").format(relation.sql, row.same()))
        after = self.watcher.image(tables)
        seen = [id(row) for rows in self.ground.rows.values() for row in rows if reader.may_see(row)]
        return after != before and all(before.get(at) == after.get(at) for at in seen)

    def _disturb(self, identity: Identity, reader: Reader) -> bool:
        """Change what *identity* may not see, and add more of it."""
        for table, rows in list(self.ground.rows.items()):
            relation = self.catalogue.relations[table]
            if relation.schema not in self.options.schemas or not self.owners.is_owned(table):
                continue
            for row in list(rows):
                if row.principal == identity.name or not row.principal or not row.key:
                    continue
                hidden = [c for c in self.planter.free(relation) if (id(row), c) not in reader.readable]
                self.planter.refresh(row, hidden, learned=False)
                if not reader.may_see(row) and not self._was_own(row.principal, identity):
                    self._one_more(relation, row.principal, identity)
        return True

    def _one_more(self, relation: Relation, principal: str, identity: Identity) -> None:
        row = self.planter.unseen(relation, principal)
        if row is None:
            return
        access = self.owners.access(relation.name, identity.audience)
        if not row.key or self.watcher.fulfilling([row], self.owners.readable(relation.name, access), identity):
            self.actor.run(sql.SQL("delete from {} as r where {}").format(relation.sql, row.same()))

    def _differs(self, identity: Identity, name: str, operation: Operation) -> None:
        attempt = Attempt("comparison", Result.LEAK, "its answer changes with rows that it may not see")
        self.findings = [
            f for f in self.findings if (f.object, f.operation, f.identity) != (name, operation, identity.name)
        ]
        self._tell(identity, name, operation, [attempt], 1)

    # --- telling

    def _tell(
        self, identity: Identity, name: str, operation: Operation, attempts: Sequence[Attempt], could_leak: int
    ) -> None:
        verdict, decisive = judge(attempts, could_leak)
        existing = next(
            (f for f in self.findings if (f.object, f.operation, f.identity) == (name, operation, identity.name)), None
        )
        if existing is not None:  # a function of the same name with other arguments
            if existing.verdict is Verdict.LEAK or verdict is not Verdict.LEAK:
                return
            self.findings.remove(existing)
        self.findings.append(
            Finding(identity.name, name, operation, verdict, decisive.way, decisive.because, tuple(attempts))
        )

    def _promote(self) -> None:
        """Make leaks of what the catalogue alone can tell."""
        for told in self.standing:
            if (operation := _PROMOTED.get(told.rule)) is None:
                continue
            for identity in self.identities:
                if identity.role in told.roles and identity.audience != SERVICE:
                    attempt = Attempt("catalogue", Result.LEAK, f"{told.rule}: {told.detail}")
                    self._tell(identity, told.object, operation, [attempt], 1)

    # --- ending

    def identify(self) -> tuple[str, list[sql.Composed]]:
        """Return the transaction, and statements that count what would be left of it."""
        row = self.actor.connection.execute("select pg_current_xact_id()::text").fetchone()
        marks = [
            sql.SQL("select count(*) from {} as r where {}").format(self.catalogue.relations[row.table].sql, row.same())
            for rows in self.ground.rows.values()
            for row in rows
            if row.key
        ]
        return str(row[0]) if row else "", marks

    def report(self, proof: Proof, duration_s: float) -> Report:
        """Return all that was found."""
        planted = {name: len(rows) for name, rows in self.ground.rows.items() if rows}
        failures = {name: why for name, why in self.ground.failures.items() if name not in planted}
        return Report(
            tuple(self.findings),
            self.standing,
            dict(self.not_acted_out),
            planted,
            failures,
            proof,
            round(duration_s, 3),
        )


def judge(attempts: Sequence[Attempt], could_leak: int) -> tuple[Verdict, Attempt]:
    """Return the verdict of a cell and the attempt that decided it. Nothing that could leak is never green."""
    found = {result: attempt for attempt in reversed(attempts) for result in [attempt.result]}
    kinds = set(found)
    if Result.LEAK in kinds:
        return Verdict.LEAK, found[Result.LEAK]
    if kinds == {Result.DENIED}:
        return Verdict.DENIED, found[Result.DENIED]
    if not attempts or not (could_leak or Result.ALLOWED in kinds):
        because = "nothing of others was there, so nothing could leak" if attempts else "nothing was tried"
        return Verdict.INCONCLUSIVE, Attempt("", Result.UNCLEAR, because)
    if Result.UNCLEAR in kinds and kinds <= {Result.UNCLEAR, Result.ALLOWED}:
        return Verdict.INCONCLUSIVE, found[Result.UNCLEAR]
    if Result.ALLOWED in kinds:
        return Verdict.ALLOWED, found[Result.ALLOWED]
    return Verdict.DENIED, found.get(Result.DENIED) or found[Result.NOTHING]


def _positions(connection: Connection, found: Catalogue) -> dict[str, int]:
    """Return the next number of each sequence that has been drawn from."""
    positions = {}
    for name, sequence in found.sequences.items():
        row = connection.execute(
            "select coalesce(pg_sequence_last_value(seqrelid) + seqincrement, seqstart), seqmax, seqmin "
            "from pg_sequence where seqrelid = %s",
            (sequence.oid,),
        ).fetchone()
        if row is not None and int(row[2]) <= int(row[0]) <= int(row[1]):
            positions[name] = int(row[0])
    return positions


def _prove(connection: Connection, transaction: str, marks: list[sql.Composed], examination: Examination) -> Proof:
    """Ask the server, in a new read-only transaction, what became of the one that was rolled back."""
    connection.read_only = True
    row = connection.execute("select pg_xact_status(%s::text::xid8)", (transaction,)).fetchone()
    left = 0
    for statement in marks:
        counted = connection.execute(statement).fetchone()
        left += int(counted[0]) if counted else 0
    now = _positions(connection, examination.catalogue)
    moved = tuple(name for name, last in examination.sequences.items() if now.get(name) != last)
    connection.rollback()
    return Proof(str(row[0]) if row else "unknown", left, moved)
