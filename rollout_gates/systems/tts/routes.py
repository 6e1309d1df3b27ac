"""The routes that nobody may use without a good token: what probes go through, so that none is forgotten.

They are the ``yes`` rows of the route table (section 2.0 of the contract); a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollout_gates.systems.tts.names import STREAM, TIER_1, tier_of


@dataclass(frozen=True)
class Route:
    """One protected route. *lanes* is where it exists; empty means everywhere."""

    method: str
    path: str
    lanes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The route as the contract names it."""
        return f"{self.method} {self.path}"

    @property
    def costs(self) -> bool:
        """Whether it makes something, or spends something: the routes of tier 1."""
        return tier_of(self.method, self.path) == TIER_1


PROTECTED: tuple[Route, ...] = (
    Route("PATCH", "/profile"),
    Route("GET", "/credits/usage"),
    Route("POST", "/billing/checkout"),
    Route("POST", "/clone/upload-url"),
    Route("POST", "/clone/finalize"),
    Route("GET", "/voices"),
    Route("GET", "/voices/:id/preview"),
    Route("DELETE", "/voices/:id"),
    Route("POST", "/voices/design/preview"),
    Route("POST", "/voices/design"),
    Route("POST", "/generate"),
    Route("POST", STREAM, lanes=("realtime",)),
    Route("GET", "/tasks/:id"),
    Route("POST", "/tasks/:id/cancel"),
    Route("DELETE", "/tasks/:id"),
    Route("GET", "/generations"),
    Route("GET", "/generations/:id/audio"),
    Route("DELETE", "/generations/:id"),
    Route("POST", "/generations/:id/regenerate"),
    Route("POST", "/transcriptions"),
)


def protected(lane: str) -> tuple[Route, ...]:
    """Return the protected routes that a deployment of *lane* has."""
    return tuple(route for route in PROTECTED if not route.lanes or lane in route.lanes)
