"""Speech as it is spoken: `POST /generate/stream`, in mode qwen of lane realtime (contract, section 2.16).

The request, its checks and its price are those of `/generate`; a task goes with it, so that a user still has one
generation at a time and can cancel it. The worker belongs to the task and not to the caller: who hangs up finds the
audio in the history. The end of the body is sent when everything is kept; until then the connection can only break.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.tts.api import realtime_flow
from sandbox.tts.api.answers import common_headers
from sandbox.tts.api.booking import book
from sandbox.tts.api.errors import ApiError
from sandbox.tts.api.generate_order import read_order
from sandbox.tts.api.provider_errors import CANCELLED, TIMEOUT, UNAVAILABLE, ProviderFailed, shown_text
from sandbox.tts.api.relay import Relay
from sandbox.tts.api.speech import Speech

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sandbox.tts.api.context import Call
    from sandbox.tts.api.generate_order import Order

    Pieces = AsyncGenerator[bytes, None]

MODAL_TEXT = "Streaming is not available in modal mode. Use POST /api/generate."
DISABLED_TEXT = "Streaming is disabled. Use POST /api/generate."
STATUSES = {TIMEOUT: 504, UNAVAILABLE: 503, CANCELLED: 409}


async def stream(call: Call) -> web.StreamResponse:
    """Accept a text and send its audio. Raises ApiError for whatever goes wrong before the first byte."""
    _check_mode(call)
    order = await read_order(call, cap=_cap(call))
    order.streamed = True
    task = await book(call, order)
    call.cost_event = {"operation": "generate", "credits": task["metadata"]["credits_debited"]}
    speech = Speech(
        task=task,
        text=order.text,
        language=order.language,
        voice=order.voice["provider_voice_id"] or "",
        model=order.voice["provider_target_model"] or call.api.deployment.vc_model,
        request_id=call.request_id,
        form=call.api.deployment.stream_format,
    )
    relay = Relay(garbled=call.api.fault("F-57"))
    call.api.background(realtime_flow.speak(call.api, speech, relay))
    async with aclosing(_held_back(relay) if call.api.fault("F-54") else relay.pieces()) as pieces:
        return await _forwarded(call, order, speech, pieces)


def _check_mode(call: Call) -> None:
    """Raise 500 for an invalid mode, 409 where nothing is streamed. F-56: mode modal is let through."""
    deployment = call.api.deployment
    if deployment.mode_error is not None:
        raise ApiError(500, deployment.mode_error)
    if deployment.mode == "modal" and not call.api.fault("F-56"):
        raise ApiError(409, MODAL_TEXT)
    if not deployment.stream_enabled:
        raise ApiError(409, DISABLED_TEXT)


def _cap(call: Call) -> int:
    """The cap of the active mode. F-59: another one."""
    cap = call.api.deployment.text_cap
    return cap if not call.api.fault("F-59") else 600 if cap != 600 else 2000


async def _held_back(relay: Relay) -> Pieces:
    """F-54: everything at once, when it is over."""
    pieces = [piece async for piece in relay.pieces()]
    yield b"".join(pieces)


async def _forwarded(call: Call, order: Order, speech: Speech, pieces: Pieces) -> web.StreamResponse:
    """Send what comes. Before the first piece a failure is an answer; after it, the connection ends."""
    try:
        first = await anext(pieces)
    except ProviderFailed as failure:
        raise _refusal(call, failure) from failure
    answer = web.StreamResponse(headers=_headers(call, order, speech))
    answer.enable_chunked_encoding()
    try:
        await answer.prepare(call.request)
        await answer.write(first)
        async for piece in pieces:
            await answer.write(piece)
        await answer.write_eof()
    except ConnectionError:
        pass  # the caller has gone; the worker goes on
    except ProviderFailed as failure:
        call.cost_event, call.error_category = None, failure.category
        if call.request.transport is not None:
            call.request.transport.close()
    return answer


def _headers(call: Call, order: Order, speech: Speech) -> dict[str, str]:
    """F-59: the provider is not named."""
    named = {} if call.api.fault("F-59") else {"X-Utter-Provider": "qwen"}
    ids = {"X-Utter-Generation-Id": order.generation_id, "X-Utter-Task-Id": order.task_id}
    return {"Content-Type": speech.content_type, **named, **ids, **common_headers(call)}


def _refusal(call: Call, failure: ProviderFailed) -> ApiError:
    call.cost_event, call.error_category = None, failure.category
    return ApiError(STATUSES.get(failure.category, 502), shown_text(call.api, failure))
