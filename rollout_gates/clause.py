"""One clause of the catalogue, the head of a clause file, and where a clause applies.

Mistakes in the catalogue are one line each, and name the file and the clause:

CatalogueError
├── CatalogueEmpty   no folder, no file, or a file without clauses
├── CatalogueInvalid a file that is not TOML, an unknown key, gate, severity, source, fact, capability or reference
├── DuplicateClause  one ID twice
├── ForeignClause    an ID that belongs to another system
├── UnknownClause    a lookup of an ID that does not exist
└── UnknownFact      a system that does not tell what its clauses depend on
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator, model_validator

from rollout_gates.environment import Kind
from rollout_gates.errors import UsageProblem, did_you_mean
from rollout_gates.selection import GATES

Severity = Literal["critical", "high", "medium", "low"]
Source = Literal["R", "D", "KR"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
CLAUSE_ID = re.compile(r"[A-Z]{2,}(?:-[A-Z0-9]+)+-[0-9]{2,3}")
"""The form of an ID: prefix, group, number, such as ``ABC-GROUP-01``."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[str, Field(min_length=1)]


class CatalogueError(UsageProblem):
    """The catalogue cannot be used, or does not have what was asked of it."""


class CatalogueEmpty(CatalogueError):
    """There is nothing to judge by."""


class CatalogueInvalid(CatalogueError):
    """A file, or a clause in it, is not what the format allows."""


class DuplicateClause(CatalogueError):
    """One ID stands twice."""


class ForeignClause(CatalogueError):
    """A clause stands in the file of a system that it does not belong to."""


class UnknownClause(CatalogueError):
    """No clause has that ID."""


class UnknownFact(CatalogueError):
    """A system's facts do not fit the catalogue, so nothing can be said about what applies."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Standard(_Table):
    """A public standard that clauses point at: its *entries*, by the IDs that ``references`` may name.

    *whole*: the entries are all that the standard has, so a report can tell which of them nothing was judged of.
    """

    title: Words
    whole: StrictBool = False
    entries: Mapping[Annotated[str, Field(pattern=r"^\S+$")], Words] = Field(min_length=1)


class Route(_Table):
    """One route of the system's API, as its contract lists it. *tier*: which rate limit counts it, ``None`` for none.

    *auth* says who may call: ``none`` anybody, ``optional`` anybody, but users see more, ``required`` users only,
    ``signature`` whoever signs the body.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str = Field(pattern=r"^/\S+$")
    auth: Literal["none", "optional", "required", "signature"]
    tier: int | None = Field(None, ge=1)
    applies: Mapping[Name, Annotated[tuple[str, ...], Field(min_length=1)]] = {}

    @property
    def name(self) -> str:
        """Method and path, as the contract writes them: ``GET /tasks/:id``."""
        return f"{self.method} {self.path}"

    def applies_to(self, facts: Mapping[str, str]) -> bool:
        """Tell whether a system with these *facts* has the route."""
        return all(facts.get(fact) in values for fact, values in self.applies.items())


class SystemClauses(_Table):
    """The head of one file: a system, the prefixes of its IDs, and the contract that they come from.

    *facts* lists the values of each fact that ``applies`` may name; *capabilities* says in words what each name in
    ``needs`` stands for; *standards* holds what ``references`` may name; *route* is the API's list of routes.
    """

    system: Name
    title: Words
    prefixes: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2,}$")], ...] = Field(min_length=1)
    contract: Words
    facts: Mapping[Name, tuple[Words, ...]] = {}
    capabilities: Mapping[Name, Words] = {}
    standards: Mapping[Name, Standard] = {}
    route: tuple[Route, ...] = ()

    @property
    def references(self) -> frozenset[str]:
        """The IDs of all entries of all standards."""
        return frozenset(entry for standard in self.standards.values() for entry in standard.entries)

    def owns(self, clause_id: str) -> bool:
        """Say whether *clause_id* begins with one of the prefixes."""
        return clause_id.startswith(tuple(f"{prefix}-" for prefix in self.prefixes))


class Clause(_Table):
    """One thing that must hold. Empty *applies*, *kinds* and *needs* mean: everywhere, without more than the API."""

    system: Name
    id: str = Field(pattern=f"^{CLAUSE_ID.pattern}$")
    title: str = Field(min_length=10, max_length=110, pattern=r"^\S[^\n]*[^\s.]$")
    gates: tuple[str, ...] = Field(min_length=1)
    severity: Severity
    source: Source
    applies: Mapping[Name, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    kinds: tuple[Kind, ...] = ()
    needs: tuple[Name, ...] = ()
    references: tuple[str, ...] = ()
    only_sandbox: StrictBool = False

    @field_validator("gates")
    @classmethod
    def _known_gates(cls, gates: tuple[str, ...]) -> tuple[str, ...]:
        for gate in gates:
            if gate not in GATES:
                raise ValueError(f"unknown gate {gate!r}{did_you_mean(gate, GATES)}")
        return gates

    @field_validator("gates", "kinds", "needs", "references")
    @classmethod
    def _no_repetition(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) != len(values):
            raise ValueError("an entry stands twice")
        return values

    @model_validator(mode="after")
    def _judged_somewhere(self) -> Clause:
        if self.only_sandbox and self.kinds and "local" not in self.kinds:
            raise ValueError("only_sandbox and these kinds exclude each other, so it could never be judged")
        return self

    def __hash__(self) -> int:
        """Hash by the ID, which is unique."""
        return hash(self.id)

    @property
    def home(self) -> str:
        """The gate that the clause belongs to first."""
        return self.gates[0]

    def missing(self, capabilities: Iterable[str]) -> tuple[str, ...]:
        """Return what the clause needs and *capabilities* do not hold; without it the clause is inconclusive."""
        held = set(capabilities)
        return tuple(need for need in self.needs if need not in held)


def applicability(clause: Clause, facts: Mapping[str, str], kind: str, *, sandbox: bool | None = None) -> str | None:
    """Return why *clause* does not apply to a system with these *facts* in this *kind* of environment, else ``None``.

    *sandbox*: whether the providers are stand-ins; by default they are where the kind is ``local``. Only
    configuration is looked at. Raises `UnknownFact` where the system does not tell a fact that decides.
    """
    for fact, wanted in clause.applies.items():
        if fact not in facts:
            raise UnknownFact(f"{clause.id}: the environment does not tell the {fact} of {clause.system}")
        if facts[fact] not in wanted:
            return f"only where {fact} is {' or '.join(wanted)}, here it is {facts[fact]}"
    if clause.only_sandbox and not (kind == "local" if sandbox is None else sandbox):
        return "only where the providers are stand-ins, in the sandbox"
    if clause.kinds and kind not in clause.kinds:
        return f"only in an environment of kind {' or '.join(clause.kinds)}, this one is {kind}"
    return None
