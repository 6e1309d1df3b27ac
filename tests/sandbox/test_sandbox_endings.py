"""A sandbox that is ended in the middle of a stream ends quietly all the same."""

from __future__ import annotations

import json
import threading

import httpx

from tests.sandbox.running import WAIT_S, Running, start
from tests.sandbox.test_sandbox_lanes import TEXT, cloned


def test_it_ends_quietly_while_a_stream_is_held():
    process = start("--json", "--lane", "realtime")
    sandbox = Running(process, json.loads(process.stdout.readline()))
    token, voice_id = cloned(sandbox, "qwen-realtime")
    held = {"provider": "dashscope", "call": "realtime_last_delta"}
    sandbox.control("POST", "tts/qwen-realtime/hold", held)
    heard = threading.Thread(target=listen, args=(sandbox, token, voice_id))
    heard.start()
    sandbox.until(lambda: sandbox.held("qwen-realtime", "dashscope"))
    sandbox.http.close()
    process.terminate()
    _, complaints = process.communicate(timeout=WAIT_S)
    heard.join(WAIT_S)

    assert (process.returncode, complaints) == (0, "")
    assert not heard.is_alive()


def listen(sandbox: Running, token: str, voice_id: str) -> None:
    """Hear a stream for as long as it goes on."""
    url = f"{sandbox.table('qwen-realtime')['api_url']}/generate/stream"
    body = {"voice_id": voice_id, "text": TEXT}
    try:
        httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_S)
    except httpx.TransportError:
        return
