"""The provider's models, as their names tell them apart (protocol sheet, section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FAMILY = re.compile(r"-(?P<family>vc|vd)(?P<realtime>-realtime)?(?:-|$)")


def family_of(model: str) -> str | None:
    """Return `vc` (clones), `vd` (designs), or ``None`` for a model that takes neither."""
    found = _FAMILY.search(model)
    return found["family"] if found else None


def is_realtime(model: str) -> bool:
    """Whether *model* is served over the WebSocket."""
    found = _FAMILY.search(model)
    return bool(found and found["realtime"])


@dataclass(frozen=True)
class ProviderModels:
    """The models that are judged, in the order of preference."""

    names: tuple[str, ...]

    def clone(self, *, realtime: bool) -> str | None:
        """Return the model that speaks clones over the WebSocket, or over HTTP."""
        found = (name for name in self.names if family_of(name) == "vc" and is_realtime(name) is realtime)
        return next(found, None)

    @property
    def any_clone(self) -> str | None:
        """A model that clones can be made for, that of HTTP first."""
        return self.clone(realtime=False) or self.clone(realtime=True)

    @property
    def design(self) -> str | None:
        """A model that voices can be designed for."""
        return next((name for name in self.names if family_of(name) == "vd"), None)
