"""Stand-ins of everything that the TTS system calls: real HTTP servers on loopback, fresh for every instance.

    modal      job service: submit, status, result, cancel, design
    dashscope  voice customization (clone_*, design_*) and synthesis
    audio_host where synthesised audio is fetched from: download
    mistral    transcription
    stripe     checkout session, prices
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.tts.providers.standin import StandIn


class Providers:
    """The provider stand-ins of one instance."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.all: dict[str, StandIn] = {}

    async def start(self) -> None:
        for provider in self.all.values():
            await provider.start()

    async def close(self) -> None:
        for provider in self.all.values():
            await provider.close()

    def named(self, name: str) -> StandIn:
        """The stand-in of that name. Raises KeyError with the names that there are."""
        if name not in self.all:
            raise KeyError(f"no provider {name}; there are {', '.join(self.all)}")
        return self.all[name]

    def variables(self) -> dict[str, str]:
        """The environment variables that point a deployment at these stand-ins, keys included."""
        return {}
