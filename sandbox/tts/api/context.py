"""What a route has at hand: the `Api` it belongs to, and the `Call` it answers."""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import aiohttp

from sandbox.tts.api.budgets import Budgets
from sandbox.tts.api.modal_flow import ModalReads
from sandbox.tts.api.store import Store

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aiohttp import web

    from sandbox.clock import Clock
    from sandbox.tts.instance import Instance
    from sandbox.tts.platform.storage import Storage
    from sandbox.tts.settings import Deployment


class Api:
    """What all calls share. `pinned` gives each call its own view, which a later redeploy does not change."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.store = Store(instance.db, lambda: instance.deployment.is_old)
        self.modal_reads = ModalReads(self)
        self._http: aiohttp.ClientSession | None = None
        self.snapshot: Deployment | None = None
        # Where the provider keeps what was spoken, by generation: only faulty builds look here again.
        self.temporary_urls: dict[str, str] = {}
        self.reads: Counter[str] = Counter()
        # Tier, and the number of the window in which somebody passed its limit: only a faulty build shares them.
        self.full_buckets: dict[int, int] = {}
        self.budgets = Budgets(self.fault)

    def pinned(self) -> Api:
        """The same with the deployment of this moment: what is begun ends with the variables that it began with."""
        _ = self.http  # made before the copy, so that there is one session
        view = copy.copy(self)
        view.snapshot = self.instance.deployment
        return view

    def misread_mode(self) -> None:
        """F-07: take a mistyped mode for modal, and one in capitals for none, on the route that calls this."""
        if self.fault("F-07"):
            self.snapshot = replace(self.deployment, mode_misread=True)

    @property
    def deployment(self) -> Deployment:
        return self.snapshot or self.instance.deployment

    @property
    def clock(self) -> Clock:
        return self.instance.clock

    @property
    def storage(self) -> Storage:
        storage: Storage = self.instance.storage
        return storage

    @property
    def http(self) -> aiohttp.ClientSession:
        """The one session that speaks to providers."""
        if self._http is None:
            # No limit: a held answer must not keep others waiting.
            connector = aiohttp.TCPConnector(limit=0)
            self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
            # The library would repeat a GET by itself, and attempts are counted here; a test watches this.
            self._http._retry_connection = False  # noqa: SLF001
        return self._http

    def fault(self, fault_id: str) -> bool:
        """Whether the defect `F-13` is switched on."""
        return self.instance.faults.on(fault_id)

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Work that goes on after the answer, and dies with the isolate."""
        self.instance.spawn(work)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()


@dataclass
class Call:
    """One request on its way through the function. *method* is GET for a HEAD; *path* begins with `/api`."""

    api: Api
    request: web.Request
    method: str
    path: str
    request_id: str
    parameters: dict[str, str] = field(default_factory=dict)
    user_id: str = ""
    # Whom the token belongs to, once somebody has asked; None for nobody.
    verified: str | None = None
    looked_up: bool = False
    # What the log line says about money and providers.
    cost_event: dict[str, Any] | None = None
    error_category: str | None = None

    @property
    def id(self) -> str:
        """The `:id` of the path."""
        return self.parameters["id"]

    @property
    def is_stream(self) -> bool:
        """Whether the stream route is called."""
        return self.path == "/api/generate/stream"

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; the first of a name counts."""
        pairs = self.request.query
        return {name: pairs.getall(name)[0] for name in pairs}


def request_id_of(request: web.Request) -> str:
    """The caller's `x-request-id`, trimmed, or a fresh UUID."""
    given = request.headers.get("x-request-id", "").strip()
    return given.encode("utf-8", "replace").decode() or str(uuid.uuid4())
