"""The hosted auth service: signing up, signing in, and removing a user (section 1.2 of the contract)."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from rollout_gates.systems.tts.replies import json_object, text, value
from rollout_gates.wire import NotConfigured, Reply, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.environment import Secret
    from rollout_gates.systems.tts.settings import Settings


@dataclass(frozen=True)
class Grant:
    """What signing up or in gave: a token (in clear, to be wrapped at once) and the user's id."""

    token: str
    user_id: str


@dataclass(frozen=True)
class Accounts:
    """Calls the auth service at ``auth_url``."""

    wire: Wire
    settings: Settings

    async def sign_up(self, email: str, password: str) -> Reply:
        """Register a new user."""
        return await self._post("/signup", {"email": email, "password": password}, actor="anon")

    async def sign_in(self, email: str, password: str) -> Reply:
        """Exchange e-mail and password for a token."""
        query = urlencode({"grant_type": "password"})
        return await self._post(f"/token?{query}", {"email": email, "password": password}, actor="anon")

    async def remove(self, user_id: str, service_role: Secret) -> Reply:
        """Delete a user and, by cascade, all of their rows."""
        url = f"{self.settings.auth_url}/admin/users/{user_id}"
        return await self.wire.send("DELETE", url, headers=_bearer(service_role), actor="service_role")

    async def find(self, email: str, service_role: Secret) -> str | None:
        """Return the id of the user with *email*, looked for among the newest thousand, or ``None``."""
        query = urlencode({"page": 1, "per_page": 1000})
        url = f"{self.settings.auth_url}/admin/users?{query}"
        reply = await self.wire.send("GET", url, headers=_bearer(service_role), actor="service_role")
        listed = value(json_object(reply), "users")
        users = listed if isinstance(listed, list) else []
        return next((text(user, "id") for user in users if isinstance(user, dict) and user.get("email") == email), None)

    async def _post(self, path: str, body: Mapping[str, Any], *, actor: str) -> Reply:
        key = self.settings.secret("anon_key")
        headers = {"apikey": key.reveal()} if key else {}
        return await self.wire.send(
            "POST", f"{self.settings.auth_url}{path}", json=dict(body), headers=headers, actor=actor
        )


def granted(reply: Reply) -> Grant | None:
    """Return what *reply* of a sign-up or sign-in granted, or ``None``."""
    found = json_object(reply)
    user = value(found, "user")
    token, user_id = text(found, "access_token"), text(user, "id") if isinstance(user, dict) else None
    return Grant(token, user_id) if reply.status in (200, 201) and token and user_id else None


def claims(token: str) -> dict[str, Any]:
    """Return what a JWT says about itself, unverified; empty for anything that is no JWT."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}


def refuse_expired(token: str, variable: str) -> None:
    """Raise `NotConfigured` when *token* says itself that its time is over."""
    expires = claims(token).get("exp")
    if isinstance(expires, int | float) and expires <= time.time():
        minutes = (time.time() - expires) / 60
        raise NotConfigured(
            f"the token in {variable} expired {minutes:.0f} min ago; sign in again and export a new one"
        )


def _bearer(secret: Secret) -> dict[str, str]:
    return {"apikey": secret.reveal(), "authorization": f"Bearer {secret.reveal()}"}
