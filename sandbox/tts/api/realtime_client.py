"""Speech from DashScope's realtime WebSocket: one dialogue, its audio piece by piece as it arrives.

Nothing is repeated: a response is billed. Every wait is bounded, and so is what a provider may send.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
from aiohttp import WSMsgType

from sandbox.tts.api.dashscope_client import SPOKEN, timeout
from sandbox.tts.api.provider_errors import (
    REJECTED,
    SYNTHESIS_FAILED,
    TIMEOUT,
    UNAVAILABLE,
    UNAVAILABLE_TEXT,
    UNKNOWN,
    VALIDATION,
    ProviderFailed,
    category_of,
    missing_variable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from aiohttp import ClientWebSocketResponse

    from sandbox.tts.api.context import Api
    from sandbox.tts.api.speech import Speech

PATH = "/api-ws/v1/realtime"
TOTAL_S = 300.0
MAX_FRAME_BYTES = 16 * 2**20
# The largest object that storage takes.
MAX_AUDIO_BYTES = 50 * 2**20
CLOSE_WAIT_S = 1.0
REJECTIONS = ("invalidapikey", "accessdenied", "arrearage", "unpurchased", "freetieronly")
REFUSALS = ("invalid", "datainspection", "notfound", "badrequest")


class Dialogue:
    """One session, from its greeting to its end: what is said at each event, and what it is known by afterwards."""

    def __init__(self, api: Api, speech: Speech, ready: Callable[[], Awaitable[None]]) -> None:
        self._api = api
        self._speech = speech
        self._ready = ready
        self._session_id: str | None = None
        self._response_ids: list[str] = []
        self._event_id: str | None = None
        self._characters: int | None = None
        self.received_bytes = 0
        self.finished = False

    async def take(self, socket: ClientWebSocketResponse, event: dict[str, Any]) -> bytes:
        """Answer *event*, unless it is not known. Returns the audio that it brings, if any. Raises ProviderFailed."""
        kind = event.get("type")
        self._event_id = _text(event.get("event_id")) or self._event_id
        self._speech.trace = self._trace()
        piece = b""
        if kind == "error":
            raise self._told(_object(event, "error"))
        if kind == "session.created":
            self._session_id = _text(_object(event, "session").get("id"))
            await self._say(socket, "session.update", session=self._wanted())
        elif kind == "session.updated":
            await self._ready()
            await self._say(socket, "input_text_buffer.append", text=self._speech.text)
            if not self._api.fault("P-32"):  # else the end is waited for in vain
                await self._say(socket, "session.finish")
        elif kind == "response.created":
            self._response_ids.append(str(_object(event, "response").get("id")))
        elif kind == "response.audio.delta":
            piece = self._decoded(event.get("delta"))
        elif kind == "response.done":
            self._count(_object(event, "response"))
            self.finished = self._api.fault("P-31")  # the first response is taken for all of it
        elif kind == "session.finished":
            self.finished = True
        self._speech.trace = self._trace()
        return piece

    async def _say(self, socket: ClientWebSocketResponse, kind: str, **fields: Any) -> None:
        named = {} if self._api.fault("P-30") else {"event_id": f"event_{uuid.uuid4().hex}"}
        try:
            await socket.send_str(json.dumps({**named, "type": kind, **fields}))
        except ConnectionError as error:
            raise _broken("The session ended early.") from error

    def _trace(self) -> dict[str, Any]:
        """What is kept beside the audio. There is no request id; the session's takes its place."""
        return {
            "request_id": self._session_id,
            "session_id": self._session_id,
            "response_ids": self._response_ids,
            "event_id": self._event_id,
            "usage": None if self._characters is None else {"characters": self._characters},
        }

    def _wanted(self) -> dict[str, Any]:
        """The settings of the session. F-59: not the agreed ones."""
        wrong = self._api.fault("F-59")
        return {
            "voice": self._speech.voice,
            "mode": "commit" if wrong else "server_commit",
            "language_type": SPOKEN.get(self._speech.language.lower(), "Auto"),
            "response_format": self._speech.form,
            "sample_rate": 16_000 if wrong else 24_000,
        }

    def _told(self, error: dict[str, Any]) -> ProviderFailed:
        """What an `error` event means."""
        code = (_text(error.get("code")) or "").lower().replace("_", "").replace(".", "")
        category = UNAVAILABLE
        if any(word in code for word in REJECTIONS):
            category = REJECTED
        elif any(word in code for word in REFUSALS):
            category = VALIDATION
        elif "timeout" in code:
            category = TIMEOUT
        raw = _text(error.get("message"))
        return ProviderFailed(category, SYNTHESIS_FAILED, raw=raw, request_id=self._session_id)

    def _decoded(self, delta: Any) -> bytes:
        try:
            piece = base64.b64decode(delta if isinstance(delta, str) else b"?", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _broken("The provider sent audio that is no Base64.") from error
        self.received_bytes += len(piece)
        if self.received_bytes > MAX_AUDIO_BYTES:
            raise _broken("The provider sent more audio than can be stored.")
        return piece

    def _count(self, response: dict[str, Any]) -> None:
        """Note what a response cost. Raises ProviderFailed when it says of itself that it failed."""
        characters = _object(response, "usage").get("characters")
        if isinstance(characters, int):
            self._characters = (self._characters or 0) + characters
        if response.get("status") == "failed":
            raise _broken("The provider's response failed.")


async def synthesize(api: Api, speech: Speech, *, ready: Callable[[], Awaitable[None]]) -> AsyncGenerator[bytes, None]:
    """The audio of *speech*, never an empty piece; its trace grows meanwhile. *ready*: awaited once it may begin.

    Raises ProviderFailed.
    """
    dialogue = Dialogue(api, speech, ready)
    until = asyncio.get_running_loop().time() + TOTAL_S
    async with _connected(api, speech.model) as socket:
        while not dialogue.finished:
            piece = await dialogue.take(socket, await _next(api, socket, until))
            if piece:
                yield piece
    if dialogue.received_bytes == 0:
        raise _broken("The session ended without audio.")


@asynccontextmanager
async def _connected(api: Api, model: str) -> AsyncIterator[ClientWebSocketResponse]:
    deployment = api.deployment
    key = deployment.dashscope_api_key
    if key is None:
        raise ProviderFailed(UNAVAILABLE, SYNTHESIS_FAILED, own_text=missing_variable(api, "DASHSCOPE_API_KEY"))
    region = "region=intl?" if api.fault("P-29") else ""
    url = f"{deployment.dashscope_base_url.replace('http', 'ws', 1)}{PATH}?{region}model={quote(model, safe='')}"
    try:
        async with asyncio.timeout(timeout(api).total):
            socket = await api.http.ws_connect(
                url,
                headers={"Authorization": f"Bearer {key}"},
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WAIT_S),
                max_msg_size=MAX_FRAME_BYTES,
            )
    except TimeoutError as error:
        raise ProviderFailed(TIMEOUT, SYNTHESIS_FAILED) from error
    except aiohttp.WSServerHandshakeError as error:
        raise _refused(error) from error
    except (aiohttp.ClientError, OSError) as error:
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error)) from error
    try:
        yield socket
    finally:
        await socket.close()


