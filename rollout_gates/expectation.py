"""What a run must find out, computed from catalogue, environment and selection before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from rollout_gates.catalogue import Catalogue, Clause, applicability
from rollout_gates.environment import Environment, SystemSettings
from rollout_gates.errors import UsageProblem, did_you_mean

Profile = Literal["runbook", "strict"]
Row = dict[str, Any]
Cells = Mapping[str, Mapping[str, SystemSettings]]
"""The settings of each cell of each system; a system that is judged as it stands has one cell without a name."""
Absent = Mapping[str, Mapping[str, tuple[SystemSettings, str]]]
"""The cells of each system that are not judged, by configuration alone: their settings, and why not."""


def selected_systems(environment: Environment, wanted: str | None) -> tuple[str, ...]:
    """Return the keys that ``--system`` names, or all that the environment configures. Raises `UsageProblem`."""
    if wanted is None:
        return tuple(sorted(environment.systems))
    keys = tuple(dict.fromkeys(part.strip() for part in wanted.split(",") if part.strip()))
    if not keys:
        raise UsageProblem(f"--system: {wanted!r} names no system{did_you_mean('', environment.systems)}")
    for key in keys:
        if key not in environment.systems:
            hint = did_you_mean(key, environment.systems)
            raise UsageProblem(f"--system: {environment.path} configures no system {key!r}{hint}")
    return keys


def refuse_unknown_waivers(environment: Environment, catalogue: Catalogue) -> None:
    """Refuse a waiver for a clause that the catalogue does not have: it could never count, or hides a typo."""
    for number, waiver in enumerate(environment.waivers):
        if waiver.clause not in catalogue.ids:
            hint = did_you_mean(waiver.clause, catalogue.ids)
            raise UsageProblem(f"{environment.path}: waivers[{number}].clause: unknown clause {waiver.clause!r}{hint}")


def expected_rows(
    catalogue: Catalogue,
    environment: Environment,
    cells: Cells,
    selects: Callable[[Iterable[str]], bool],
    profile: Profile,
    *,
    absent: Absent = MappingProxyType({}),
) -> list[Row]:
    """Return a row a clause that the selection covers: what it is, whether it applies, whether it is required.

    *cells* are the configurations of each system that is judged. Where a system has several, its rows tell of each,
    and of those that are *absent*.
    """
    waivers = {waiver.clause: waiver.model_dump(mode="json") for waiver in environment.waivers}
    return [
        {
            **_row(clause, environment, cells[clause.system], selects),
            **_table(clause, environment, cells[clause.system], absent.get(clause.system, {})),
            "required": profile == "strict" or clause.source == "R",
            "waiver": waivers.get(clause.id),
        }
        for clause in catalogue.clauses
        if clause.system in cells and selects(clause.gates)
    ]


def standards_of(catalogue: Catalogue, rows: Iterable[Row]) -> list[Row]:
    """Return the standards that any of *rows* points at, each once, with the titles of their entries."""
    named = {reference for row in rows for reference in row["references"]}
    found: dict[str, Row] = {}
    for head in catalogue.systems.values():
        for key, standard in head.standards.items():
            if named & standard.entries.keys():
                entries = {**found.get(key, {}).get("entries", {}), **standard.entries}
                found[key] = {"key": key, "title": standard.title, "whole": standard.whole, "entries": entries}
    return list(found.values())


def _row(
    clause: Clause,
    environment: Environment,
    cells: Mapping[str, SystemSettings],
    selects: Callable[[Iterable[str]], bool],
) -> Row:
    told = [_cell(clause, name, settings, environment) for name, settings in cells.items()]
    applicable = [cell for cell in told if cell["applicable"]]
    decisive = next((cell for cell in applicable if not cell["unconfigured"]), (applicable or told)[0])
    gates = [gate for gate in clause.gates if selects([gate])] or list(clause.gates)
    return {
        "id": clause.id,
        "system": clause.system,
        "gate": gates[0],
        "gates": gates,
        "title": clause.title,
        "severity": clause.severity,
        "source": clause.source,
        "references": list(clause.references),
        **{key: decisive[key] for key in ("applicable", "why_not", "unconfigured")},
    }


def _table(
    clause: Clause,
    environment: Environment,
    cells: Mapping[str, SystemSettings],
    absent: Mapping[str, tuple[SystemSettings, str]],
) -> Row:
    """Return what the row says of each cell, where there are several."""
    told = [_cell(clause, name, settings, environment) for name, settings in cells.items()]
    for name, (settings, why) in absent.items():
        cell = _cell(clause, name, settings, environment)
        if cell["applicable"]:
            cell.update(applicable=False, why_not=f"not judged: {why}", unconfigured="", judged=False)
        told.append(cell)
    return {"cells": told if len(told) > 1 else []}


def _cell(clause: Clause, name: str, settings: SystemSettings, environment: Environment) -> Row:
    why_not = applicability(clause, settings.facts(), environment.kind, sandbox=environment.sandbox)
    held = settings.capabilities() | (settings.sandbox_capabilities() if environment.sandbox else frozenset())
    held |= environment.capabilities()
    absent = sorted(set(clause.needs) - held)
    return {
        "cell": name,
        "applicable": why_not is None,
        "why_not": why_not or "",
        "unconfigured": f"needs {', '.join(absent)}; see the environment file" if absent and why_not is None else "",
    }
