"""The one client: every request of a run goes through `Wire.send`, and every exchange into a transcript."""

from __future__ import annotations

import asyncio
import copy
import json as json_module
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, Self

from rollout_gates import __version__
from rollout_gates.evidence.transcript import Exchange, Recorder
from rollout_gates.reasons import Reason
from rollout_gates.wire.decode import ACCEPTED
from rollout_gates.wire.errors import CouldNotJudge, RedirectLoop, TimedOut, shown_url
from rollout_gates.wire.listening import Listening
from rollout_gates.wire.pace import Pace
from rollout_gates.wire.patience import Patience
from rollout_gates.wire.reply import Reply, Sent
from rollout_gates.wire.retry import Retry, RetryPolicy, retry_after_s
from rollout_gates.wire.transport import Answer, Timeouts, Transport, listening_timeouts
from rollout_gates.wire.urls import joined, origin

MOST_BYTES: Final = 64 * 1024 * 1024
_LONGEST_429_WAIT_S: Final = 300.0
_TOKEN_CHARACTERS: Final = 20
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

HeadersIn = Mapping[str, str | None] | Sequence[tuple[str, str]]


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()
# The transcript of the flow or check that runs; a task inherits it.
current_transcript: ContextVar[str] = ContextVar("current_transcript", default="main")
# What a request of the flow that runs has to wait for; a task inherits it, too. Waiting is no part of an exchange.
NO_TURN: Final[AbstractAsyncContextManager[None]] = nullcontext()
current_turn: ContextVar[AbstractAsyncContextManager[None]] = ContextVar("current_turn", default=NO_TURN)


