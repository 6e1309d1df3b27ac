"""Puts the three services of the platform onto one base URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.tts.database.faults import DatabaseFaults
from sandbox.tts.platform.auth import Auth
from sandbox.tts.platform.auth_routes import AuthRoutes
from sandbox.tts.platform.data_api import DataApi
from sandbox.tts.platform.http import CORS
from sandbox.tts.platform.jwt import Clock, Faults, Keys
from sandbox.tts.platform.storage import Storage
from sandbox.tts.platform.storage_routes import StorageRoutes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.tts.database import Database
    from sandbox.tts.instance import Instance


class Platform:
    """Auth, data API and storage of one instance. Works without the rest of the sandbox."""

    def __init__(self, db: Database, *, keys: Keys, base_url: str, clock: Clock, faults: Faults) -> None:
        """Take an opened *db*, the *keys* and *base_url* of the instance (no trailing slash), clock and switches."""
        self.db = db
        self.auth = Auth(db, keys, clock, base_url)
        self.storage = Storage(db, keys, clock, faults, base_url)
        self.data_api = DataApi(db, self.auth.tokens, keys)
        db.before_use = DatabaseFaults(db.dsn, faults).follow
        self._routes = {
            "/auth/v1": AuthRoutes(self.auth, keys).handle,
            "/rest/v1": self.data_api.handle,
            "/storage/v1": StorageRoutes(self.storage, self.auth.tokens, keys).handle,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request to one of the three services; anything else is 404."""
        for prefix, handler in self._routes.items():
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                if request.method == "OPTIONS":
                    return web.Response(status=204, headers=CORS)
                response = await handler(request, request.path.removeprefix(prefix) or "/")
                response.headers.update(CORS)
                return response
        return web.json_response({"message": "no Route matched with those values"}, status=404)


def build_platform(instance: Instance) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Give *instance* its `auth`, `storage` and `data_api`, and return the handler for their paths."""
    deployment = instance.deployment
    keys = Keys(deployment.jwt_secret, deployment.anon_key, deployment.service_role_key)
    platform = Platform(
        instance.db, keys=keys, base_url=instance.base_url, clock=instance.clock, faults=instance.faults
    )
    instance.auth, instance.storage = platform.auth, platform.storage
    return platform.handle
