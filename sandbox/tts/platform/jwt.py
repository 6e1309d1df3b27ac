"""Tokens of the platform: HS256 only, and valid by the clock of the instance, not by that of the machine."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import jwt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Clock(Protocol):
    """What the platform needs of a clock."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def now(self) -> datetime:
        """The same instant in UTC."""


class Faults(Protocol):
    """What the platform needs of the fault switches."""

    def on(self, fault_id: str, /) -> bool:
        """Whether a fault such as `F-77` is on."""


@dataclass(frozen=True, repr=False)
class Keys:
    """The signing secret of an instance and the two API keys that it signs. All three are secrets."""

    jwt_secret: str
    anon_key: str
    service_role_key: str


class TokenRefused(Exception):
    """A token that is malformed, expired or not signed by us. The message says which."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


class Tokens:
    """Signs and verifies the tokens of one purpose; tokens of another purpose are refused as forged."""

    def __init__(self, secret: str, clock: Clock, purpose: str = "") -> None:
        """Take the signing *secret*; a *purpose* derives a key of its own from it."""
        self._key = hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest() if purpose else secret
        self._clock = clock

    def sign(self, claims: Mapping[str, Any], ttl_s: float) -> str:
        """A token with *claims* that expires in *ttl_s* seconds; a negative *ttl_s* makes an expired one."""
        now = int(self._clock.time())
        return jwt.encode({**claims, "iat": now, "exp": now + int(ttl_s)}, self._key, algorithm="HS256")

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token. Raises TokenRefused."""
        # Times are judged below, by our clock; after a skip a fresh token seems to come from the future.
        options: Any = {f"verify_{name}": False for name in ("exp", "iat", "nbf", "aud")}
        try:
            claims: dict[str, Any] = jwt.decode(token, self._key, algorithms=["HS256"], options=options)
        except jwt.InvalidSignatureError as error:
            raise TokenRefused("signature is invalid") from error
        except jwt.PyJWTError as error:
            raise TokenRefused("token is malformed") from error
        expires = claims.get("exp")
        if expires is not None and not isinstance(expires, int | float):
            raise TokenRefused("token is malformed")
        if expires is not None and expires <= self._clock.time():
            raise TokenRefused("token is expired", expired=True)
        return claims


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header, None when there is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
