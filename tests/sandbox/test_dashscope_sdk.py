"""The vendor's own Python SDK, as shipped, against the stand-in: classic callbacks and the raw session of 2.x.

It shows that a client written for the real service finds here what it expects (protocol sheet, sections 2.1 and 7).
"""

from __future__ import annotations

import base64
import gc
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
import dashscope
import miniaudio
import pytest
from dashscope.audio.qwen_tts_realtime import AudioFormat, QwenTtsRealtime, QwenTtsRealtimeCallback
from dashscope.audio.qwen_tts_realtime import qwen_tts_realtime as classic_module
from dashscope.v2.errors import DashScopeError
from websocket import WebSocketBadStatusException

from sandbox.clock import Clock
from sandbox.tts.providers import Providers
from sandbox.tts.providers.audio import speech_pcm, speech_seconds
from sandbox.tts.providers.dashscope import CUSTOMIZATION
from tests.sandbox.platform_fixtures import BackgroundLoop
from tests.sandbox.provider_fixtures import Bench
from tests.sandbox.realtime_client import VC, VD
from tests.sandbox.test_dashscope_stand_in import clone_body

# The SDK leaves the sockets of broken connections to the garbage collector, and calls its newer half a preview.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*unclosed.*:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*unclosed.*:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*preview.*:FutureWarning"),
]
WAIT_S = 10
TEXT = ["Good morning. ", "This comes in two parts, ", "and ends here"]


