"""Faults: the registry of a system and the switches of a running sandbox.

A system keeps its catalogue in `sandbox/<system>/faults.toml`, one `[[fault]]` a row. A fault is written with its
system, `tts:F-13`; inside one system's code the short form `F-13` is enough.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

POSITIONS = ("fixed", "reference", "old")


class FaultError(ValueError):
    """A fault that does not exist, or cannot be switched on here. The message is one line, for a person."""


@dataclass(frozen=True)
class Fault:
    """One row of a fault catalogue.

    *red*: full IDs of the clauses that must fail when only this fault is on. *reference*: the real reference build has
    it. *built*: this sandbox can show it. *modes*, *lanes*: where it can be shown at all; empty means everywhere.
    """

    system: str
    id: str
    kind: str
    summary: str
    red: tuple[str, ...]
    reference: bool = False
    built: bool = False
    modes: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    reference_red: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name with its system: `tts:F-13`."""
        return f"{self.system}:{self.id}"


def systems() -> tuple[str, ...]:
    """Keys of the systems that this sandbox can stand in for."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/faults.toml")))


def load(system: str) -> dict[str, Fault]:
    """The catalogue of *system* by short ID, in file order. Raises FaultError for an unknown system."""
    path = Path(__file__).parent / system / "faults.toml"
    if not path.is_file():
        raise FaultError(f"no such system: {system}{did_you_mean(system, systems())}")
    registry: dict[str, Fault] = {}
    for row in tomllib.loads(path.read_text("utf-8"))["fault"]:
        lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
        fault = Fault(system=system, **{**row, **lists})
        if fault.id in registry:
            raise FaultError(f"{path.name}: {fault.id} stands there twice")
        registry[fault.id] = fault
    return registry


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`. Did you mean X?`, or the whole choice when nothing is near. Starts with a full stop, to be appended."""
    choices = sorted(set(known))
    lowered = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    if near:
        return f". Did you mean {lowered[near[0]]}?"
    return f". Known: {', '.join(choices[:6])}{', ...' if len(choices) > 6 else ''}"


def find(name: str, registries: Mapping[str, Mapping[str, Fault]]) -> Fault:
    """The built fault that *name* (`tts:F-13`) stands for. Raises FaultError for an unknown or unbuilt one."""
    system, colon, short = name.strip().partition(":")
    every = [fault.name for registry in registries.values() for fault in registry.values()]
    if not colon:
        raise FaultError(f"a fault is written with its system, like {every[0]}: {name}{did_you_mean(name, every)}")
    fault = registries.get(system, {}).get(short)
    if fault is None:
        raise FaultError(f"no such fault: {name}{did_you_mean(name, every)}")
    if not fault.built:
        raise FaultError(f"{fault.name} is not built yet: {fault.summary}")
    return fault


class Switches:
    """Which faults of one system are on. Shared by all of its instances, read at the place of the defect."""

    def __init__(self, registry: Mapping[str, Fault], on: Iterable[str] = (), *, position: str = "fixed") -> None:
        self.registry = registry
        self.position = position
        self._on: frozenset[str] = frozenset()
        self.set(on)

    def on(self, fault_id: str) -> bool:
        """Whether `F-13` is on. Raises KeyError for an ID that the catalogue does not have: a typo in our own code."""
        if fault_id not in self.registry:
            raise KeyError(fault_id)
        return fault_id in self._on

    def set(self, on: Iterable[str]) -> None:
        """Switch on exactly these short IDs, and what the position brings along; everything else is off."""
        wanted = set(on)
        for fault_id in wanted:
            if fault_id not in self.registry or not self.registry[fault_id].built:
                raise FaultError(f"cannot switch on {fault_id}")
        if self.position == "reference":
            wanted |= {fault.id for fault in self.registry.values() if fault.reference and fault.built}
        self._on = frozenset(wanted)

    def active(self) -> tuple[str, ...]:
        """Names of the faults that are on, in catalogue order, with their system."""
        return tuple(fault.name for fault in self.registry.values() if fault.id in self._on)
