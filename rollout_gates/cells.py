"""The cells of a run: the configurations of a system that one gate covers, such as each mode in each lane.

A system is judged as it stands, in one cell without a name, unless the gate is run in each configuration and the
system's package can name several. Where they differ is in the package's hands; here they are only opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rollout_gates import registry
from rollout_gates.cell_plan import CellPlan
from rollout_gates.conductor import company_of
from rollout_gates.environment import Draft, Overlay, SystemSettings
from rollout_gates.errors import SandboxFailed
from rollout_gates.selection import covers_cells, enters_cells

# Values of secrets go from process to process in this variable alone; no file and no log ever holds them.
_SECRETS = "ROLLOUT_GATES_CELL_SECRETS"


@dataclass(frozen=True)
class Cell:
    """One configuration of *system*. *overlay* is what the stand-in added, its secrets included.

    One that is *in_turn* shares a deployment with others, and is entered before it is judged.
    """

    system: str
    name: str
    settings: SystemSettings
    more: Mapping[str, Any]
    overlay: Overlay
    in_turn: bool = False

    @property
    def company(self) -> str:
        """The name of its flows."""
        return company_of(self.system, self.name)

    @property
    def group(self) -> str:
        """What it shares users, rate limits and a process with: cells that are judged in turn, their whole system."""
        return self.system if self.in_turn else self.company

    @property
    def sandbox_url(self) -> str | None:
        """Where the stand-in is controlled, or ``None`` for a deployment."""
        return self.overlay.control_url


@dataclass(frozen=True)
class Reach:
    """How far a run goes: into *cells* at all, and *in_turn* into those that one deployment has to be brought into."""

    cells: bool = False
    in_turn: bool = False

    @classmethod
    def of(cls, markers: str) -> Reach:
        """Return how far the gates go that the expression *markers* selects."""
        return cls(covers_cells(markers), enters_cells(markers))


def planned_cells(draft: Draft, system: str, reach: Reach) -> Mapping[str, CellPlan]:
    """Return what *system*'s package says of each cell, by name."""
    offer = getattr(registry.system_packages()[system], "cells", None)
    if not reach.cells or offer is None:
        return {"": CellPlan()}
    head = draft.head
    found: Mapping[str, CellPlan] = offer(
        table=draft.tables[system], kind=head.kind, sandbox=head.sandbox, in_turn=reach.in_turn
    )
    return found or {"": CellPlan()}


def absent_cells(
    draft: Draft, systems: Iterable[str], reach: Reach
) -> dict[str, dict[str, tuple[SystemSettings, str]]]:
    """Return the cells of each system that are not judged: their settings, as far as told, and why not."""
    return {
        key: {
            name: (_provisional(draft, key, plan), plan.absent)
            for name, plan in planned_cells(draft, key, reach).items()
            if plan.absent
        }
        for key in systems
    }


def provisional_cells(draft: Draft, systems: Iterable[str], reach: Reach) -> dict[str, Cell]:
    """Return the cells as far as the file alone tells, for a run that only collects."""
    return {
        company_of(key, name): Cell(key, name, _provisional(draft, key, plan), plan.more, Overlay(), plan.in_turn)
        for key, name, plan in _judged(draft, systems, reach)
    }


def open_cells(
    draft: Draft, systems: Iterable[str], overlays: Iterable[Overlay], variables: Mapping[str, str], reach: Reach
) -> dict[str, Cell]:
    """Return the cells of *systems* by company, validated; *overlays* are those of the stand-in's instances."""
    listed = list(overlays)
    return {
        company_of(key, name): _cell(draft, (key, name), plan, _overlay(listed, key, plan.more), variables)
        for key, name, plan in _judged(draft, systems, reach)
    }


def _judged(draft: Draft, systems: Iterable[str], reach: Reach) -> Iterable[tuple[str, str, CellPlan]]:
    for key in systems:
        for name, plan in planned_cells(draft, key, reach).items():
            if not plan.absent:
                yield key, name, plan


def _provisional(draft: Draft, key: str, plan: CellPlan) -> SystemSettings:
    return draft.classes[key].provisional({**draft.tables[key], **plan.more})


def first_settings(cells: Mapping[str, Cell]) -> dict[str, SystemSettings]:
    """Return the settings of the first cell of each system, for what speaks of the environment as a whole."""
    found: dict[str, SystemSettings] = {}
    for cell in cells.values():
        found.setdefault(cell.system, cell.settings)
    return found


def hand_down_secrets(cells: Mapping[str, Cell]) -> None:
    """Put the secrets that a stand-in told into the environment that workers will inherit. Before they are started."""
    os.environ[_SECRETS] = json.dumps({company: dict(cell.overlay.variables) for company, cell in cells.items()})


def share_cells(cells: Mapping[str, Cell]) -> list[dict[str, Any]]:
    """Return what a worker needs to open the same cells, without the secrets, which it inherits."""
    return [
        {
            "system": cell.system,
            "name": cell.name,
            "more": dict(cell.more),
            "in_turn": cell.in_turn,
            "table": cell.overlay.systems.get(cell.system, {}),
            "control_url": cell.sandbox_url,
        }
        for cell in cells.values()
    ]


def shared_cells(draft: Draft, rows: Iterable[Mapping[str, Any]], variables: Mapping[str, str]) -> dict[str, Cell]:
    """Open in a worker the cells that the controlling process shares."""
    secrets = json.loads(variables.get(_SECRETS, "{}"))
    opened: dict[str, Cell] = {}
    for row in rows:
        company = company_of(row["system"], row["name"])
        overlay = Overlay({row["system"]: row["table"]}, secrets.get(company, {}), row["control_url"])
        opened[company] = _cell(
            draft, (row["system"], row["name"]), CellPlan(row["more"], row["in_turn"]), overlay, variables
        )
    return opened


def _cell(draft: Draft, named: tuple[str, str], plan: CellPlan, overlay: Overlay, variables: Mapping[str, str]) -> Cell:
    system, name = named
    held = {**variables, **overlay.variables}
    settings = draft.system(system, held, overlay, plan.more)
    return Cell(system, name, settings, plan.more, overlay, plan.in_turn)


def _overlay(overlays: list[Overlay], system: str, more: Mapping[str, Any]) -> Overlay:
    """Return the overlay of the instance that was started as *more* says."""
    mine = [overlay for overlay in overlays if system in overlay.systems]
    if not mine:
        return Overlay()
    for overlay in mine:
        if all(overlay.systems[system].get(key) == value for key, value in more.items()):
            return overlay
    raise SandboxFailed(f"the sandbox started no instance of {system} with {dict(more)}")
