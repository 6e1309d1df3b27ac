"""A running TTS deployment inside the test process: users call it over sockets, tests reach behind it."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from sandbox.clock import Clock
from sandbox.faults import load
from sandbox.tts.instance import Instance
from sandbox.tts.options import Options
from sandbox.tts.providers.audio import speech_wav

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.postgres import Cluster
    from tests.sandbox.platform_fixtures import BackgroundLoop

WAIT_S = 10
NUMBERS = itertools.count(1)
REFERENCE = speech_wav("A reference recording that is long enough to be cloned from.")
VOICE = {"name": "Nora", "language": "English", "transcript": "hello there"}
DESIGN = {"text": "A preview of this voice.", "language": "English", "instruct": "calm and low"}
PLENTY = dict.fromkeys(
    (f"RATE_LIMIT_TIER{tier}_{kind}_LIMIT" for tier in (1, 2, 3) for kind in ("USER", "IP")), "100000"
)
QUICK = {
    ("dashscope", "clone_s"): 0.0,
    ("dashscope", "design_s"): 0.0,
    ("dashscope", "synthesis_s"): 0.0,
    ("dashscope", "per_character_s"): 0.0,
    ("dashscope", "realtime_first_s"): 0.0,
    ("dashscope", "realtime_delta_s"): 0.0,
    ("modal", "job_s"): 0.0,
    ("modal", "design_s"): 0.0,
}


class AnyFault:
    """Switches that know every fault of the catalogue, built or not."""

    def __init__(self) -> None:
        self.known = load("tts")
        self.active_ids: set[str] = set()

    def on(self, fault_id: str) -> bool:
        assert fault_id in self.known, fault_id
        return fault_id in self.active_ids


class NamedInstance(Instance):
    """An instance with a database name of its own, so that several of a mode fit into one cluster."""

    _database = "overwritten"


@dataclass(frozen=True)
class User:
    """A signed-in user."""

    deployed: Deployed
    id: str
    token: str

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        """Call the API at *path*, as this user."""
        signed = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.deployed.http.request(method, path, headers=signed, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.send("POST", path, json=body, **options)

    def delete(self, path: str) -> httpx.Response:
        return self.send("DELETE", path)

    def form(self, path: str, fields: dict[str, str], audio: tuple[str, bytes, str] | None = None) -> httpx.Response:
        """POST a multipart form."""
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields.items()]
        return self.send("POST", path, files=[*parts, *([("audio", audio)] if audio else [])])

    # Whole ways

    def uploaded(self, audio: bytes = REFERENCE) -> str:
        """A voice id with audio under it."""
        reply = self.post("/clone/upload-url", VOICE).json()
        put = self.deployed.http.put(reply["upload_url"], content=audio, headers={"Content-Type": "audio/wav"})
        assert put.status_code == 200, put.text
        return str(reply["voice_id"])

    def voice(self, **fields: Any) -> str:
        """A finished clone."""
        reply = self.post("/clone/finalize", {**VOICE, "voice_id": self.uploaded(), **fields})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def speech(self, voice_id: str, text: str = "Good morning.") -> dict[str, Any]:
        """The answer of an accepted generate."""
        reply = self.post("/generate", {"voice_id": voice_id, "text": text})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def design(self, **fields: Any) -> str:
        """Task id of an accepted preview."""
        reply = self.post("/voices/design/preview", {**DESIGN, **fields})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["task_id"])

    def ended(self, task_id: str) -> dict[str, Any]:
        """The task once it has ended, read over and over."""

        def terminal() -> dict[str, Any] | None:
            task = self.get(f"/tasks/{task_id}").json()
            return task if task["status"] in {"completed", "failed", "cancelled"} else None

        return self.deployed.until(terminal)

    # What is behind it

    def profile(self) -> dict[str, Any]:
        return self.deployed.row("select * from public.profiles where id = %s", self.id)

    def ledger(self) -> list[dict[str, Any]]:
        return self.deployed.rows("select * from public.credit_ledger where user_id = %s order by id", self.id)

    def task(self, task_id: str) -> dict[str, Any]:
        return self.deployed.row("select * from public.tasks where id = %s", task_id)

    def generation(self, generation_id: str) -> dict[str, Any]:
        return self.deployed.row("select * from public.generations where id = %s", generation_id)


class Deployed:
    """One deployment with its providers; shared by many tests, so each puts back what it changes."""

    def __init__(self, mode: str, cluster: Cluster, template: str, loop: BackgroundLoop, lane: str = "task") -> None:
        self.mode, self._loop = mode, loop
        self.faults = AnyFault()
        self.clock = Clock()
        options = Options(variables=PLENTY, habits=QUICK)
        self.instance = NamedInstance(mode=mode, lane=lane, clock=self.clock, faults=self.faults, options=options)
        self.instance._database = f"api_{mode}_{next(NUMBERS)}"
        self._cluster = cluster
        self.run(self.instance.start(cluster, template))
        self.original = self.instance.deployment
        self.http = httpx.Client(base_url=f"{self.instance.base_url}/functions/v1/api", timeout=WAIT_S)

    def run(self, work: Any) -> Any:
        return self._loop.run(work)

    def close(self) -> None:
        self.http.close()
        self.run(self.instance.close())
        self._cluster.drop_database(self.instance._database)

    def reset(self) -> None:
        """Put back what a test may have changed; rows and users stay, they harm nobody."""

        async def put_back() -> None:
            for provider in self.instance.providers.all.values():
                provider.clear_scripts()
                for call in provider.calls:
                    provider.release(call)
            for what in list(self.instance.breakage.broken):
                await self.instance.breakage.set(what, on=False)
            for (provider, key), value in QUICK.items():
                self.instance.providers.named(provider).set_option(key, value)
            self.instance.providers.modal.set_option("design_redirect", 0)
            await self.instance.kill_workers()
            self.faults.active_ids.clear()
            self.instance.deployment = self.original
            for provider in self.instance.providers.all.values():
                provider.clear_requests()
            self.instance.log.lines.clear()
            self.clock._skipped_s = 0.0

        self.run(put_back())

    @contextmanager
    def fault(self, *fault_ids: str) -> Iterator[None]:
        """These faults for the length of the block."""
        self.faults.active_ids |= set(fault_ids)
        try:
            yield
        finally:
            self.faults.active_ids -= set(fault_ids)

    def user(self, balance: int = 20_000) -> User:
        """A fresh user who can afford things."""
        session = self.run(self.instance.auth.sign_up(f"api-{next(NUMBERS)}@example.test", "correct horse"))
        self.sql("update public.profiles set credits_remaining = %s where id = %s", balance, session.user_id)
        return User(self, session.user_id, session.access_token)

    # Behind the API

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async def execute() -> list[dict[str, Any]]:
            async with self.instance.db.service() as connection:
                cursor = await connection.execute(statement, values)
                return await cursor.fetchall() if cursor.description else []

        return self.run(execute())

    def row(self, statement: str, *values: Any) -> dict[str, Any]:
        found = self.rows(statement, *values)
        assert len(found) == 1, f"{len(found)} rows"
        return found[0]

    def sql(self, statement: str, *values: Any) -> None:
        self.rows(statement, *values)

    def objects(self, bucket: str, prefix: str) -> list[str]:
        """Keys below *prefix*."""
        return [info.name for info in self.run(self.instance.storage.list(bucket, prefix))]

    def variables(self, **changes: str | None) -> None:
        """Redeploy with changed variables."""
        self.instance.redeploy(changes)

    def breaking(self, what: str) -> None:
        self.run(self.instance.breakage.set(what, on=True))

    def mending(self, what: str) -> None:
        self.run(self.instance.breakage.set(what, on=False))

    def script(self, provider: str, call: str, **how: Any) -> None:
        async def prepare() -> None:
            self.instance.providers.named(provider).script(call, **how)

        self.run(prepare())

    def hold(self, provider: str, call: str) -> None:
        async def prepare() -> None:
            self.instance.providers.named(provider).hold(call)

        self.run(prepare())

    def release(self, provider: str, call: str) -> None:
        async def prepare() -> None:
            self.instance.providers.named(provider).release(call)

        self.run(prepare())

    def heard(self, provider: str, call: str | None = None) -> list[dict[str, Any]]:
        """What a provider was asked."""
        requests = list(self.instance.providers.named(provider).requests)
        return [entry for entry in requests if call in {None, entry["call"]}]

    def until(self, wanted: Callable[[], Any]) -> Any:
        """The first truthy value of *wanted*, polled."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if value := wanted():
                return value
            time.sleep(0.005)
        raise AssertionError("it never became true")

    def until_heard(self, provider: str, call: str) -> None:
        self.until(lambda: self.heard(provider, call))

    def idle(self) -> None:
        """Wait until all background work is done."""
        self.until(lambda: not self.instance._workers)


@contextmanager
def deployed(
    mode: str, cluster: Cluster, template: str, loop: BackgroundLoop, lane: str = "task"
) -> Iterator[Deployed]:
    running = Deployed(mode, cluster, template, loop, lane)
    try:
        yield running
    finally:
        running.close()
