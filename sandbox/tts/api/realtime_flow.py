"""Speech of lane realtime: spoken over the provider's WebSocket, for a stream or for a task, and kept in the end.

The task's `provider_status` goes through `ws_connecting`, `session_updated`, `streaming` and `finalizing`. A cancel is
looked for at each of them, and while the audio comes.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from sandbox.tts.api import objects, realtime_client, speech
from sandbox.tts.api import task_states as states
from sandbox.tts.api.provider_errors import CANCELLED, CANCELLED_TEXT, UNAVAILABLE_TEXT, UNKNOWN, ProviderFailed
from sandbox.tts.api.speech import Stopped

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api
    from sandbox.tts.api.relay import Relay
    from sandbox.tts.api.speech import Speech

# How often a cancel is looked for while audio comes.
LOOK_EVERY_S = 0.25


async def speak(api: Api, wanted: Speech, relay: Relay | None = None) -> None:
    """Speak, store, complete. Whatever happens, the task ends and the money is where it belongs.

    *relay* gets every piece as it arrives, and is told how it ended once that is written down.
    """
    ended: ProviderFailed | None = ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT)
    try:
        await _speak(api, wanted, relay)
        ended = None
    except Stopped:
        ended = ProviderFailed(CANCELLED, CANCELLED_TEXT, own_text=CANCELLED_TEXT)
        await speech.after_stop(api, wanted)
    except ProviderFailed as failure:
        ended = failure
        await speech.failed(api, wanted, failure)
    except Exception as error:  # noqa: BLE001 - a worker has nobody to raise to
        ended = ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error))
        await speech.failed(api, wanted, ended)
    finally:
        if relay is not None:
            relay.end(ended)


async def _speak(api: Api, wanted: Speech, relay: Relay | None) -> None:
    audio = bytearray()
    await speech.checkpoint(api, wanted.task, "ws_connecting")
    try:
        if api.budgets.exceeded:
            await _listen(api, wanted, None, bytearray())
        await _listen(api, wanted, relay, audio)
    except ProviderFailed:
        # F-58: what came before it broke is as good as all of it.
        if not (audio and relay is not None and api.fault("F-58")):
            raise
    await speech.checkpoint(api, wanted.task, "finalizing")
    if relay is not None and api.fault("F-55"):
        await states.complete_task_alone(api, wanted.task, await speech.stored(api, wanted, bytes(audio)))
    elif relay is not None and api.fault("F-58"):
        await _keep_whatever_happens(api, wanted, bytes(audio))
    else:
        await speech.keep(api, wanted, bytes(audio))


async def _listen(api: Api, wanted: Speech, relay: Relay | None, audio: bytearray) -> None:
    """Collect the audio into *audio* and hand it on. Raises Stopped and ProviderFailed."""

    async def ready() -> None:
        await speech.checkpoint(api, wanted.task, "session_updated")

    clock = asyncio.get_running_loop().time
    looked = float("-inf")
    async with aclosing(realtime_client.synthesize(api, wanted, ready=ready)) as pieces:
        async for piece in pieces:
            if clock() - looked >= LOOK_EVERY_S:
                await speech.checkpoint(api, wanted.task, "streaming")
                looked = clock()
            handed = piece if relay is None else relay.audio(piece)
            audio += handed


async def _keep_whatever_happens(api: Api, wanted: Speech, audio: bytes) -> None:
    """F-58: completed even when storage refused."""
    try:
        await objects.store(api, objects.GENERATIONS, wanted.key, audio, wanted.content_type)
    finally:
        await speech.complete(api, wanted, wanted.key)
