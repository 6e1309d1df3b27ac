"""The routes that nobody may use without a good token, as the catalogue lists them: what probes go through."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rollout_gates.catalogue import find_folder, load
from rollout_gates.systems.tts.names import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.clause import Route


def protected(facts: Mapping[str, str]) -> tuple[Route, ...]:
    """Return the protected routes that a deployment with these *facts* has."""
    return tuple(route for route in _routes() if route.auth == "required" and route.applies_to(facts))


@cache
def _routes() -> tuple[Route, ...]:
    return load(find_folder()).systems[KEY].route
