"""One running TTS deployment of one mode and lane: platform, API, providers, database, all its own.

Other modules of the system get the instance handed in and read from it:

    instance.deployment   settings.Deployment; replaced as a whole by `redeploy`, so read it on every request
    instance.clock        sandbox.clock.Clock
    instance.faults       sandbox.faults.Switches: `instance.faults.on("F-08")`
    instance.db           database.Database
    instance.auth         platform.auth.Auth
    instance.storage      platform.storage.Storage
    instance.providers    providers.Providers
    instance.log          LogSink: `instance.log.write({...})`, one JSON object a limited request
    instance.spawn(coro)  background work that outlives the answer and dies with `kill_workers`
    instance.broken(what) whether a person broke `storage_write`, `rpc:NAME` or `update:TABLE`
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.serving import Server
from sandbox.tts.providers import Providers
from sandbox.tts.settings import Deployment, platform_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from sandbox.clock import Clock
    from sandbox.faults import Switches

API_PREFIX = "/functions/v1"


class LogSink:
    """Log lines of the API: kept in memory, and written to standard error as JSON lines when *verbose*."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.lines: list[dict[str, Any]] = []
        self._verbose = verbose

    def write(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        if self._verbose:
            print(json.dumps(line), file=sys.stderr, flush=True)


class Instance:
    """A deployment that serves. `start` builds it, `close` leaves nothing behind."""

    db: Any
    auth: Any
    storage: Any
    data_api: Any

    def __init__(self, *, mode: str, lane: str, clock: Clock, faults: Switches, verbose: bool = False) -> None:
        self.name = f"{mode}-{lane}"
        self.clock = clock
        self.faults = faults
        self.log = LogSink(verbose=verbose)
        self.providers = Providers(clock)
        self._server = Server()
        self.base_url = self._server.url
        keys = platform_keys()
        variables = {
            "TTS_PROVIDER_MODE": mode,
            "SUPABASE_URL": self.base_url,
            "SUPABASE_ANON_KEY": keys["anon_key"],
            "SUPABASE_SERVICE_ROLE_KEY": keys["service_role_key"],
        }
        self.deployment = Deployment(
            variables={**variables, **self.providers.variables()},
            lane=lane,
            jwt_secret=keys["jwt_secret"],
            stripe_api_url=self.providers.stripe.url,
        )
        self._workers: set[asyncio.Task[Any]] = set()
        self._broken: set[str] = set()
        self._api: Callable[[web.Request, str], Awaitable[web.StreamResponse]] | None = None
        self._platform: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None

    # Background work

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run *work* in the background, as an edge function does after it has answered."""
        task = asyncio.get_running_loop().create_task(work)
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)
        return task

    async def kill_workers(self) -> int:
        """Cancel all background work at once, like an isolate that dies. Returns how many there were."""
        tasks = [task for task in self._workers if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(tasks)

    # Remote control

    def redeploy(self, changes: Mapping[str, str | None]) -> None:
        """Deploy again with changed variables (None removes one). Work that is running goes on."""
        self.deployment = self.deployment.with_variables(changes)

    def broken(self, what: str) -> bool:
        """Whether `storage_write`, `rpc:NAME` or `update:TABLE` is switched off at this moment."""
        return what in self._broken
