"""A deployment by somebody else: the same contract, another framework, other habits, nothing of the sandbox's.

It keeps everything in memory, hands out opaque tokens, writes its headers in capitals and redirects relatively.
`Elsewhere.habits` switches on what a test wants to see handled.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.systems.tts.elsewhere_routes import ROUTES, TIER_1, WORDS, Refused, is_uuid

Row = dict[str, Any]


@dataclass
class Elsewhere:
    """The state of the deployment. *synthesis_s* is how long a text or a preview takes."""

    mode: str = "qwen"
    cap: int = 120
    limit: int = 20
    synthesis_s: float = 0.15
    balance: int = 100
    habits: frozenset[str] = frozenset()
    url: str = ""
    users: dict[str, Row] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    voices: list[Row] = field(default_factory=list)
    generations: list[Row] = field(default_factory=list)
    tasks: dict[str, Row] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    background: set[asyncio.Task[None]] = field(default_factory=set)
    clock: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def api_url(self) -> str:
        return f"{self.url}/functions/v1/api"

    def table(self, **changes: Any) -> dict[str, Any]:
        """What an environment file would say of this deployment."""
        return {
            "api_url": self.api_url, "auth_url": f"{self.url}/auth/v1", "data_url": f"{self.url}/rest/v1",
            "storage_url": f"{self.url}/storage/v1", "provider_mode": self.mode, "lane": "task", "text_cap": self.cap,
            "modal_text_cap": self.cap, "vc_model": "vc-1", "vd_model": "vd-1", "sign_up": True,
            "rate_limits": {"tier1_user": self.limit, "window_s": 300}, "latency_budget_s": 5,
            "secrets": {"anon_key": "ANON"}, **changes,
        }  # fmt: skip

    # --- platform

    async def sign_up(self, request: web.Request) -> web.Response:
        if "no more users" in self.habits and self.users:
            return web.json_response({"msg": "over_email_send_rate_limit"}, status=429, headers={"Retry-After": "0"})
        body = await request.json()
        user_id = str(uuid.uuid4())
        self.users[user_id] = {"email": body["email"], "balance": self.balance, "events": [], "name": None}
        token = f"opaque-{uuid.uuid4().hex}"
        self.tokens[token] = user_id
        if "confirms e-mails" in self.habits:
            return web.json_response({"id": user_id, "email": body["email"]})
        return web.json_response({"access_token": token, "user": {"id": user_id}})

    async def sign_in(self, request: web.Request) -> web.Response:
        return web.json_response({"error_description": "Email not confirmed"}, status=400)

    async def drop_user(self, request: web.Request) -> web.Response:
        self.users.pop(request.match_info["id"], None)
        return web.json_response({})

    async def rows(self, request: web.Request) -> web.Response:
        user = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        own = {
            "tasks": [row for row in self.tasks.values() if row["user"] == user],
            "generations": [row for row in self.generations if row["user"] == user],
            "credit_ledger": self.users[user]["events"] if user else [],
            "voices": [row for row in self.voices if row["user"] == user],
        }
        found = own[request.match_info["table"]]
        if kind := request.query.get("type", "").removeprefix("eq."):
            found = [row for row in found if row["type"] == kind]
        return web.json_response([{"id": row["id"]} for row in reversed(found)])

    async def put_object(self, request: web.Request) -> web.Response:
        self.objects[request.match_info["key"]] = await request.read()
        return web.json_response({"Key": request.match_info["key"]})

    async def get_object(self, request: web.Request) -> web.Response:
        data = self.objects.get(request.match_info["key"])
        if data is None:
            return web.json_response({"error": "not_found"}, status=400)
        return web.Response(body=data, content_type="audio/x-wav")

    # --- the function

    async def api(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/functions/v1/api")
        self.calls.append(f"{request.method} {path}")
        echo = {"X-REQUEST-ID": request.headers.get("x-request-id") or str(uuid.uuid4())}
        try:
            answer = await self._routed(request, path)
        except Refused as refused:
            answer = web.json_response({"detail": refused.detail}, status=refused.status)
            if refused.status == 429:
                answer = web.json_response({"detail": refused.detail, "retry_after_seconds": 60}, status=429)
        answer.headers.update(echo)
        return answer

    async def _routed(self, request: web.Request, path: str) -> web.StreamResponse:
        parts = path.strip("/").split("/")
        found = ROUTES.get((request.method, *(part if part in WORDS else ":id" for part in parts)))
        if request.method == "POST" and path in TIER_1:
            self._count(request)
        if found is None or path.endswith("/"):
            raise Refused(404, "There is nothing here.")
        act, open_to_all = found
        user = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")
        if not user and not open_to_all and f"opens {path}" not in self.habits:
            known = "Authorization" in request.headers
            raise Refused(401, "Invalid or expired token" if known else "Missing authorization header")
        ids = [part for part in parts if part not in WORDS]
        if ids and not is_uuid(ids[0]):
            raise Refused(422, "The id is no UUID.")
        answer: web.StreamResponse = await act(self, request, user, *ids)
        if "no ids" in self.habits and request.method == "POST" and isinstance(answer, web.Response):
            kept = {k: v for k, v in json.loads(answer.body).items() if k not in ("id", "task_id", "generation_id")}
            return web.json_response(kept)
        return answer

    def _count(self, request: web.Request) -> None:
        who = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if who is None:
            return
        self.counted[who] = self.counted.get(who, 0) + 1
        if self.counted[who] > self.limit and "no limits" not in self.habits:
            raise Refused(429, "Rate limit exceeded. Please retry later.")

    def now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{next(self.clock):06d}+00:00"

    def later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    def debit(self, user: str, amount: int, kind: str) -> None:
        row = self.users[user]
        row["balance"] -= amount
        event = {
            "id": next(self.clock), "event_kind": kind, "operation": "generate", "amount": abs(amount),
            "signed_amount": -amount, "balance_after": row["balance"], "reference_type": "generation",
            "reference_id": None, "metadata": {}, "created_at": self.now(),
        }  # fmt: skip
        row["events"].insert(0, event)


@contextlib.asynccontextmanager
async def served(there: Elsewhere) -> AsyncIterator[Elsewhere]:
    """Serve *there* on a free port of this machine."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/functions/v1/api{tail:.*}", there.api)
    app.router.add_post("/auth/v1/signup", there.sign_up)
    app.router.add_post("/auth/v1/token", there.sign_in)
    app.router.add_delete("/auth/v1/admin/users/{id}", there.drop_user)
    app.router.add_get("/rest/v1/{table}", there.rows)
    app.router.add_put("/storage/v1/object/upload/sign/{bucket}/{key}", there.put_object)
    app.router.add_get("/storage/v1/object/sign/{bucket}/{key}", there.get_object)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    there.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield there
    finally:
        for task in list(there.background):
            task.cancel()
        await runner.cleanup()
