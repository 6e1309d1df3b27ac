"""What a run must find out, computed from catalogue, environment and selection before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from rollout_gates.catalogue import Catalogue, Clause, applicability
from rollout_gates.environment import Environment
from rollout_gates.errors import UsageProblem, did_you_mean

Profile = Literal["runbook", "strict"]
Row = dict[str, Any]


def selected_systems(environment: Environment, wanted: str | None) -> tuple[str, ...]:
    """Return the keys that ``--system`` names, or all that the environment configures. Raises `UsageProblem`."""
    if not wanted:
        return tuple(sorted(environment.systems))
    keys = tuple(dict.fromkeys(part.strip() for part in wanted.split(",") if part.strip()))
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
    systems: Iterable[str],
    selects: Callable[[Iterable[str]], bool],
    profile: Profile,
) -> list[Row]:
    """Return a row a clause that the selection covers: what it is, whether it applies, whether it is required."""
    chosen = set(systems)
    waivers = {waiver.clause: waiver.model_dump(mode="json") for waiver in environment.waivers}
    return [
        _row(clause, environment, selects, profile, waivers.get(clause.id))
        for clause in catalogue.clauses
        if clause.system in chosen and selects(clause.gates)
    ]


def _row(
    clause: Clause,
    environment: Environment,
    selects: Callable[[Iterable[str]], bool],
    profile: Profile,
    waiver: Mapping[str, Any] | None,
) -> Row:
    settings = environment.systems[clause.system]
    gates = [gate for gate in clause.gates if selects([gate])] or list(clause.gates)
    why_not = applicability(clause, settings.facts(), environment.kind, sandbox=environment.sandbox)
    absent = sorted(set(clause.needs) - settings.capabilities())
    return {
        "id": clause.id,
        "system": clause.system,
        "gate": gates[0],
        "gates": gates,
        "title": clause.title,
        "severity": clause.severity,
        "source": clause.source,
        "required": profile == "strict" or clause.source == "R",
        "applicable": why_not is None,
        "why_not": why_not or "",
        "unconfigured": f"needs {', '.join(absent)}; see the environment file" if absent and why_not is None else "",
        "waiver": waiver,
    }
