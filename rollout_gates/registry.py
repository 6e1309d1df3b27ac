"""Finds the client packages of the systems. Nothing outside of them is named here.

A system is a package below ``rollout_gates.systems`` that exports ``KEY``, ``Settings``, ``FLOWS``, ``open_session``,
``send_golden``, ``golden_values`` and ``remove``.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType

from rollout_gates import systems
from rollout_gates.environment import SystemSettings


@functools.cache
def system_packages() -> dict[str, ModuleType]:
    """Return the package of each system, by its key, in order of the keys."""
    names = sorted(found.name for found in pkgutil.iter_modules(systems.__path__) if found.ispkg)
    packages = [importlib.import_module(f"{systems.__name__}.{name}") for name in names]
    return {package.KEY: package for package in packages}


def settings_classes() -> dict[str, type[SystemSettings]]:
    """Return the model of each system's table in an environment file, by system key."""
    return {key: package.Settings for key, package in system_packages().items()}
