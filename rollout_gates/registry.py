"""Finds the client packages of the systems. Nothing outside of them is named here.

A system is a package below ``rollout_gates.systems`` that is named by its key, and exports ``KEY``, ``Settings``,
``FLOWS``, ``open_session``, ``send_golden``, ``golden_values`` and ``remove``. One whose ``cells`` are judged in turn
has ``entered(context)``, a block in which the target runs the cell, and ``restore(context)``. A package is imported
when it is asked for: a run pays only for the systems that its environment configures.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TypeVar

from rollout_gates import systems
from rollout_gates.environment import SystemSettings

Found = TypeVar("Found")


class _Lazily(Mapping[str, Found]):
    """A mapping whose keys are known and whose values are made on demand."""

    def __init__(self, keys: tuple[str, ...], make: Callable[[str], Found]) -> None:
        self._keys = keys
        self._make = make

    def __getitem__(self, key: str) -> Found:
        if key not in self._keys:
            raise KeyError(key)
        return self._make(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys


@functools.cache
def system_packages() -> Mapping[str, ModuleType]:
    """Return the package of each system, by its key, in order of the keys."""
    names = sorted(found.name for found in pkgutil.iter_modules(systems.__path__) if found.ispkg)
    return _Lazily(tuple(names), _package)


def settings_classes() -> Mapping[str, type[SystemSettings]]:
    """Return the model of each system's table in an environment file, by system key."""
    return _Lazily(tuple(system_packages()), _settings)


def _package(name: str) -> ModuleType:
    package = importlib.import_module(f"{systems.__name__}.{name}")
    if name != package.KEY:
        raise ImportError(f"{package.__file__}: KEY is {package.KEY!r}, and the folder is called {name!r}")
    return package


def _settings(name: str) -> type[SystemSettings]:
    found: type[SystemSettings] = system_packages()[name].Settings
    return found