class Hearing(QwenTtsRealtimeCallback):
    """Keeps what the SDK hands over."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.closed: list[tuple[Any, Any]] = []
        self.over = threading.Event()
        self.one_done = threading.Event()

    def on_open(self) -> None:
        pass

    def on_close(self, close_status_code: Any, close_msg: Any) -> None:
        self.closed.append((close_status_code, close_msg))
        self.over.set()

    def on_event(self, message: Any) -> None:
        self.events.append(message)
        if message["type"] == "response.done":
            self.one_done.set()

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def audio(self) -> bytes:
        deltas = [event["delta"] for event in self.events if event["type"] == "response.audio.delta"]
        return b"".join(base64.b64decode(delta) for delta in deltas)


@dataclass
class Provider:
    """A running stand-in, reached by its addresses only."""

    providers: Providers
    loop: BackgroundLoop
    started: list[QwenTtsRealtime] = field(default_factory=list)

    @property
    def realtime_url(self) -> str:
        return self.providers.dashscope.realtime_url

    @property
    def rest_url(self) -> str:
        return f"{self.providers.dashscope.url}/api/v1"

    def voice(self, model: str = VC) -> str:
        """A fresh clone. No class of the SDK speaks this call."""

        async def enroll() -> Any:
            async with aiohttp.ClientSession() as http:
                bench = Bench(self.providers, self.providers.dashscope.clock, http)
                return await bench.dashscope(CUSTOMIZATION, clone_body(target_model=model))

        return str(self.loop.run(enroll())[1]["output"]["voice"])

    def classic(self, model: str = VC) -> tuple[QwenTtsRealtime, Hearing]:
        """A connected client of the classic kind."""
        hearing = Hearing()
        client = QwenTtsRealtime(model=model, callback=hearing, url=self.realtime_url)
        client.connect()
        self.started.append(client)
        return client, hearing

    def settled(self) -> None:
        """Close what a test left open and wait for its threads."""
        for client in self.started:
            if client.thread.is_alive():
                client.close()
            client.thread.join(WAIT_S)
        self.started.clear()


@pytest.fixture
def provider(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    before = set(threading.enumerate())
    running = Provider(Providers(Clock()), loop)
    for option in ("clone_s", "design_s", "realtime_first_s", "realtime_delta_s"):
        running.providers.dashscope.set_option(option, 0)
    loop.run(running.providers.start())
    monkeypatch.setattr(dashscope, "api_key", running.providers.dashscope.api_key)
    yield running
    running.settled()
    loop.run(running.providers.close())
    gc.collect()  # here, where unclosed sockets are ignored, and not in somebody else's test
    left = {thread for thread in threading.enumerate() if thread not in before and not _ended(thread)}
    assert left == set()


def _ended(thread: threading.Thread) -> bool:
    thread.join(WAIT_S)
    return not thread.is_alive()


def test_a_clone_speaks_in_server_commit_mode(provider: Provider):
    voice = provider.voice()
    client, hearing = provider.classic()
    client.update_session(
        voice=voice, response_format=AudioFormat.PCM_24000HZ_MONO_16BIT, mode="server_commit", language_type="English"
    )
    for part in TEXT:
        client.append_text(part)
    client.finish()
    assert hearing.over.wait(WAIT_S)

    assert hearing.audio() == b"".join(speech_pcm(part) for part in ("Good morning. ", TEXT[1] + TEXT[2]))
    assert (hearing.types()[:2], hearing.types()[-1]) == (["session.created", "session.updated"], "session.finished")
    assert "input_text_buffer.committed" not in hearing.types()
    assert client.get_session_id() == hearing.events[0]["session"]["id"]
    assert client.get_last_response_id()
    assert client.get_first_audio_delay() > 0
    assert hearing.closed == [(1000, None)]


def test_a_clone_speaks_in_commit_mode_each_commit_a_response(provider: Provider):
    voice = provider.voice()
    client, hearing = provider.classic()
    client.update_session(voice=voice, mode="commit", audio_format="mp3")
    client.append_text("never spoken")
    client.clear_appended_text()
    for part in TEXT[:2]:
        client.append_text(part)
        client.commit()
    client.finish()
    assert hearing.over.wait(WAIT_S)

    done = [event["response"] for event in hearing.events if event["type"] == "response.done"]
    assert hearing.types().count("input_text_buffer.committed") == len(done) == 2
    assert [one["usage"]["characters"] for one in done] == [len(part) for part in TEXT[:2]]
    heard = miniaudio.decode(hearing.audio(), nchannels=1)
    assert heard.duration == pytest.approx(sum(speech_seconds(part) for part in TEXT[:2]), abs=0.4)
    assert hearing.closed[0][0] == 1000


def test_an_error_is_handed_over_and_the_close_tells_why(provider: Provider):
    client, hearing = provider.classic()
    client.update_session(voice="Cherry")
    assert hearing.over.wait(WAIT_S)
    (error,) = [event["error"] for event in hearing.events if event["type"] == "error"]

    assert error == {"code": "InvalidParameter", "message": "Invalid voice specified: Cherry"}
    assert hearing.closed == [(1007, "Invalid voice specified: Cherry")]
    with pytest.raises(ConnectionError):
        client.append_text("too late")


def test_an_error_that_is_not_fatal_leaves_the_session_open(provider: Provider):
    voice = provider.voice()
    client, hearing = provider.classic()
    client.update_session(voice=voice, mode="commit")
    client.commit()
    client.append_text("Still here.")
    client.commit()
    assert hearing.one_done.wait(WAIT_S)
    client.cancel_response()
    client.finish()
    assert hearing.over.wait(WAIT_S)

    assert hearing.types().count("error") == 1
    assert hearing.audio() == speech_pcm("Still here.")


def test_a_drop_in_mid_stream_is_a_close_without_a_code(provider: Provider):
    provider.loop.run(_planned(provider, {"do": "drop", "after": 1}))
    voice = provider.voice()
    client, hearing = provider.classic()
    client.update_session(voice=voice)
    client.append_text("A sentence that breaks off.")
    client.finish()
    assert hearing.over.wait(WAIT_S)

    assert hearing.closed == [(None, None)]
    assert "session.finished" not in hearing.types()


def test_a_bad_key_ends_in_the_clients_own_timeout(provider: Provider, monkeypatch):
    monkeypatch.setattr(dashscope, "api_key", "sk-wrong")
    # The client waits five seconds by this clock; it runs ten times as fast.
    hurried = SimpleNamespace(time=lambda: 10 * time.time(), sleep=time.sleep)
    monkeypatch.setattr(classic_module, "time", hurried)
    hearing = Hearing()
    client = QwenTtsRealtime(model=VC, callback=hearing, url=provider.realtime_url)
    with pytest.raises(TimeoutError, match="could not established within 5s"):
        client.connect()
    provider.started.append(client)

    assert provider.providers.dashscope.requests[-1]["status"] == 401
    assert hearing.events == []


async def _planned(provider: Provider, mishap: dict[str, Any]) -> None:
    provider.providers.dashscope.script("realtime_session", body=mishap)


# The raw session of 2.x


@pytest.fixture
def client(provider: Provider) -> Iterator[Any]:
    made = dashscope.Client(api_key=provider.providers.dashscope.api_key, base_url=provider.rest_url)
    yield made
    made.close()


def raw(client: Any, provider: Provider, model: str = VC) -> Any:
    """A raw session, to be entered."""
    return client.audio.realtime.connect(model=model, ws_url=provider.realtime_url, timeout=WAIT_S)


def test_the_raw_session_completes_a_design(provider: Provider, client):
    made = client.audio.voice_design.create(
        target_model=VD, voice_prompt="A calm voice", preview_text="Good morning.", language="en"
    )
    with raw(client, provider, VD) as session:
        session.send_event({"type": "session.update", "session": {"voice": made.voice, "response_format": "mp3"}})
        session.send_event({"type": "input_text_buffer.append", "text": "A designed voice speaks."})
        session.send_event({"type": "session.finish"})
        events = [dict(event) for event in session.events()]

    audio = b"".join(base64.b64decode(one["delta"]) for one in events if one["type"] == "response.audio.delta")
    assert events[-1]["type"] == "session.finished"
    assert miniaudio.decode(audio, nchannels=1).duration == pytest.approx(
        speech_seconds("A designed voice speaks."), abs=0.3
    )


def test_the_raw_session_raises_an_error(provider: Provider, client):
    with raw(client, provider) as session:
        session.send_event({"type": "session.update", "session": {"voice": "Cherry"}})
        with pytest.raises(DashScopeError, match="Invalid voice specified"):
            list(session.events())


def test_the_raw_session_raises_a_refused_handshake(provider: Provider):
    client = dashscope.Client(api_key="sk-wrong", base_url=provider.rest_url)
    with pytest.raises(WebSocketBadStatusException, match="InvalidApiKey"), raw(client, provider):
        pass
    client.close()
