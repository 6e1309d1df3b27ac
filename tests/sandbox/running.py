"""Runs `python -m sandbox` as a process of its own, as a person or a gate does, and talks to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from sandbox.tts.providers.audio import speech_wav

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
WAIT_S = 20
REFERENCE = speech_wav("A reference recording that is long enough to be cloned from.")


def start(*arguments: str) -> subprocess.Popen[str]:
    """The process, with pipes at all three ends."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


class Running:
    """A running sandbox. Instances are named as in remote control: `qwen-task`."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready
        self.http = httpx.Client(timeout=WAIT_S)

    def table(self, instance: str) -> dict[str, Any]:
        return self.ready["instances"][f"tts/{instance}"]["settings"]

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        return self.http.request(method, f"{self.ready['control_url']}/{path}", content=content)

    def get(self, instance: str, path: str, *, token: str | None = None, headers: dict | None = None) -> httpx.Response:
        return self._call("GET", instance, path, token, headers=headers or {})

    def post(self, instance: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        return self._call("POST", instance, path, token, json=body)

    def patch(self, instance: str, path: str, body: Any, *, token: str) -> httpx.Response:
        return self._call("PATCH", instance, path, token, json=body)

    def delete(self, instance: str, path: str, *, token: str) -> httpx.Response:
        return self._call("DELETE", instance, path, token)

    def _call(self, method: str, instance: str, path: str, token: str | None, **options: Any) -> httpx.Response:
        headers = {**options.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        return self.http.request(method, f"{self.table(instance)['api_url']}{path}", headers=headers, **options)

    def sign_up(self, instance: str) -> dict[str, Any]:
        """A fresh user's session."""
        body = {"email": f"{uuid.uuid4().hex[:12]}@example.test", "password": "sandbox-password"}
        reply = self.http.post(f"{self.table(instance)['auth_url']}/signup", json=body, headers=self.key(instance))
        reply.raise_for_status()
        return reply.json()

    def key(self, instance: str) -> dict[str, str]:
        """The `apikey` header of an instance."""
        return {"apikey": self.ready["instances"][f"tts/{instance}"]["variables"]["TTS_ANON_KEY"]}

    def upload(self, instance: str, session: dict[str, Any] | None = None) -> httpx.Response:
        """Ask for an upload URL and PUT reference audio there. The voice id is in the answer's request headers."""
        token = (session or self.sign_up(instance))["access_token"]
        wanted = {"name": "Nora", "language": "English", "transcript": "hello"}
        reply = self.post(instance, "/clone/upload-url", wanted, token=token)
        headers = {"Content-Type": "audio/wav", "x-voice-id": reply.json()["voice_id"]}
        return self.http.put(reply.json()["upload_url"], content=REFERENCE, headers=headers)

    def poll(self, instance: str, task_id: str, token: str) -> dict[str, Any]:
        """The task once it has ended."""
        terminal = {"completed", "failed", "cancelled"}

        def ended() -> dict[str, Any] | None:
            task = self.get(instance, f"/tasks/{task_id}", token=token).json()
            return task if task["status"] in terminal else None

        return self.until(ended)

    def held(self, instance: str, provider: str) -> dict[str, int]:
        return self.control("GET", f"tts/{instance}/state").json()["providers"][provider]["held"]

    @staticmethod
    def until(holds: Callable[[], Any]) -> Any:
        """Wait until *holds* is true and return what it returned."""
        deadline = time.monotonic() + WAIT_S
        while not (value := holds()):
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.05)
        return value


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    """A sandbox that ends with the block, quietly."""
    process = start("--json", "--until-eof", *arguments)
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        sandbox = Running(process, json.loads(line))
        yield sandbox
        sandbox.http.close()
    finally:
        _, complaints = process.communicate(timeout=WAIT_S)
    assert (process.returncode, complaints) == (0, "")
