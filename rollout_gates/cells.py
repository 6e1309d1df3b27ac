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
from rollout_gates.conductor import company_of
from rollout_gates.environment import Draft, Overlay, SystemSettings
from rollout_gates.errors import SandboxFailed

# Values of secrets go from process to process in this variable alone; no file and no log ever holds them.
_SECRETS = "ROLLOUT_GATES_CELL_SECRETS"


@dataclass(frozen=True)
class Cell:
    """One configuration of *system*. *overlay* is what the stand-in added, its secrets included."""

    system: str
    name: str
    settings: SystemSettings
    more: Mapping[str, Any]
    overlay: Overlay

    @property
    def sandbox_url(self) -> str | None:
        """Where the stand-in is controlled, or ``None`` for a deployment."""
        return self.overlay.control_url


def wanted_cells(draft: Draft, system: str, *, matrix: bool) -> Mapping[str, Mapping[str, Any]]:
    """Return each cell of *system* by name, with what its settings have beside the file's."""
    offer = getattr(registry.system_packages()[system], "cells", None)
    found = offer(sandbox=draft.head.sandbox) if matrix and offer is not None else {}
    return found or {"": {}}


def provisional_cells(draft: Draft, systems: Iterable[str], *, matrix: bool) -> dict[str, Cell]:
    """Return the cells as far as the file alone tells, for a run that only collects."""
    return {
        company_of(key, name): Cell(
            key, name, draft.classes[key].model_construct(**{**draft.tables[key], **more}), more, Overlay()
        )
        for key in systems
        for name, more in wanted_cells(draft, key, matrix=matrix).items()
    }


def open_cells(
    draft: Draft, systems: Iterable[str], overlays: Iterable[Overlay], variables: Mapping[str, str], *, matrix: bool
) -> dict[str, Cell]:
    """Return the cells of *systems* by company, validated; *overlays* are those of the stand-in's instances."""
    listed = list(overlays)
    return {
        company_of(key, name): _cell(draft, (key, name), more, _overlay(listed, key, more), variables)
        for key in systems
        for name, more in wanted_cells(draft, key, matrix=matrix).items()
    }


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
        opened[company] = _cell(draft, (row["system"], row["name"]), row["more"], overlay, variables)
    return opened


def _cell(
    draft: Draft, named: tuple[str, str], more: Mapping[str, Any], overlay: Overlay, variables: Mapping[str, str]
) -> Cell:
    system, name = named
    held = {**variables, **overlay.variables}
    return Cell(system, name, draft.system(system, held, overlay, more), more, overlay)


def _overlay(overlays: list[Overlay], system: str, more: Mapping[str, Any]) -> Overlay:
    """Return the overlay of the instance that was started as *more* says."""
    mine = [overlay for overlay in overlays if system in overlay.systems]
    if not mine:
        return Overlay()
    for overlay in mine:
        if all(overlay.systems[system].get(key) == value for key, value in more.items()):
            return overlay
    raise SandboxFailed(f"the sandbox started no instance of {system} with {dict(more)}")
