"""Helpers for tests of the platform: an instance's auth, data API and storage on a port, and actors that call them."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.clock import Clock
from sandbox.faults import Switches, load
from sandbox.postgres import Cluster
from sandbox.serving import Server
from sandbox.tts.database.setup import create_database
from sandbox.tts.platform.gateway import Platform
from sandbox.tts.platform.jwt import Keys
from sandbox.tts.settings import platform_keys

WAIT_S = 30
_NUMBERS = itertools.count(1)


class BackgroundLoop:
    """An event loop in a thread, so that tests stay plain functions and talk to the services over sockets."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run *work* there and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def close(self) -> None:
        """Stop the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()


@dataclass(frozen=True)
class Actor:
    """Someone who calls the services: anonymous, a user, or the service role."""

    http: httpx.Client
    headers: dict[str, str]
    id: str = ""
    email: str = ""
    password: str = ""
    token: str = ""

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        return self.http.request(method, path, headers={**self.headers, **(headers or {})}, **options)

    def rows(self, query: str, **headers: str) -> Any:
        """What a select on the data API answers, which has to be a 200 or 206."""
        reply = self.send("GET", f"/rest/v1/{query}", headers=headers)
        assert reply.is_success, f"{query}: {reply.status_code} {reply.text}"
        return reply.json()

    def upload(self, path: str, data: bytes = b"RIFFdata", kind: str = "audio/wav", **headers: str) -> httpx.Response:
        return self.send("POST", f"/storage/v1/object/{path}", content=data, headers={"Content-Type": kind, **headers})

    def download(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", f"/storage/v1/object/authenticated/{path}", headers=headers)


class RunningPlatform:
    """A platform with a database of its own, served on a port."""

    def __init__(self, cluster: Cluster, template: str, loop: BackgroundLoop) -> None:
        self.loop = loop
        self.keys = Keys(**platform_keys())
        self.clock = Clock()
        self.faults = Switches(load("tts"))
        self.cluster = cluster
        self.name = f"platform_{next(_NUMBERS)}"
        self.db = create_database(cluster, self.name, template)
        self._server = Server()
        self.url = self._server.url
        self.http = httpx.Client(base_url=self.url, timeout=WAIT_S)
        self.run(self._start())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(work)

    async def _start(self) -> None:
        await self.db.open()
        self.platform = Platform(self.db, keys=self.keys, base_url=self.url, clock=self.clock, faults=self.faults)
        self.auth, self.storage = self.platform.auth, self.platform.storage
        await self._server.start(self.platform.handle)

    def close(self) -> None:
        self.http.close()
        self.run(self._server.close())
        self.run(self.db.close())
        self.cluster.drop_database(self.name)

    @property
    def anonymous(self) -> Actor:
        return Actor(self.http, {"apikey": self.keys.anon_key})

    @property
    def service(self) -> Actor:
        key = self.keys.service_role_key
        return Actor(self.http, {"apikey": key, "Authorization": f"Bearer {key}"})

    def user(self) -> Actor:
        """A fresh user who is signed in."""
        email, password = f"user-{next(_NUMBERS)}@example.test", "correct horse"
        session = self.run(self.auth.sign_up(email, password))
        return self.as_user(session.access_token, id=session.user_id, email=email, password=password)

    def as_user(self, token: str, **known: str) -> Actor:
        """Whoever holds *token*."""
        headers = {"apikey": self.keys.anon_key, "Authorization": f"Bearer {token}"}
        return Actor(self.http, headers, token=token, **known)

    def sql(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        """Run a statement as the service role and return its rows."""

        async def execute() -> list[dict[str, Any]]:
            async with self.db.service() as connection:
                cursor = await connection.execute(statement, parameters)
                return await cursor.fetchall() if cursor.description else []

        return self.run(execute())

    def make(self, table: str, **values: object) -> dict[str, Any]:
        """Insert a row as the service role over the data API and return it."""
        reply = self.service.send("POST", f"/rest/v1/{table}", json=values, headers={"Prefer": "return=representation"})
        assert reply.status_code == 201, reply.text
        return reply.json()[0]


@contextmanager
def running(cluster: Cluster, template: str, loop: BackgroundLoop) -> Iterator[RunningPlatform]:
    """A platform for the length of the block."""
    platform = RunningPlatform(cluster, template, loop)
    try:
        yield platform
    finally:
        platform.close()
