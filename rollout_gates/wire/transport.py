"""One request, one answer, on aiohttp.

aiohttp is used directly: measured in benchmarks/transport.py it costs a fraction of httpx, and it sends what it
is given. No redirect is followed, no cookie is kept between calls, no proxy or password is taken from the
environment, nothing is repeated behind our back, and the path goes out exactly as written.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

import aiohttp
import yarl
from multidict import CIMultiDict

from rollout_gates.wire.arrivals import Arrivals
from rollout_gates.wire.decode import Undecodable, decoder
from rollout_gates.wire.errors import NotConfigured, shown_url
from rollout_gates.wire.headers import Headers
from rollout_gates.wire.listening import Heard, Listening, listen
from rollout_gates.wire.problems import broken, explained

HeadersOut = Sequence[tuple[str, str]]
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_HEADER_LIMIT = 64 * 1024
# Common servers close idle connections after 5 s; ours go first, so that no request meets a closing one.
_IDLE_S = 4.0
_SENT_IN_ONE_PIECE = 1 << 20
_KEPT = "".join(chr(code) for code in range(33, 127) if chr(code) not in '"<>\\^`{|}')


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `connect_s` includes the wait for a free place in the pool; `total_s` is for all of the exchange."""

    connect_s: float
    read_s: float
    total_s: float

    @classmethod
    def from_limit(cls, timeout_s: float) -> Timeouts:
        """Derive all of them from the one limit of the environment file."""
        return cls(connect_s=min(0.8 * timeout_s, 10.0), read_s=timeout_s, total_s=timeout_s)


def listening_timeouts(listening: Listening) -> Timeouts:
    """Return the limits of what is listened to, as those of any other exchange."""
    first_s = min(listening.idle_s, listening.total_s)
    return Timeouts(connect_s=min(0.8 * first_s, 10.0), read_s=first_s, total_s=listening.total_s)


@dataclass(frozen=True)
class Answer:
    """What came back, before it is recorded. *arrivals* only of what was listened to."""

    status: int
    headers: Headers
    body: bytes
    first_byte_s: float
    elapsed_s: float
    fault: str | None
    arrivals: Arrivals | None = None


class Transport:
    """A pool of connections. Opened on first use, in the event loop that uses it."""

    def __init__(self, *, connections: int = 256, ca_file: str | None = None) -> None:
        self._connections = connections
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def exchange(
        self, method: str, url: str, headers: HeadersOut, body: bytes, *, timeouts: Timeouts, max_bytes: int
    ) -> Answer:
        """Send one request and read its answer to the end.

        Raises `CouldNotJudge` kinds until the header block has arrived. What breaks later is the `fault` of the
        answer.
        """
        started = time.perf_counter()
        response = await self._answered(method, url, headers, body, timeouts)
        first_byte_s = time.perf_counter() - started
        received = Headers.received(response.raw_headers)
        try:
            with _watched(response):
                data, fault = await _read(response, timeouts, max_bytes, started)
        finally:
            _give_back(response)
        return Answer(response.status, received, data, first_byte_s, time.perf_counter() - started, fault)

    async def stream(
        self, method: str, url: str, headers: HeadersOut, body: bytes, *, listening: Listening, max_bytes: int
    ) -> Answer:
        """Send one request and listen to its answer as it comes. Raises as `exchange` does."""
        started = time.perf_counter()
        timeouts = listening_timeouts(listening)
        response = await self._answered(method, url, headers, body, replace(timeouts, total_s=timeouts.read_s))
        headers_s = time.perf_counter() - started
        received, heard = Headers.received(response.raw_headers), Heard()
        try:
            with _watched(response):
                await listen(response, listening, max_bytes, started, heard)
        finally:
            _give_back(response)
        ended_s = time.perf_counter() - started
        arrivals = heard.arrivals(headers_s, ended_s)
        return Answer(response.status, received, bytes(heard.body), headers_s, ended_s, heard.fault, arrivals)

    async def _answered(
        self, method: str, url: str, headers: HeadersOut, body: bytes, timeouts: Timeouts
    ) -> aiohttp.ClientResponse:
        """Send one request and return its answer as soon as the header block is there."""
        target = _target(url)
        tls = self._verified() if target.scheme == "https" else True
        try:
            async with asyncio.timeout(timeouts.total_s):
                return await self._open().request(
                    method,
                    target,
                    headers=_multidict(headers),
                    data=_data(body),
                    allow_redirects=False,
                    ssl=tls,
                    timeout=_client_timeout(timeouts),
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
            raise explained(problem, method, url, connect_s=timeouts.connect_s, read_s=timeouts.read_s) from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_IDLE_S)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_AUTOMATIC,
                auto_decompress=False,
                trust_env=False,
                max_line_size=_HEADER_LIMIT,
                max_field_size=_HEADER_LIMIT,
            )
            # aiohttp would repeat a GET on a lost connection by itself: sent twice, recorded once.
            self._session._retry_connection = False  # noqa: SLF001 - there is no public switch; a test watches it
        return self._session

    def _verified(self) -> ssl.SSLContext:
        if self._tls is None:
            import httpx  # noqa: PLC0415 - a fifteenth of the start-up, for its way to the certificates alone

            self._tls = httpx.create_ssl_context(trust_env=False)
            if self._ca_file is not None:
                self._tls.load_verify_locations(self._ca_file)
        return self._tls