@dataclass(frozen=True)
class _Call:
    """One call as the caller meant it; its tries differ only in their request id."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    actor: str
    bucket: str
    tier: str | None
    timeouts: Timeouts
    max_bytes: int
    transcript: str
    fresh_request_id: bool
    listening: Listening | None


class Wire:
    """Sends requests, obeys the pace, records everything, follows nothing, asserts nothing.

    *timeout_s* is `limits.timeout_s`. *note* gets one line whenever somebody has to wait. *ca_file* adds a private
    certificate authority; verification itself is never off.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        run_id: str,
        timeout_s: float = 30.0,
        pace: Pace | None = None,
        note: Callable[[str], None] = lambda _text: None,
        ca_file: str | None = None,
        connections: int = 256,
    ) -> None:
        self.recorder = recorder
        self.pace = pace
        self.timeout_s = timeout_s
        self.user_agent = f"rollout-gates/{__version__} run/{run_id}"
        self._note = note
        self._transport = Transport(connections=connections, ca_file=ca_file)
        self._patience = Patience()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def unpaced(self) -> Wire:
        """Return the same wire, its connections shared, for calls that no rate limit of the target's counts."""
        other = copy.copy(self)
        other.pace = None
        return other

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: HeadersIn | None = None,
        json: Any = UNSET,
        content: bytes | str | None = None,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        actor: str = "anon",
        tier: str | None = None,
        bucket: str | None = None,
        retry: Retry = "never",
        on_429: Literal["wait", "return"] = "wait",
        max_bytes: int = MOST_BYTES,
        timeout_s: float | None = None,
        transcript: str | None = None,
        request_id: bool = True,
        listening: Listening | None = None,
    ) -> Reply:
        """Send one request and return its answer, whatever its status.

        *json*, *content* (bytes or text as they are), *data* (a form) and *files* (multipart, as in httpx) are the
        body; *headers* may repeat a name, and a value of None leaves out a header that would be set by itself.
        *actor* is who calls; *tier* names the rate limit that the call falls under and *bucket* whose limit that is
        (default: the actor). *retry* "idempotent" allows two more tries on connection errors, 502, 503 and 504.
        *on_429* "wait" waits once as long as the answer asks and sends again: that 429 is no sample; "return" hands
        it out. *max_bytes* bounds the decoded body. *request_id* False sends no `x-request-id` of ours.

        Raises `CouldNotJudge` kinds when no header block arrived. See `Reply.fault` for what broke later.
        """
        body, body_headers = _body(json, content, data, files)
        call = _Call(
            method=method.upper(),
            url=url,
            headers=_merged(self._defaults(), body_headers, headers),
            body=body,
            actor=actor,
            bucket=bucket or actor,
            tier=tier,
            timeouts=(
                listening_timeouts(listening)
                if listening is not None
                else Timeouts.from_limit(self.timeout_s if timeout_s is None else timeout_s)
            ),
            max_bytes=max_bytes,
            transcript=transcript or current_transcript.get(),
            fresh_request_id=request_id and not _names(headers, "x-request-id"),
            listening=listening,
        )
        self._learn(call)
        return await self._tries(call, RetryPolicy.of(method, retry), patient=on_429 == "wait")

    async def fetch(self, url: str, *, method: str = "GET", follow: int = 5, **options: Any) -> Reply:
        """GET or HEAD *url* and follow up to *follow* redirects; each hop is an exchange of its own.

        The credentials of *options* go to the first origin only. Raises `RedirectLoop`, and `BadAnswer` for a
        redirect that leads nowhere.
        """
        hops: list[Reply] = []
        seen: set[str] = set()
        while True:
            reply = await self.send(method, url, **options)
            target = reply.header("location")
            if reply.status not in _REDIRECTS or not target:
                return replace(reply, hops=tuple(hops))
            hops.append(reply)
            seen.add(url)
            before, url = url, joined(url, target)
            if url in seen:
                raise RedirectLoop(f"{shown_url(hops[0].request.url)}: the redirects go in a circle after {len(hops)}")
            if len(hops) > follow:
                raise RedirectLoop(f"{shown_url(hops[0].request.url)}: more than {follow} redirects")
            if origin(before) != origin(url):
                options = {**options, "headers": _without_credentials(options.get("headers"))}

    async def _tries(self, call: _Call, policy: RetryPolicy, *, patient: bool) -> Reply:
        tries, first_id, waited = 0, None, False
        while True:
            self._patience.ask(call.method, call.url)
            if self.pace is not None and call.tier is not None:
                await self.pace.take(call.bucket, call.tier)
            tries += 1
            exchange_id = self.recorder.next_id()
            patient = patient and not waited and self._patience.is_worth_a_wait(call.url, call.bucket, call.tier)
            async with current_turn.get():
                outcome = await self._once(call, exchange_id, first_id, patient=patient)
            self._learn_from(call, outcome, waited=waited)
            if isinstance(outcome, Reply) and outcome.status == 429 and patient:
                waited, tries = True, tries - 1
                await self._wait_429(call, outcome)
            elif policy.repeats(outcome, tries):
                await asyncio.sleep(policy.wait_s(tries))
            elif isinstance(outcome, Reply):
                return outcome
            else:
                raise outcome
            first_id = first_id or exchange_id

    def _learn_from(self, call: _Call, outcome: Reply | CouldNotJudge, *, waited: bool) -> None:
        """Keep in mind how the target behaves, for the calls that come after this one."""
        if isinstance(outcome, CouldNotJudge):
            self._patience.silent(call.method, call.url, outcome)
            return
        if outcome.fault is not None and outcome.elapsed_s >= call.timeouts.total_s:
            slow = f"{call.method} {shown_url(call.url)}: the body did not end within {call.timeouts.total_s:g} s"
            self._patience.silent(call.method, call.url, TimedOut(slow))
            return
        self._patience.answered(call.method, call.url)
        if outcome.status != 429:
            self._patience.let_in(call.url, call.bucket, call.tier)
        elif waited:
            self._patience.refused_again(call.url, call.bucket, call.tier)

    async def _once(
        self, call: _Call, exchange_id: str, retry_of: str | None, *, patient: bool
    ) -> Reply | CouldNotJudge:
        """Make one try and record it, whatever comes of it."""
        headers = call.headers
        if call.fresh_request_id:
            headers = (*headers, ("x-request-id", str(uuid.uuid4())))
        exchange = Exchange(
            id=exchange_id,
            sent=datetime.now(UTC),
            actor=call.actor,
            method=call.method,
            url=call.url,
            request_headers=headers,
            request_body=call.body,
            retry_of=retry_of,
        )
        try:
            answer = await self._exchange(call, headers)
        except CouldNotJudge as problem:
            self._keep(call, replace(exchange, error=str(problem)))
            return problem
        except asyncio.CancelledError:
            self._keep(call, replace(exchange, error="cancelled by the run"))
            raise
        reply = _reply(call, answer, exchange_id)
        answered = _answered(exchange, answer, self._no_sample(reply, patient=patient))
        pairs = self._keep(call, answered)
        return replace(reply, request=replace(reply.request, pairs=pairs))

    async def _exchange(self, call: _Call, headers: tuple[tuple[str, str], ...]) -> Answer:
        asked = (call.method, call.url, headers, call.body)
        if call.listening is not None:
            return await self._transport.stream(*asked, listening=call.listening, max_bytes=call.max_bytes)
        return await self._transport.exchange(*asked, timeouts=call.timeouts, max_bytes=call.max_bytes)

    def _keep(self, call: _Call, exchange: Exchange) -> Sequence[tuple[str, str]]:
        """Record *exchange*; what is not on record judges nothing."""
        try:
            return self.recorder.record(call.transcript, exchange)
        except OSError as problem:
            told = f"{call.method} {shown_url(call.url)} could not be recorded: {problem.strerror}"
            raise CouldNotJudge(Reason.CHECK_ERRORED, told) from None

    def _no_sample(self, reply: Reply, *, patient: bool) -> str | None:
        if reply.status != 429 or not patient:
            return None
        return f"rate limited: no sample; sent again after {self._asked_wait_s(reply):.0f} s"

    def _asked_wait_s(self, reply: Reply) -> float:
        longest = self.pace.window_s if self.pace is not None else _LONGEST_429_WAIT_S
        return retry_after_s(reply, longest_s=longest)

    async def _wait_429(self, call: _Call, reply: Reply) -> None:
        wait_s = self._asked_wait_s(reply)
        if self.pace is not None and call.tier in self.pace.limits:
            self.pace.refused(call.bucket, str(call.tier), wait_s)
            return
        self._note(f"waiting {wait_s:.0f} s: {shown_url(call.url)} refused {call.actor} with 429")
        await asyncio.sleep(wait_s)

    def _defaults(self) -> list[tuple[str, str]]:
        return [("user-agent", self.user_agent), ("accept", "*/*"), ("accept-encoding", ACCEPTED)]

    def _learn(self, call: _Call) -> None:
        """Know every credential that is sent, so that an echo of it is recognised."""
        for name, value in call.headers:
            if name.lower() in {"authorization", "apikey"}:
                secret = value.rpartition(" ")[2]
                if len(secret) >= _TOKEN_CHARACTERS:
                    self.recorder.redactor.register(secret, f"{call.actor}_token")


