"""What every provider stand-in has: a loopback server, a request log, scripted answers, and held answers.

A provider maps each request to a *call* (`submit`, `synthesis`, ...) and computes an `Answer`. Around that, for every
request alike: it is logged on arrival; a scripted answer replaces the computed one; latency passes; a hold keeps the
answer back until it is released. A held answer has already happened on the provider's side, only nobody heard of it.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.serving import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock

# A request log entry keeps at most this much of a body that is not JSON.
LOGGED_BODY_CHARS = 2000
LONGEST_STALL_S = 120.0
SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-key"})


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. *body* is bytes, or anything that JSON can hold."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        headers = dict(self.headers)
        if isinstance(self.body, bytes):
            headers.setdefault("Content-Type", "application/octet-stream")
            return web.Response(status=self.status, body=self.body, headers=headers)
        if isinstance(self.body, str):
            headers.setdefault("Content-Type", "text/plain; charset=utf-8")
            return web.Response(status=self.status, body=self.body.encode(), headers=headers)
        headers.setdefault("Content-Type", "application/json")
        return web.Response(status=self.status, body=json.dumps(self.body).encode(), headers=headers)


@dataclass(frozen=True)
class Heard:
    """A request as a provider sees it. *call* is empty until it has been recognised."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    call: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty for anything else."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def bearer(self) -> str:
        """The bearer token, or an empty string."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass
class Script:
    """A scripted answer: *times* uses (None: for ever). What is None stays as the provider computes it.

    *drop* closes the connection without an answer; *stall* sends the first half of the body and then nothing.
    """

    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_s: float | None = None
    times: int | None = 1
    drop: bool = False
    stall: bool = False


class Hold:
    """Answers of one call that are kept back: the next *count* of them, or all (None) until the hold ends."""

    def __init__(self) -> None:
        self.to_come: int | None = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    def begin(self, count: int | None) -> None:
        self.to_come = count

    def end(self) -> int:
        self.to_come = 0
        return self.free(len(self.waiting))

    def free(self, count: int) -> int:
        """Let the oldest *count* waiting answers go; returns how many there were."""
        freed = 0
        while self.waiting and freed < count:
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(None)
                freed += 1
        return freed

    async def wait(self) -> None:
        if self.to_come == 0:
            return
        if self.to_come is not None:
            self.to_come -= 1
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        try:
            await future
        finally:
            if future in self.waiting:
                self.waiting.remove(future)


class StandIn:
    """A provider on its own loopback port. Subclasses name their `calls` and implement `recognise` and `answer`."""

    name = ""
    calls: tuple[str, ...] = ()
    # Which option says how many seconds a call takes.
    latencies: Mapping[str, str] = MappingProxyType({})

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.requests: list[dict[str, Any]] = []
        # Seconds, and other habits of this provider that a test may change; each subclass names its own.
        self.options: dict[str, Any] = {}
        self._server = Server()
        self.url = self._server.url
        self._scripts: dict[str, deque[Script]] = {call: deque() for call in self.calls}
        self._holds: dict[str, Hold] = {call: Hold() for call in self.calls}

    def recognise(self, heard: Heard) -> str | None:
        """Name of the call that this request is, None for a path that the provider does not have."""
        raise NotImplementedError

    async def answer(self, heard: Heard) -> Answer:
        """What the provider says; side effects (a voice, a job) happen here."""
        raise NotImplementedError

    def latency(self, heard: Heard) -> float:
        """Seconds before the answer, when no script says otherwise."""
        option = self.latencies.get(heard.call)
        return 0.0 if option is None else float(self.options[option])

    async def start(self) -> None:
        await self._server.start(self._handle)

    async def close(self) -> None:
        for call in self.calls:
            self._holds[call].end()
        await self._server.close()

    # Remote control

    def script(
        self,
        call: str,
        *,
        status: int | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        latency_s: float | None = None,
        times: int | None = 1,
        drop: bool = False,
        stall: bool = False,
    ) -> None:
        """Say how the next *times* requests of *call* are answered (None: all). Scripts are used up in order."""
        self._known(call)
        self._scripts[call].append(Script(status, body, headers or {}, latency_s, times, drop, stall))

    def clear_scripts(self) -> None:
        """Forget every script; answers are computed again."""
        for scripts in self._scripts.values():
            scripts.clear()

    def set_option(self, key: str, value: Any) -> None:
        """Change a habit, for example `design_s`. Raises KeyError for one that this provider does not have."""
        if key not in self.options:
            raise KeyError(f"{self.name} has no option {key}; it has {', '.join(self.options) or 'none'}")
        self.options[key] = value

    def option(self, key: str) -> Any:
        """The habit *key* as it is at this moment."""
        return self.options[key]

    def hold(self, call: str, count: int | None = None) -> None:
        """Keep back the next *count* answers of *call*, or all (None), until `release`."""
        self._known(call)
        self._holds[call].begin(count)

    def release(self, call: str, count: int | None = None) -> int:
        """Let the oldest *count* held answers of *call* go; None lets all go and ends the hold. Returns how many."""
        self._known(call)
        return self._holds[call].end() if count is None else self._holds[call].free(count)

    def held(self, call: str) -> int:
        """How many answers of *call* are being kept back at this moment."""
        self._known(call)
        return len(self._holds[call].waiting)

    def clear_requests(self) -> None:
        self.requests.clear()

    def state(self) -> dict[str, Any]:
        """What a person wants to know: URL, calls seen, answers held, scripts left."""
        return {
            "url": self.url,
            "options": dict(self.options),
            "requests": len(self.requests),
            "held": {call: self.held(call) for call in self.calls if self.held(call)},
            "scripts": {call: len(scripts) for call, scripts in self._scripts.items() if scripts},
        }

    def _known(self, call: str) -> None:
        if call not in self.calls:
            raise KeyError(f"{self.name} has no call {call}; it has {', '.join(self.calls)}")

    # Serving

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        heard = Heard(request.method, request.path, request.query, request.headers, await request.read())
        call = self.recognise(heard)
        entry = self.log(request, heard, call)
        if call is None:
            entry["status"] = 404
            return Answer(404, {"detail": "no such path here"}).response()
        heard = replace(heard, call=call)
        script = self.next_script(call)
        latency_s = self.latency(heard) if script is None or script.latency_s is None else script.latency_s
        answer = await self.answer(heard) if script is None or script.status is None else None
        if latency_s > 0:
            await asyncio.sleep(latency_s)
        await self.pause(call)
        if script is not None and script.drop:
            entry["status"] = 0
            if request.transport is not None:
                request.transport.abort()
        final = merged(answer, script)
        entry.setdefault("status", final.status)
        if script is not None and script.stall:
            return await _stalled(request, final)
        return final.response()

    async def pause(self, call: str) -> None:
        """Wait while *call* is held back."""
        await self._holds[call].wait()

    def log(self, request: web.Request, heard: Heard, call: str | None) -> dict[str, Any]:
        """Note a request. The entry may be added to while it is answered."""
        entry: dict[str, Any] = {
            "n": len(self.requests) + 1,
            "t": self.clock.now().isoformat(),
            "provider": self.name,
            "call": call,
            "method": request.method,
            "path": request.rel_url.raw_path,
            "query": dict(heard.query),
            "headers": {
                key: "***" if key.lower() in SECRET_HEADERS else value for key, value in request.headers.items()
            },
            "authorized": "Authorization" in request.headers,
            "bytes": len(heard.body),
            "body": loggable(heard.body),
        }
        self.requests.append(entry)
        return entry

    def next_script(self, call: str) -> Script | None:
        """What is scripted for this request of *call*; a use of it is spent."""
        scripts = self._scripts[call]
        if not scripts:
            return None
        script = scripts[0]
        if script.times is not None:
            script.times -= 1
            if script.times <= 0:
                scripts.popleft()
        return script


async def _stalled(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send half of *answer*, and hold the connection until the other side gives up, or for `LONGEST_STALL_S`."""
    whole = answer.response()
    body = whole.body if isinstance(whole.body, bytes) and whole.body else b"  "
    response = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    deadline = asyncio.get_running_loop().time() + LONGEST_STALL_S
    # aiohttp tells nobody that the other side has gone.
    while request.transport is not None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return response


def merged(answer: Answer | None, script: Script | None) -> Answer:
    """*answer* with what *script* says instead."""
    if script is None or (script.status is None and script.body is None and not script.headers):
        return answer or Answer()
    base = answer or Answer(script.status or 200, b"")
    body = base.body if script.body is None else _body_of(script.body)
    return Answer(script.status or base.status, body, {**base.headers, **script.headers})


def _body_of(body: Any) -> Any:
    if isinstance(body, dict) and set(body) == {"base64"}:
        return base64.b64decode(body["base64"])
    if isinstance(body, dict) and set(body) == {"json"}:
        return body["json"]
    return body


def loggable(body: bytes) -> Any:
    """JSON as it is, with long strings cut; anything else as text, cut; None when empty."""
    if not body:
        return None
    try:
        return shortened(json.loads(body))
    except ValueError:
        return body[:LOGGED_BODY_CHARS].decode("utf-8", "replace")


def shortened(value: Any) -> Any:
    """A JSON value with its long strings cut."""
    if isinstance(value, str) and len(value) > 20 * LOGGED_BODY_CHARS:
        return f"{value[:LOGGED_BODY_CHARS]}... ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return value
