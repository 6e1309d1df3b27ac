"""The clause catalogue: every single thing that must hold, one TOML file a system in ``clauses/``.

The catalogue says what a run has to find out, so a clause that no check claims, or that lost its check, still shows.
It is validated whole when it is loaded; each mistake is one line that names the file and the clause.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from rollout_gates.claims import scan_claims
from rollout_gates.clause import (
    CatalogueEmpty,
    CatalogueError,
    CatalogueInvalid,
    Clause,
    DuplicateClause,
    ForeignClause,
    SystemClauses,
    UnknownClause,
    UnknownFact,
    applicability,
)
from rollout_gates.errors import did_you_mean
from rollout_gates.explain import explain
from rollout_gates.selection import GATES

Model = TypeVar("Model", bound=BaseModel)

__all__ = [
    "Catalogue",
    "CatalogueEmpty",
    "CatalogueError",
    "CatalogueInvalid",
    "Clause",
    "DuplicateClause",
    "ForeignClause",
    "SystemClauses",
    "UnknownClause",
    "UnknownFact",
    "applicability",
    "find_folder",
    "load",
    "scan_claims",
]


@dataclass(frozen=True)
class Catalogue:
    """All clauses, in the order of their files."""

    clauses: tuple[Clause, ...]
    systems: Mapping[str, SystemClauses]

    @cached_property
    def ids(self) -> Mapping[str, Clause]:
        """Each clause by its ID."""
        return {clause.id: clause for clause in self.clauses}

    def clause(self, wanted: str) -> Clause:
        """Return the clause with the ID *wanted*, in any letter case. Raises `UnknownClause` with the nearest ID."""
        found = self.ids.get(wanted.strip().upper())
        if found is None:
            raise UnknownClause(self._unknown(wanted))
        return found

    def for_gates(self, gates: Iterable[str], systems: Iterable[str] | None = None) -> tuple[Clause, ...]:
        """Return the clauses that any of *gates*, in either spelling, decides by; of *systems* or of all."""
        wanted = {gate.replace("_", "-") for gate in gates}
        for gate in sorted(wanted - GATES.keys()):
            raise CatalogueError(f"unknown gate {gate!r}{did_you_mean(gate, GATES)}")
        chosen = set(self.systems if systems is None else systems)
        return tuple(c for c in self.clauses if c.system in chosen and wanted.intersection(c.gates))

    def search(self, text: str) -> tuple[Clause, ...]:
        """Return the clauses that hold every word of *text* in ID, title, gates, severity, facts, needs, references."""
        words = text.casefold().split()
        return tuple(clause for clause in self.clauses if all(word in _haystack(clause) for word in words))

    def claims_without_clause(self, claims: Iterable[str]) -> tuple[str, ...]:
        """Return one line for each of *claims* that is no clause here, sorted, with the nearest ID."""
        return tuple(self._unknown(claim) for claim in sorted(set(claims) - self.ids.keys()))

    def clauses_without_check(self, claims: Iterable[str]) -> tuple[Clause, ...]:
        """Return the clauses that none of *claims* names."""
        claimed = set(claims)
        return tuple(clause for clause in self.clauses if clause.id not in claimed)

    def check_facts(self, system: str, facts: Mapping[str, str]) -> None:
        """Refuse *facts* that lack one the catalogue knows, or hold a value it does not. Raises `UnknownFact`.

        Such a value would match no clause, and turn all that depend on it into "not applicable".
        """
        known = self.systems[system].facts if system in self.systems else {}
        for fact, values in known.items():
            if facts.get(fact) not in values:
                raise UnknownFact(f"{system}: {fact} is {facts.get(fact)!r}, expected one of: {', '.join(values)}")

    def _unknown(self, wanted: str) -> str:
        hint = did_you_mean(wanted.strip().upper(), self.ids)
        # The whole list of hundreds of IDs would be no hint.
        near = hint if "did you mean" in hint else "; `rollout-gates clauses TEXT` searches the catalogue"
        return f"unknown clause {wanted!r}{near}"


def load(folder: Path) -> Catalogue:
    """Read and validate every file of *folder*, in order of their names. Raises `CatalogueError`."""
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise CatalogueEmpty(f"{folder}: no clause file (*.toml) is there, so there is nothing to judge by")
    files = [_read(path) for path in paths]
    _refuse_shared_prefixes(files)
    seen: dict[str, Path] = {}
    clauses = tuple(clause for file in files for clause in _clauses(file, files, seen))
    return Catalogue(clauses, {file.head.system: file.head for file in files})


def find_folder(start: Path | None = None) -> Path:
    """Return the ``clauses`` folder at or above *start* (the current directory), else the one of this checkout."""
    here = (start or Path()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parent.parent):
        if any((folder / "clauses").glob("*.toml")):
            return folder / "clauses"
    raise CatalogueEmpty(f"there is no folder clauses/ with *.toml files at or above {here}; name one with --folder")


class _Rows(SystemClauses):
    """A whole file: the head, and the clauses as they stand there."""

    clause: tuple[dict[str, Any], ...] = Field(min_length=1)


@dataclass(frozen=True)
class _File:
    path: Path
    head: SystemClauses
    rows: tuple[dict[str, Any], ...]


def _read(path: Path) -> _File:
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise CatalogueInvalid(f"{path}: not valid TOML: {problem}") from None
    if not table.get("clause"):
        raise CatalogueEmpty(f"{path}: there is no [[clause]] in it, so there is nothing to judge by")
    whole = _validated(_Rows, table, f"{path}")
    if whole.system != path.stem:
        raise CatalogueInvalid(f"{path}: system: expected {path.stem!r} like the file's name, got {whole.system!r}")
    head = SystemClauses(**whole.model_dump(exclude={"clause"}))
    _refuse_bad_routes(head, path)
    return _File(path, head, whole.clause)


def _validated(model: type[Model], table: Mapping[str, Any], where: str) -> Model:
    try:
        return model.model_validate(table)
    except ValidationError as problem:
        lines = [line.removeprefix(": ") for line in explain(problem, model)]
        # A misspelt key is also a missing one; the misspelling is what helps.
        told = next((line for line in lines if "unknown key" in line), lines[0])
        raise CatalogueInvalid(f"{where}: {told}") from None


def _clauses(file: _File, files: Iterable[_File], seen: dict[str, Path]) -> Iterable[Clause]:
    for number, row in enumerate(file.rows, start=1):
        where = f"{file.path}: {row.get('id') or f'clause {number}'}"
        if "system" in row:
            raise CatalogueInvalid(f"{where}: system: unknown key; it stands once, at the top of the file")
        clause = _validated(Clause, {**row, "system": file.head.system}, where)
        _refuse_foreign(clause, file, files)
        _refuse_unknown_words(clause, file.head, where)
        if clause.id in seen:
            raise DuplicateClause(f"{where}: this ID stands twice, also in {seen[clause.id]}")
        seen[clause.id] = file.path
        yield clause


def _refuse_foreign(clause: Clause, file: _File, files: Iterable[_File]) -> None:
    if file.head.owns(clause.id):
        return
    owner = next((f" and belongs into {other.path}" for other in files if other.head.owns(clause.id)), "")
    expected = ", ".join(f"{prefix}-" for prefix in file.head.prefixes)
    raise ForeignClause(f"{file.path}: {clause.id}: the ID does not begin with {expected}{owner}")


def _refuse_unknown_words(clause: Clause, head: SystemClauses, where: str) -> None:
    _refuse_unknown_facts(clause.applies, head, where)
    for need in clause.needs:
        if need not in head.capabilities:
            hint = did_you_mean(need, head.capabilities)
            raise CatalogueInvalid(f"{where}: needs: unknown capability {need!r}{hint}")
    for reference in clause.references:
        if reference not in head.references:
            hint = did_you_mean(reference, head.references)
            raise CatalogueInvalid(f"{where}: references: no standard has {reference!r}{hint}")


def _refuse_unknown_facts(applies: Mapping[str, Iterable[str]], head: SystemClauses, where: str) -> None:
    for fact, values in applies.items():
        if fact not in head.facts:
            raise CatalogueInvalid(f"{where}: applies: unknown fact {fact!r}{did_you_mean(fact, head.facts)}")
        for value in values:
            if value not in head.facts[fact]:
                hint = did_you_mean(value, head.facts[fact])
                raise CatalogueInvalid(f"{where}: applies.{fact}: unknown value {value!r}{hint}")


def _refuse_bad_routes(head: SystemClauses, path: Path) -> None:
    seen: set[str] = set()
    for route in head.route:
        _refuse_unknown_facts(route.applies, head, f"{path}: route {route.name}")
        if route.name in seen:
            raise CatalogueInvalid(f"{path}: route {route.name}: stands twice")
        seen.add(route.name)


def _refuse_shared_prefixes(files: Iterable[_File]) -> None:
    owners: dict[str, Path] = {}
    for file in files:
        for prefix in file.head.prefixes:
            if prefix in owners:
                raise CatalogueInvalid(f"{file.path}: prefixes: {prefix!r} is already taken by {owners[prefix]}")
            owners[prefix] = file.path


def _haystack(clause: Clause) -> str:
    applies = [value for values in clause.applies.values() for value in values]
    parts = (clause.id, clause.system, clause.title, clause.severity, *clause.gates, *clause.needs, *clause.references)
    return " ".join((*parts, *applies)).casefold()
