"""The realtime WebSocket of DashScope: its handshake, and the sessions behind it (protocol sheet, section 6).

    GET /api-ws/v1/realtime?model=MODEL     calls: realtime (the handshake), realtime_session (scripted mishaps)

To be held back: `realtime` (the upgrade), `realtime_created`, `realtime_updated`, `realtime_response` (the first event
of a response), `realtime_delta` (each delta), `realtime_last_delta`, `realtime_response_done`, `realtime_finished`.

Options: `realtime_first_s` before a response, `realtime_delta_s` between deltas, `realtime_chunk_ms` of sound in each;
`realtime_live_like` 1 for what recordings show where they differ from the documents; `realtime_errors` `as_documented`,
`fatal` or `survived`; and limits that are off while 0: `realtime_idle_s`, `realtime_session_s`, `realtime_text_chars`.
"""

from __future__ import annotations

import asyncio
import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.tts.providers import realtime_mishaps as mishaps
from sandbox.tts.providers.dashscope_rules import Refused, family_of, is_realtime
from sandbox.tts.providers.realtime_session import Session, Surroundings
from sandbox.tts.providers.realtime_wire import Wire
from sandbox.tts.providers.standin import Answer, Heard, merged

if TYPE_CHECKING:
    from sandbox.tts.providers.dashscope import DashScopeStandIn

PATH = "/api-ws/v1/realtime"
CALLS = (
    "realtime",
    "realtime_session",
    "realtime_created",
    "realtime_updated",
    "realtime_response",
    "realtime_delta",
    "realtime_last_delta",
    "realtime_response_done",
    "realtime_finished",
)
OPTIONS = MappingProxyType(
    {
        "realtime_first_s": 0.25,
        "realtime_delta_s": 0.005,
        "realtime_chunk_ms": 250,
        "realtime_live_like": 0,
        "realtime_errors": "as_documented",
        "realtime_idle_s": 0,
        "realtime_session_s": 0,
        "realtime_text_chars": 0,
    }
)
MAX_FRAME_BYTES = 4 * 2**20
CLOSE_WAIT_S = 3.0


async def serve(stand_in: DashScopeStandIn, request: web.Request) -> web.StreamResponse:
    """One connection, from handshake to close."""
    heard = Heard(request.method, request.path, request.query, request.headers, b"", call="realtime")
    entry = stand_in.log(request, heard, heard.call)
    script = stand_in.next_script(heard.call)
    if script is not None and script.latency_s:
        await asyncio.sleep(script.latency_s)
    await stand_in.pause(heard.call)
    if script is not None and script.drop:
        entry["status"] = 0
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    refusal = None
    try:
        model = _admitted(stand_in, heard, request)
    except Refused as refused:
        refusal = _refusal(refused)
    if script is not None and script.status is not None:
        refusal = merged(_refusal(Refused(script.status, "Refused", "The handshake is refused.")), script)
    if refusal is not None:
        entry["status"] = refusal.status
        return refusal.response()
    return await _session(stand_in, request, model, entry)


def _admitted(stand_in: DashScopeStandIn, heard: Heard, request: web.Request) -> str:
    """The model that the handshake asks for. Raises Refused."""
    if not stand_in.fault("P-28"):
        stand_in.check_key(heard.bearer)
    if not web.WebSocketResponse().can_prepare(request).ok:
        raise Refused(400, "InvalidParameter", "A WebSocket upgrade is required.")
    models = request.query.getall("model", [])
    if len(models) != 1 or not models[0] or "?" in models[0]:
        raise Refused(400, "InvalidParameter", "Required parameter 'model' is missing or given twice.")
    model = models[0]
    if not stand_in.option("realtime_live_like") and not stand_in.fault("P-25"):
        if family_of(model) is None:
            raise Refused(404, "ModelNotFound", f"Model can not be found: {model}")
        if not is_realtime(model):
            raise Refused(400, "InvalidParameter", f"Model {model} is not served over this protocol.")
    return model


def _refusal(refused: Refused) -> Answer:
    request_id = str(uuid.uuid4())
    body = {"request_id": request_id, "code": refused.code, "message": refused.message}
    return Answer(refused.status, body, {"X-Request-Id": request_id})


async def _session(
    stand_in: DashScopeStandIn, request: web.Request, model: str, entry: dict[str, Any]
) -> web.StreamResponse:
    socket = web.WebSocketResponse(timeout=CLOSE_WAIT_S, max_msg_size=MAX_FRAME_BYTES, compress=False)
    await socket.prepare(request)
    script = stand_in.next_script("realtime_session")
    wire = Wire(request, socket, [] if script is None else mishaps.read(script.body), stand_in.fault)
    around = Surroundings(stand_in.option, stand_in.pause, stand_in.voices.check_pairing, stand_in.fault)
    session = Session(model, socket, wire, around)
    entry |= {"status": 101, "model": model, "session": session.id, "events": session.heard.events}
    entry |= {"violations": session.heard.violations, "sent": wire.sent}
    known = family_of(model) is not None and is_realtime(model)
    try:
        await (session.run() if known else session.leave())
    finally:
        entry["closed"] = wire.closed or {"by": "client", "code": None, "reason": "connection lost"}
    return socket
