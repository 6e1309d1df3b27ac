"""Audio that the provider says lies elsewhere: on this machine, in a private network, in a file, behind a redirect.

Whether an address was called is seen by a listener of our own, on the loopback. [Q][T]: only there is a URL fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench
from rollout_gates.systems.tts.flows.matrix.purse import Purse, only_credits, purse

if TYPE_CHECKING:
    from rollout_gates.conductor import Context

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: 4\r\nConnection: close\r\n\r\nRIFF"
_PROVIDER = "dashscope-result-intl.oss-ap-southeast-1.aliyuncs.com"


class Listener:
    """A server on the loopback that answers everybody, and counts who came."""

    def __init__(self) -> None:
        self.calls = 0

    async def heard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.calls += 1
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(1024), 2.0)
            writer.write(_ANSWER)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[tuple[Listener, int]]:
    """Yield a listener and its port, on IPv4 and, where this machine has it, on IPv6."""
    listener = Listener()
    async with await asyncio.start_server(listener.heard, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                beside = await asyncio.start_server(listener.heard, "::1", port)
                stack.callback(beside.close)
            yield listener, port


@dataclass(frozen=True)
class Fetched:
    """One generate whose audio was said to lie at *title*, and how often somebody called there: *heard*."""

    title: str
    heard: int
    status: str | None
    before: Purse
    after: Purse


@dataclass(frozen=True)
class Fetches:
    """Generates whose audio was said to lie elsewhere, beside one whose audio lies where it should (*twin*)."""

    twin: Fetched
    found: tuple[Fetched, ...]


def elsewhere(port: int, path: str) -> Mapping[str, str]:
    """Return URLs that must not be fetched, by what they try. All that can be called lead to *port* of this machine."""
    return {
        "another host": f"http://127.0.0.1:{port}/{path}",
        "another host over TLS": f"https://127.0.0.1:{port}/{path}",
        "a name of this machine": f"http://localhost:{port}/{path}",
        "a decimal address": f"http://2130706433:{port}/{path}",
        "a hexadecimal address": f"http://0x7f000001:{port}/{path}",
        "a short address": f"http://127.1:{port}/{path}",
        "an IPv6 address": f"http://[::1]:{port}/{path}",
        "an address mapped into IPv6": f"http://[::ffff:127.0.0.1]:{port}/{path}",
        "a private address": f"http://10.0.0.7/{path}",
        "a link-local address": f"http://169.254.169.254/latest/{path}",
        "the provider's name as a user": f"http://{_PROVIDER}@127.0.0.1:{port}/{path}",
        "the provider's name in the path": f"http://127.0.0.1:{port}/{_PROVIDER}/{path}",
        "the provider's name as a label": f"http://{_PROVIDER}.localhost:{port}/{path}",
        "a file": f"file:///etc/hostname?{path}",
        "data": f"data:audio/wav;base64,{path}",
        "another scheme": f"gopher://127.0.0.1:{port}/{path}",
        "no URL": path,
    }


@flow("foreign_audio")
async def foreign_audio(context: Context) -> Fetches:
    """Have the provider point at addresses where no audio of its own lies, and at its own host that redirects there."""
    path = f"canary{secrets.token_hex(4)}"
    async with listening() as (listener, port), bench(context) as place:
        twin = await _spoken(place, listener, "its own host", {})
        found = [
            await _spoken(place, listener, title, {"synthesis": _answer(url)})
            for title, url in elsewhere(port, path).items()
        ]
        for status in (302, 307):
            away = {"status": status, "headers": {"Location": f"http://127.0.0.1:{port}/{path}"}, "body": ""}
            found.append(await _spoken(place, listener, f"a redirect ({status})", {"download": away}))
    return Fetches(twin, tuple(found))


def _answer(url: str) -> Mapping[str, Any]:
    audio = {"data": "", "url": url, "id": "audio-1", "expires_at": 4102444800}
    output = {"finish_reason": "stop", "audio": audio}
    return {"status": 200, "body": {"json": {"output": output, "usage": {"characters": 9}, "request_id": "r-1"}}}


async def _spoken(place: Bench, listener: Listener, title: str, scripts: Mapping[str, Mapping[str, Any]]) -> Fetched:
    """Have a text spoken while the provider answers as in *scripts*, and look at what is left."""
    await only_credits(place.ground, place.user.user_id)
    before, calls = await purse(place.client), listener.calls
    for call, answer in scripts.items():
        await place.ground.providers.script(
            "dashscope" if call == "synthesis" else "audio_host", call, times=0, **answer
        )
    started = await place.begin(f"Away {secrets.token_hex(3)}")
    seen = await place.end(started, patience_s=10.0)
    await place.ground.providers.unscript()
    after = await purse(place.client)
    return Fetched(title, listener.calls - calls, seen.status, before, after)