def _reply(call: _Call, answer: Answer, exchange_id: str) -> Reply:
    return Reply(
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        elapsed_s=answer.elapsed_s,
        first_byte_s=answer.first_byte_s,
        request=Sent(call.method, call.url, (), call.body),
        exchange_id=exchange_id,
        actor=call.actor,
        transcript=call.transcript,
        fault=answer.fault,
        arrivals=answer.arrivals,
    )


def _answered(exchange: Exchange, answer: Answer, note: str | None) -> Exchange:
    return replace(
        exchange,
        status=answer.status,
        response_headers=answer.headers.multi_items(),
        response_body=answer.body,
        first_byte_s=answer.first_byte_s,
        elapsed_s=answer.elapsed_s,
        fault=answer.fault,
        note=note,
        arrivals=None if answer.arrivals is None else answer.arrivals.told(),
    )


def _body(
    json: Any, content: bytes | str | None, data: Mapping[str, Any] | None, files: Any
) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the body and the headers that describe it."""
    if json is not UNSET:
        text = json_module.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8", "surrogatepass"), [("content-type", "application/json")]
    if content is not None:
        return (content.encode() if isinstance(content, str) else content), []
    if data is None and files is None:
        return b"", []
    import httpx  # noqa: PLC0415 - takes a fifteenth of the start-up, and forms are rare

    request = httpx.Request("POST", "http://localhost/", data=data, files=files)
    return request.read(), [("content-type", request.headers["content-type"])]


def _pairs(headers: HeadersIn | None) -> list[tuple[str, str | None]]:
    if headers is None:
        return []
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers)


def _names(headers: HeadersIn | None, name: str) -> bool:
    return any(key.lower() == name for key, _ in _pairs(headers))


def _merged(
    defaults: Sequence[tuple[str, str]], described: Sequence[tuple[str, str]], given: HeadersIn | None
) -> tuple[tuple[str, str], ...]:
    """Lay the caller's headers over ours; None leaves one out."""
    pairs = _pairs(given)
    taken = {name.lower() for name, _ in pairs}
    kept = [(name, value) for name, value in [*defaults, *described] if name not in taken]
    return (*kept, *((name, value) for name, value in pairs if value is not None))


def _without_credentials(headers: HeadersIn | None) -> list[tuple[str, str]]:
    secret = {"authorization", "apikey", "cookie"}
    return [(name, value) for name, value in _pairs(headers) if value is not None and name.lower() not in secret]
