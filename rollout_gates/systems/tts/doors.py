"""Calls past the API, in one caller's name: to tables, functions and stored objects. What was answered is a `Reply`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from rollout_gates.wire import BadAnswer, NotConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.environment import Secret
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply, Wire

AUDIO = "audio/wav"


@dataclass(frozen=True)
class Doors:
    """What one caller may knock at: *actor* with *token*, or with the public key alone."""

    wire: Wire
    data_url: str
    storage_url: str
    actor: str
    key: Secret
    token: Secret | None = None

    async def table(self, method: str, table: str, *, body: Any = None, prefer: str = "", **query: str | int) -> Reply:
        """Send *method* to a table; *query* holds its filters."""
        asked = f"?{urlencode(query)}" if query else ""
        headers = {"prefer": prefer} if prefer else {}
        return await self._send(method, f"{self.data_url}/{table}{asked}", headers, body)

    async def call(self, function: str, arguments: Mapping[str, Any]) -> Reply:
        """Call a database function by the names of its arguments."""
        return await self._send("POST", f"{self.data_url}/rpc/{function}", {}, dict(arguments))

    async def object(self, method: str, path: str, *, body: Any = None, **headers: str) -> Reply:
        """Send *method* to *path* below `object/` of storage; *body* is JSON."""
        return await self._send(method, f"{self.storage_url}/object/{quote(path)}", headers, body)

    async def put(self, method: str, path: str, audio: bytes, **headers: str) -> Reply:
        """The same with *audio* as the body."""
        sent = {**self._headers(), "content-type": AUDIO, **headers}
        url = f"{self.storage_url}/object/{quote(path)}"
        return await self.wire.send(method, url, content=audio, headers=sent, actor=self.actor)

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Reply:
        given = {} if body is None else {"json": body}
        return await self.wire.send(method, url, headers={**self._headers(), **headers}, actor=self.actor, **given)

    def _headers(self) -> dict[str, str]:
        # The public key stands in for a token as well, as the platform's own clients send it: an answer must be about
        # rights, not about a header that is missing.
        bearer = self.token or self.key
        return {"apikey": self.key.reveal(), "authorization": f"Bearer {bearer.reveal()}"}


def doors_of(session: Session, actor: str, token: Secret | None = None) -> Doors:
    """Return the doors of a user with *token*, or of anybody. Raises `NotConfigured` without the public key."""
    settings = session.settings
    key = settings.secret("anon_key")
    if key is None:
        raise NotConfigured("the data API and storage take no call without secrets.anon_key")
    return Doors(session.anon.wire, settings.data_url, settings.storage_url, actor, key, token)


def service_of(session: Session) -> Doors | None:
    """Return the doors of the service role, where it is configured and may be used."""
    key = session.settings.secret("service_role_key")
    if key is None or session.kind == "prod":
        return None
    settings = session.settings
    return Doors(session.anon.wire, settings.data_url, settings.storage_url, "service_role", key)


def listed(reply: Reply) -> list[dict[str, Any]] | None:
    """Return the rows in a successful *reply*, ``None`` for any other answer."""
    if not 200 <= reply.status < 300:
        return None
    if not reply.body:
        return []
    try:
        found = reply.json()
    except BadAnswer:
        return None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else None


def code_of(reply: Reply) -> str:
    """Return the code of a refusal of the data API, empty where there is none."""
    try:
        found = reply.json()
    except BadAnswer:
        return ""
    return str(found.get("code") or "") if isinstance(found, dict) else ""
