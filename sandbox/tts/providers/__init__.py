"""Stand-ins of everything that the TTS system calls: real HTTP servers on loopback, fresh for every instance.

modal      job service: submit, status, result, cancel, design, design_result
dashscope  voice customization (clone_*, design_*) and synthesis; realtime sessions (realtime, realtime_*)
dashscope_elsewhere  the same in its other region, where nobody here has a key
audio_host where synthesised audio is fetched from: download
mistral    transcription: transcribe
stripe     checkout sessions and prices: session_create, session_get, line_items, price_get
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.tts.providers.audio_host import AudioHost
from sandbox.tts.providers.dashscope import DashScopeStandIn, OtherRegion
from sandbox.tts.providers.mistral import MistralStandIn
from sandbox.tts.providers.modal import ModalStandIn
from sandbox.tts.providers.stripe import StripeStandIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.clock import Clock
    from sandbox.tts.providers.standin import StandIn


def healthy(_fault_id: str) -> bool:
    """No fault is on."""
    return False


class Providers:
    """The provider stand-ins of one instance. Their ports are bound, and so their URLs known, before `start`.

    *fault* says which violations of the protocol (`P-01`) are switched on.
    """

    def __init__(self, clock: Clock, fault: Callable[[str], bool] = healthy) -> None:
        self.modal = ModalStandIn(clock)
        self.audio_host = AudioHost(clock)
        self.dashscope = DashScopeStandIn(clock, self.audio_host, fault)
        self.dashscope_elsewhere = OtherRegion(clock, self.audio_host, fault)
        self.mistral = MistralStandIn(clock)
        self.stripe = StripeStandIn(clock)
        every: tuple[StandIn, ...] = (
            self.modal, self.dashscope, self.dashscope_elsewhere, self.audio_host, self.mistral, self.stripe,
        )  # fmt: skip
        self.all = {provider.name: provider for provider in every}

    async def start(self) -> None:
        await asyncio.gather(*(provider.start() for provider in self.all.values()))

    async def close(self) -> None:
        await asyncio.gather(*(provider.close() for provider in self.all.values()))

    def named(self, name: str) -> StandIn:
        """The stand-in of that name. Raises KeyError with the names that there are."""
        if name not in self.all:
            raise KeyError(f"no provider {name}; there are {', '.join(self.all)}")
        return self.all[name]

    def variables(self) -> dict[str, str]:
        """The environment variables that point a deployment at these stand-ins, keys included."""
        parts = (self.modal, self.dashscope, self.mistral, self.stripe)
        return {name: value for part in parts for name, value in part.variables().items()}
