"""From the worker that speaks to the caller that listens. The worker never waits for the caller, who may have gone."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sandbox.tts.api.provider_errors import ProviderFailed


class Relay:
    """Pieces of audio on their way to one caller. *garbled* (F-57): handed on as the provider's own text."""

    def __init__(self, *, garbled: bool = False) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._garbled = garbled
        self._failure: ProviderFailed | None = None

    def audio(self, piece: bytes) -> bytes:
        """Hand *piece* on; returns it as the caller gets it."""
        handed = base64.b64encode(piece) if self._garbled else piece
        self._pieces.put_nowait(handed)
        return handed

    def end(self, failure: ProviderFailed | None) -> None:
        """Nothing more comes; *failure* is why, None when all is well and kept."""
        self._failure = failure
        self._pieces.put_nowait(None)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The pieces as they come. Raises ProviderFailed after the last one when the speech came to nothing."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._failure is not None:
            raise self._failure
