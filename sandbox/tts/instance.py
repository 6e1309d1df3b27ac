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
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.serving import Server
from sandbox.tts import web as web_page
from sandbox.tts.alerts import Alerts, append_line
from sandbox.tts.api import Function, build_api
from sandbox.tts.breakage import Breakage
from sandbox.tts.database.published import FAULTS_OF_FILES, written
from sandbox.tts.database.setup import create_database, install_old_build, migrate_database
from sandbox.tts.platform.gateway import build_platform
from sandbox.tts.providers import Providers
from sandbox.tts.remote import Remote
from sandbox.tts.settings import Deployment, platform_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from pathlib import Path

    from sandbox.clock import Clock
    from sandbox.faults import Switches
    from sandbox.postgres import Cluster
    from sandbox.tts.database import Database
    from sandbox.tts.options import Options

FUNCTIONS = "/functions/v1"
ORIGINS = ("https://app.sandbox.example", "https://www.sandbox.example")
"""Browser origins that a deployment allows as long as nobody says otherwise: a product's, production first."""


OTHER_PINS = {"QWEN_VC_TARGET_MODEL": "qwen3-tts-vc-2025-11-26", "QWEN_VD_TARGET_MODEL": "qwen3-tts-vd-2025-12-16"}
"""Models that no voice was made with before: what a careless second cutover is pinned to."""


class LogSink:
    """Log lines of the API: kept in memory; as JSON lines on standard error when *verbose*, and in *file*.

    Each line also goes to *watcher*, which makes alerts of it.
    """

    def __init__(self, watcher: Alerts, *, verbose: bool = False, file: Path | None = None) -> None:
        self.lines: list[dict[str, Any]] = []
        self._watcher = watcher
        self._verbose = verbose
        self._file = file

    def write(self, line: dict[str, Any]) -> None:
        """Keep *line*, and show it when asked to."""
        self.lines.append(line)
        self._watcher.observe(line)
        if self._verbose:
            print(json.dumps(line), file=sys.stderr, flush=True)
        append_line(self._file, line)


class Instance:
    """A deployment that serves. `start` builds it, `close` leaves nothing behind."""

    db: Database
    auth: Any
    storage: Any
    breakage: Breakage
    source_tree: Path | None = None

    def __init__(
        self,
        *,
        mode: str,
        lane: str,
        clock: Clock,
        faults: Switches,
        options: Options,
        verbose: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name or f"{mode}-{lane}"
        self.clock = clock
        self.faults = faults
        self.options = options
        self.alerts = Alerts(clock, faults.on, file=options.files.get("alert_file"))
        self.log = LogSink(self.alerts, verbose=verbose, file=options.files.get("log_file"))
        self.providers = Providers(clock, faults.on)
        for (provider, key), value in options.habits.items():
            self.providers.named(provider).set_option(key, value)
        self._server = Server()
        self.base_url = self._server.url
        self.deployment = self._deployed(mode, lane)
        self._was_restored = False
        self._remote = Remote(self)
        self._workers: set[asyncio.Task[Any]] = set()
        self._api: Function
        self._platform: Callable[[web.Request], Awaitable[web.StreamResponse]]

    def _deployed(self, mode: str, lane: str) -> Deployment:
        keys = platform_keys()
        platform = {
            "TTS_PROVIDER_MODE": mode,
            "SUPABASE_URL": self.base_url,
            "SUPABASE_ANON_KEY": keys["anon_key"],
            "SUPABASE_SERVICE_ROLE_KEY": keys["service_role_key"],
            "CORS_ALLOWED_ORIGIN": ",".join(ORIGINS),
        }
        return Deployment(
            variables={**platform, **self.providers.variables(), **self.options.variables},
            lane=lane,
            jwt_secret=keys["jwt_secret"],
            build=self.options.build,
            stripe_api_url=self.providers.stripe.url,
        )

    async def start(self, cluster: Cluster, template: str) -> None:
        """Copy the *template* database, build everything around it, and serve."""
        self.db = await asyncio.to_thread(create_database, cluster, self._database, template)
        if self.deployment.is_old:
            await asyncio.to_thread(install_old_build, self.db.dsn, hides_deleted=not self.faults.on("F-89"))
        await self.db.open()
        self._build()
        self.breakage = Breakage(self.db.dsn, self.storage)
        await self.providers.start()
        await self._api.start()
        await self._server.start(self._route)

    def _build(self) -> None:
        self._platform = build_platform(self)
        self._api = build_api(self)

    async def close(self) -> None:
        """End work, servers and connections; the database goes with its cluster. Safe to call after a failed start."""
        await self.kill_workers()
        await self._server.close()
        if hasattr(self, "_api"):
            await self._api.close()
        await self.providers.close()
        if hasattr(self, "db"):
            await self.db.close()

    async def discard(self, cluster: Cluster) -> None:
        """Close, and drop the database too."""
        await self.close()
        await asyncio.to_thread(cluster.drop_database, self._database)

    @property
    def _database(self) -> str:
        return f"tts_{self.name.replace('-', '_')}"

    async def _route(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path == f"{FUNCTIONS}/api" or path.startswith(f"{FUNCTIONS}/api/"):
            return await self._api(request, path.removeprefix(FUNCTIONS))
        if path.startswith("/api/"):
            # The web application's own origin leads to the API as well.
            return await self._api(request, path)
        if path in web_page.PATHS and request.method == "GET":
            return web_page.page(self)
        if path.startswith(web_page.ASSETS) and request.method == "GET":
            return web_page.asset(self, path)
        return await self._platform(request)

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
        wanted, before = changes.get("TTS_PROVIDER_MODE"), self.deployment.mode
        if self.faults.on("F-88") and (before, wanted) == ("qwen", "modal"):
            changes = {name: value for name, value in changes.items() if name != "TTS_PROVIDER_MODE"}
        if self.faults.on("F-89") and wanted == "qwen" and self._was_restored:
            changes = {**changes, **OTHER_PINS}
        self._was_restored = self._was_restored or (before, wanted) == ("qwen", "modal")
        self.deployment = self.deployment.with_variables(changes)

    async def deploy_build(self, build: str) -> None:
        """Deploy the *build* `old` or `new` on the database as it is. Work that is running goes on."""
        if build == "old":
            await asyncio.to_thread(install_old_build, self.db.dsn, hides_deleted=not self.faults.on("F-89"))
        self.deployment = replace(self.deployment, build=build)

    async def migrate(self) -> None:
        """Run the migration of the new build. A second time changes nothing."""
        active = tuple(fault for fault in FAULTS_OF_FILES if self.faults.on(fault))
        reference = self.faults.position == "reference"
        await asyncio.to_thread(migrate_database, self.db.dsn, lambda path: written(path, active, reference=reference))

    def _set_variables(self) -> list[str]:
        """Names of the variables that are set, as the platform lists them."""
        gone = {"DASHSCOPE_API_KEY"} if self.faults.on("F-05") else set()
        return sorted(self.deployment.variables.keys() - gone)

    def state(self) -> dict[str, Any]:
        """What there is to know about the instance, without a secret."""
        deployment = self.deployment
        return {
            "url": self.base_url,
            "mode": deployment.mode_raw,
            "build": deployment.build,
            "lane": deployment.lane,
            "text_cap": deployment.text_cap,
            "variables": self._set_variables(),
            "workers": len(self._workers),
            "log_lines": len(self.log.lines),
            "broken": sorted(self.breakage.broken),
            "providers": {name: provider.state() for name, provider in self.providers.all.items()},
        }

    async def control(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        """Carry out a control call, see `remote`."""
        return await self._remote.perform(method, action, query, body)