async def _next(api: Api, socket: ClientWebSocketResponse, until: float) -> dict[str, Any]:
    """The next event. Raises ProviderFailed for silence, a close, and whatever is no event."""
    left_s = until - asyncio.get_running_loop().time()
    try:
        message = await socket.receive(timeout=max(0.0, min(left_s, timeout(api).total or left_s)))
    except TimeoutError as error:
        raise ProviderFailed(TIMEOUT, SYNTHESIS_FAILED) from error
    if message.type is not WSMsgType.TEXT:
        told = str(message.extra or "") if message.type is WSMsgType.CLOSE else message.type.name
        raise _broken(f"The session ended early. {told}")
    try:
        event = json.loads(message.data)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise _broken("The provider sent a frame that is no JSON object.")
    return event


def _refused(error: aiohttp.WSServerHandshakeError) -> ProviderFailed:
    """The handshake was not upgraded."""
    request_id = error.headers.get("X-Request-Id") if error.headers else None
    category = category_of(error.status)
    return ProviderFailed(category, SYNTHESIS_FAILED, raw=error.message, status=error.status, request_id=request_id)


def _broken(raw: str) -> ProviderFailed:
    """The provider did not keep to its protocol."""
    return ProviderFailed(UNAVAILABLE, SYNTHESIS_FAILED, raw=raw)


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
