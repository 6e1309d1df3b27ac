"""Streams as a client of the API hears them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import miniaudio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.tts_api.deployed import Deployed, User

PATH = "/generate/stream"
TEXT = "Good morning, how are you today?"
DELTA = "response.audio.delta"


@dataclass
class Heard:
    """What came of a stream. *broken*: the connection ended before the body did."""

    status: int
    headers: httpx.Headers
    body: bytes = b""
    broken: bool = False
    pieces: list[bytes] = field(default_factory=list)

    @property
    def generation_id(self) -> str:
        return self.headers["x-utter-generation-id"]

    @property
    def task_id(self) -> str:
        return self.headers["x-utter-task-id"]


def listen(user: User, voice_id: str, text: str = TEXT, **body: Any) -> Heard:
    """Have *text* streamed and listen to the end."""
    with streamed(user, voice_id, text, **body) as reply:
        heard = Heard(reply.status_code, reply.headers)
        try:
            for piece in reply.iter_raw():
                heard.pieces.append(piece)
        except httpx.RemoteProtocolError:
            heard.broken = True
    heard.body = b"".join(heard.pieces)
    return heard


@contextmanager
def streamed(user: User, voice_id: str, text: str = TEXT, **body: Any) -> Iterator[httpx.Response]:
    """An answer whose body is still to come; leaving the block hangs up."""
    asked = {"voice_id": voice_id, "text": text, **body}
    headers = {"Authorization": f"Bearer {user.token}"}
    with user.deployed.http.stream("POST", PATH, json=asked, headers=headers) as reply:
        yield reply


class InBackground:
    """A stream that somebody listens to while the test does something else."""

    def __init__(self, user: User, voice_id: str) -> None:
        self.heard: Heard | None = None
        self._thread = threading.Thread(target=self._listen, args=(user, voice_id))
        self._thread.start()

    def _listen(self, user: User, voice_id: str) -> None:
        self.heard = listen(user, voice_id)

    def ended(self) -> Heard:
        """What was heard, once it is over."""
        self._thread.join(10)
        assert self.heard is not None
        return self.heard


def mishap(deployed: Deployed, do: str, *, at: str = DELTA, after: int = 1, **how: Any) -> None:
    """Plan a mishap for the provider's next session."""
    deployed.script("dashscope", "realtime_session", body={"do": do, "at": at, "after": after, **how})


def seconds(data: bytes) -> float:
    """Length of an MP3. Raises miniaudio.DecodeError."""
    return miniaudio.decode(data, nchannels=1).duration


def stored(user: User, generation_id: str) -> httpx.Response:
    """The audio of a generation, fetched as its owner would."""
    redirect = user.get(f"/generations/{generation_id}/audio")
    assert redirect.status_code == 302, redirect.text
    return user.deployed.http.get(redirect.headers["location"])


def settled(user: User, task_id: str) -> dict[str, Any]:
    """The task once it has ended."""
    return user.ended(task_id)


def balance(user: User) -> int:
    return int(user.profile()["credits_remaining"])