async def _read(
    response: aiohttp.ClientResponse, timeouts: Timeouts, max_bytes: int, started: float
) -> tuple[bytes, str | None]:
    """Read the body; return it with the fault that cut it short, if any."""
    body = bytearray()
    received = 0
    left_s = max(0.0, timeouts.total_s - (time.perf_counter() - started))
    try:
        unpack = decoder(response.headers.get("content-encoding", ""))
        async with asyncio.timeout(left_s):
            async for chunk in response.content.iter_any():
                received += len(chunk)
                for piece in unpack.feed(chunk):
                    body += piece
                    if len(body) > max_bytes:
                        del body[max_bytes:]
                        return bytes(body), f"body is longer than {max_bytes} bytes"
        unpack.end()
    except TimeoutError:
        return bytes(body), f"body did not end within {timeouts.total_s:g} s ({received} bytes received)"
    except Undecodable as problem:
        return bytes(body), str(problem)
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, OSError) as problem:
        return bytes(body), f"body broke off after {received} bytes ({broken(problem)})"
    return bytes(body), None


@contextlib.contextmanager
def _watched(response: aiohttp.ClientResponse) -> Iterator[None]:
    """End the body when its connection does.

    aiohttp closes the connection on a chunk that it cannot read and leaves who waits for the body waiting.
    """
    content, connection = response.content, response.connection
    closed = connection.protocol.closed if connection is not None and connection.protocol is not None else None
    if closed is None:
        yield
        return

    def end(_: asyncio.Future[None]) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("TransferEncodingError"))

    closed.add_done_callback(end)
    try:
        yield
    finally:
        closed.remove_done_callback(end)
        # The future outlives us, once a connection: its exception is nobody's to report.
        closed.remove_done_callback(_known)
        closed.add_done_callback(_known)


def _known(closed: asyncio.Future[None]) -> None:
    closed.cancelled() or closed.exception()


def _give_back(response: aiohttp.ClientResponse) -> None:
    """Keep the connection when the body was read whole; otherwise close it, since its rest would be read next."""
    if response.content.at_eof() and response.content.exception() is None:
        response.release()
    else:
        response.close()


def _target(url: str) -> yarl.URL:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise NotConfigured(f"{shown_url(url)!r} is not a usable URL; expected http:// or https:// and a host name")
    if parts.username is not None or parts.password is not None:
        raise NotConfigured(f"{shown_url(url)}: a user or password must not stand in a URL")
    try:
        return yarl.URL(quote(url, safe=_KEPT), encoded=True) if parts.netloc.isascii() else yarl.URL(url)
    except ValueError:
        raise NotConfigured(f"{shown_url(url)!r} is not a usable URL") from None


def _multidict(headers: HeadersOut) -> CIMultiDict[str]:
    return CIMultiDict(headers)


def _data(body: bytes) -> bytes | io.BytesIO | None:
    if len(body) > _SENT_IN_ONE_PIECE:
        return io.BytesIO(body)
    return body or None


def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None, connect=timeouts.connect_s, sock_connect=timeouts.connect_s, sock_read=timeouts.read_s
    )
