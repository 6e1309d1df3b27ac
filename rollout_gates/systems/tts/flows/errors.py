"""Provoked errors: known ones of every route, unknown routes, malformed ids, and the request ids of all answers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.samples import LANGUAGE, characters

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# The contract names the error that a NUL ends in, not that it has to be one.
NUL = "a NUL in a name"


@dataclass(frozen=True)
class Probe:
    """One call and its answer; *title* says what is wrong with the call, or that nothing is."""

    title: str
    answer: Reply


@dataclass(frozen=True)
class Probes:
    """Answers in the order of the probes; *twin*: a good call by the same user, which shows that they are let in."""

    answers: tuple[Probe, ...]
    twin: Reply

    @property
    def errors(self) -> tuple[tuple[str, Reply], ...]:
        """Titles and answers; a NUL that was taken after all is no error, so it is left out."""
        listed = ((probe.title, probe.answer) for probe in self.answers)
        return tuple((title, answer) for title, answer in listed if title != NUL or answer.status >= 400)


@dataclass(frozen=True)
class Ask:
    """A call to be made: by whom it is made is said elsewhere, unless *credentials* are left out."""

    title: str
    method: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)


def handled(cap: int) -> tuple[Ask, ...]:
    """Return calls that the contract refuses, each in another way; none of them costs or makes anything."""
    unknown = str(uuid.uuid4())
    said = {"name": "rollout gate", "language": LANGUAGE, "transcript": "Nobody says this."}
    speech = {"voice_id": unknown, "text": "Nobody says this."}
    no_header = {"headers": {"authorization": None}}
    bad_token = {"headers": {"authorization": "Bearer not-a-token"}}
    return (
        Ask("no authorization header", "GET", "/voices", no_header),
        Ask("a bad token", "GET", "/voices", bad_token),
        Ask("a body that is not JSON", "POST", "/generate", _text("{not json")),
        Ask("no voice", "POST", "/generate", {"json": {"text": "x"}}),
        Ask("a voice id that is no UUID", "POST", "/generate", {"json": {**speech, "voice_id": "x"}}),
        Ask("no text", "POST", "/generate", {"json": {"voice_id": unknown}}),
        Ask("a text over the cap", "POST", "/generate", {"json": {**speech, "text": characters(cap + 1)}}),
        Ask("an unknown voice", "POST", "/generate", {"json": speech}),
        Ask("no name", "POST", "/clone/upload-url", {"json": {**said, "name": " "}}),
        Ask("no transcript", "POST", "/clone/upload-url", {"json": {**said, "transcript": None}}),
        Ask("no voice to finalize", "POST", "/clone/finalize", {"json": said}),
        Ask("a voice without its clip", "POST", "/clone/finalize", {"json": {**said, "voice_id": unknown}}),
        Ask("no preview text", "POST", "/voices/design/preview", {"json": {}}),
        Ask("a preview text over 500", "POST", "/voices/design/preview", {"json": {"text": characters(501)}}),
        Ask("a form that is none", "POST", "/voices/design", {"json": {}}),
        Ask("no pack", "POST", "/billing/checkout", {"json": {}}),
        Ask("a transcription without audio", "POST", "/transcriptions", {"json": {}}),
        Ask("a payment event without signature", "POST", "/webhooks/stripe", {"json": {}}),
        Ask("a handle that is too short", "PATCH", "/profile", {"json": {"handle": "x"}}),
        Ask(NUL, "PATCH", "/profile", {"json": {"display_name": "a\x00b"}}),
        Ask("an unknown task", "GET", f"/tasks/{unknown}"),
        Ask("a cancel of an unknown task", "POST", f"/tasks/{unknown}/cancel"),
        Ask("a delete of an unknown task", "DELETE", f"/tasks/{unknown}"),
        Ask("the preview of an unknown voice", "GET", f"/voices/{unknown}/preview"),
        Ask("a delete of an unknown voice", "DELETE", f"/voices/{unknown}"),
        Ask("the audio of an unknown generation", "GET", f"/generations/{unknown}/audio"),
        Ask("a delete of an unknown generation", "DELETE", f"/generations/{unknown}"),
        Ask("a repetition of an unknown generation", "POST", f"/generations/{unknown}/regenerate"),
    )


def strange() -> tuple[Ask, ...]:
    """Return calls to routes that do not exist: unknown path, wrong verb, trailing slash."""
    return (
        Ask("an unknown path", "GET", f"/no-such-route-{uuid.uuid4().hex[:8]}"),
        Ask("an unknown path below a known one", "GET", f"/generations/{uuid.uuid4()}/no-such-thing"),
        Ask("a wrong verb", "PUT", "/voices", {"json": {}}),
        Ask("another wrong verb", "GET", "/generate"),
        Ask("a trailing slash", "GET", "/voices/"),
    )


def malformed() -> tuple[Ask, ...]:
    """Return calls to all routes with an id in the path, with one that is no UUID."""
    return tuple(Ask(f"{method} {path}", method, path) for method, path in _with_id("not-a-uuid"))


def unknown() -> tuple[Ask, ...]:
    """Return the same calls with an id that is well formed and belongs to nothing."""
    return tuple(Ask(f"{method} {path}", method, path) for method, path in _with_id(str(uuid.uuid4())))


def _with_id(id_: str) -> tuple[tuple[str, str], ...]:
    return (
        ("GET", f"/tasks/{id_}"),
        ("POST", f"/tasks/{id_}/cancel"),
        ("DELETE", f"/tasks/{id_}"),
        ("GET", f"/voices/{id_}/preview"),
        ("DELETE", f"/voices/{id_}"),
        ("GET", f"/generations/{id_}/audio"),
        ("DELETE", f"/generations/{id_}"),
        ("POST", f"/generations/{id_}/regenerate"),
    )


@flow("handled_errors")
async def handled_errors(context: Context) -> Probes:
    """Provoke the errors of every route."""
    session: Session = context.session
    return await _probed((await session.identities.get("errors")).client, handled(session.settings.cap))


@flow("unknown_routes")
async def unknown_routes(context: Context) -> Probes:
    """Call what does not exist."""
    session: Session = context.session
    return await _probed((await session.identities.get("errors")).client, strange())


@dataclass(frozen=True)
class PathIds:
    """The same routes with malformed ids and with unknown ones, in the same order, and a good call as *twin*."""

    malformed: tuple[Probe, ...]
    unknown: tuple[Probe, ...]
    twin: Reply


@flow("path_ids")
async def path_ids(context: Context) -> PathIds:
    """Call every route that takes an id with a malformed one, and with an unknown one beside it."""
    session: Session = context.session
    client = (await session.identities.get("errors")).client
    bad, absent, twin = await asyncio.gather(_all(client, malformed()), _all(client, unknown()), client.voices())
    return PathIds(bad, absent, twin)


async def _probed(client: Client, asks: tuple[Ask, ...]) -> Probes:
    answers, twin = await asyncio.gather(_all(client, asks), client.voices())
    return Probes(answers, twin)


async def _all(client: Client, asks: tuple[Ask, ...]) -> tuple[Probe, ...]:
    answers = await asyncio.gather(*(client.raw(ask.method, ask.path, **ask.options) for ask in asks))
    return tuple(Probe(ask.title, answer) for ask, answer in zip(asks, answers, strict=True))


def _text(body: str) -> dict[str, Any]:
    return {"content": body, "headers": {"content-type": "application/json"}}
