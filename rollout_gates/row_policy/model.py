"""Who acts, what is meant to be allowed, and what was found: the words of the row-policy oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]

NONE, OWN, ALL = "none", "own", "all"
"""Scopes: no row, the rows that belong to the identity, every row. Any other scope is an SQL condition on row ``r``."""

THE_REST = "(the rest)"
"""The name in `Report.not_acted_out` for all that the time did not suffice for."""

ANON, USER, SERVICE = "anon", "user", "service"
"""Audiences: nobody in particular, a signed-in user, the trusted back end."""


class Operation(StrEnum):
    """What an identity does with an object."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    TRUNCATE = "truncate"
    CALL = "call"
    SET = "setval"


class Verdict(StrEnum):
    """How a cell of the matrix ended."""

    LEAK = "leak"
    ALLOWED = "allowed as intended"
    DENIED = "denied"
    INCONCLUSIVE = "inconclusive"


class Result(StrEnum):
    """How a single attempt ended."""

    LEAK = "leak"
    ALLOWED = "allowed"
    DENIED = "denied"
    NOTHING = "no effect"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Identity:
    """Somebody who calls: a database *role* and the session *settings* that tell policies who it is.

    *me* holds the values that rows of its own bear, by kind: ``{"user": "6f1c..."}``, ``{"tenant": "7"}``. A role that
    logs in by itself (*login*) is acted as its own session user, where the connection is a superuser's.
    """

    name: str
    role: str
    settings: Mapping[str, str] = field(default_factory=dict)
    me: Mapping[str, str] = field(default_factory=dict)
    audience: str = USER
    login: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of owner: the *table* (``schema.name``) and *column* that hold its keys, *names* of columns with them."""

    table: str | None = None
    column: str = "id"
    names: tuple[str, ...] = ()


USER_NAMES = (
    "user_id", "owner_id", "owner", "author_id", "created_by", "auth_id", "account_owner", "uid", "user_uuid",
    "username",
)  # fmt: skip
TENANT_NAMES = ("tenant_id", "tenant", "org_id", "organization_id", "organisation_id", "workspace_id", "team_id")


@dataclass(frozen=True)
class Access:
    """What one audience may do with one object, as a scope for each operation.

    *columns* narrows or widens `select` for single columns. *frozen* are columns whose content a caller may not choose,
    in rows of his own either. A view or function whose `select` or `call` is ``all`` is public by intent.
    """

    select: str = OWN
    insert: str = OWN
    update: str = OWN
    delete: str = OWN
    truncate: str = NONE
    call: str = OWN
    columns: Mapping[str, str] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()

    def scope(self, operation: Operation) -> str:
        """Return the scope of *operation*."""
        return NONE if operation is Operation.SET else str(getattr(self, operation.value))


NOTHING = Access(NONE, NONE, NONE, NONE, call=OWN)
EVERYTHING = Access(ALL, ALL, ALL, ALL, truncate=ALL, call=ALL)
READ_ALL = Access(ALL, NONE, NONE, NONE)
READ_OWN = Access(OWN, NONE, NONE, NONE)
CLOSED = Access(NONE, NONE, NONE, NONE, call=NONE)

Seed = Callable[["Connection"], None]


@dataclass(frozen=True)
class Intent:
    """What is meant to be public, own or closed.

    *access* is declared by object (``schema.name``) and audience, ``*`` for all of them. What is not declared: the
    service may do everything, anon nothing, a user reads and writes its own rows; rows without an owner are read by
    every user and written by none. *own* gives the condition on ``r`` that makes a row one's own, where the keys and
    names of *kinds* do not tell; ``%(user)s`` stands for the identity's value of kind `user`. *functions* is the
    scope of calls that are not declared; *undeclared*, where it is given, takes the place of the
    defaults for tables. *seed* plants further rows inside of the transaction, after each identity got its own.
    """

    kinds: Mapping[str, Kind] = field(default_factory=lambda: {"user": Kind(names=USER_NAMES)})
    own: Mapping[str, str] = field(default_factory=dict)
    access: Mapping[str, Mapping[str, Access]] = field(default_factory=dict)
    functions: str = OWN
    undeclared: Access | None = None
    seed: Seed | None = None
    editable_claims: tuple[str, ...] = ("user_metadata", "raw_user_meta_data")


@dataclass(frozen=True)
class Options:
    """Bounds of one examination. *schemas* are the reachable ones; *within_s* ends the acting."""

    schemas: tuple[str, ...] = ("public",)
    statement_timeout_ms: int = 2_000
    lock_timeout_ms: int = 500
    within_s: float = 120
    rows: int = 500
    calls: int = 40
    tables: int = 500


@dataclass(frozen=True)
class Attempt:
    """One thing that was tried: the *way* in, how it ended, and why, without any content of rows."""

    way: str
    result: Result
    because: str


@dataclass(frozen=True)
class Finding:
    """One cell of the matrix."""

    identity: str
    object: str
    operation: Operation
    verdict: Verdict
    way: str
    evidence: str
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Standing:
    """What the catalogue says of one object: *rule* that is broken, for which *roles*, and what was seen."""

    object: str
    rule: str
    roles: tuple[str, ...]
    detail: str


@dataclass(frozen=True)
class Proof:
    """That nothing was kept: the state of the transaction, rows that are still there, sequences that moved."""

    transaction: str
    rows_left: int
    sequences_moved: tuple[str, ...]

    @property
    def nothing_kept(self) -> bool:
        """Whether the server says that the transaction was aborted and none of its rows can be found."""
        return self.transaction == "aborted" and self.rows_left == 0


@dataclass(frozen=True)
class Report:
    """All that an examination found. *not_acted_out* names objects with the reason why nobody touched them."""

    findings: tuple[Finding, ...]
    standing: tuple[Standing, ...]
    not_acted_out: Mapping[str, str]
    planted: Mapping[str, int]
    not_planted: Mapping[str, str]
    proof: Proof
    duration_s: float

    def with_verdict(self, verdict: Verdict) -> tuple[Finding, ...]:
        """Return the findings that ended so."""
        return tuple(finding for finding in self.findings if finding.verdict is verdict)

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """Return the cells that leak."""
        return self.with_verdict(Verdict.LEAK)

    def matrix(self) -> str:
        """Return the cells as a table: a row for each object and operation, a column for each identity."""
        who = list(dict.fromkeys(finding.identity for finding in self.findings))
        cells = {(f.object, f.operation, f.identity): f.verdict for f in self.findings}
        rows = list(dict.fromkeys((f.object, f.operation) for f in self.findings))
        lines = ["| object | operation | " + " | ".join(who) + " |", "| --- " * (len(who) + 2) + "|"]
        for name, operation in rows:
            told = [str(cells.get((name, operation, one), "")) for one in who]
            lines.append(f"| {name} | {operation} | " + " | ".join(told) + " |")
        return "\n".join(lines)
