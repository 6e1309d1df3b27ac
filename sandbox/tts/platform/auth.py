"""The auth service: accounts, sessions and their tokens, kept in the schema `auth`."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

from psycopg import errors

from sandbox.tts.platform.jwt import Clock, Keys, TokenRefused, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from sandbox.tts.database import Connection, Database

ACCESS_TOKEN_S = 3600
MIN_PASSWORD_LENGTH = 6
# Few rounds: these passwords protect nothing, and a sign-up should cost about a millisecond.
_HASH_ROUNDS = 1000
_EMAIL = re.compile(r"[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+")
_USER: LiteralString = (
    "select id, aud, role, email, email_confirmed_at, last_sign_in_at, raw_app_meta_data, raw_user_meta_data,"
    " encrypted_password, created_at, updated_at from auth.users"
)


class AuthRefused(Exception):
    """A refusal of the auth service: HTTP status, stable code and a sentence for people."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.more = more


@dataclass(frozen=True, repr=False)
class Session:
    """A signed-in user. Both tokens are secrets."""

    access_token: str
    refresh_token: str
    expires_in: int
    expires_at: int
    user_id: str
    user: dict[str, Any]


class Auth:
    """Accounts and sessions of one instance."""

    def __init__(self, db: Database, keys: Keys, clock: Clock, base_url: str) -> None:
        """Take the instance's database, keys, clock and base URL, which is named as the issuer."""
        self._db = db
        self._clock = clock
        self._issuer = f"{base_url}/auth/v1"
        self.tokens = Tokens(keys.jwt_secret, clock)

    # Sessions

    async def sign_up(self, email: str, password: str, metadata: Mapping[str, Any] | None = None) -> Session:
        """Make an account and sign it in. Raises AuthRefused."""
        user = await self.create_user(email, password, metadata)
        return await self._open_session(user)

    async def sign_in(self, email: str, password: str) -> Session:
        """Sign in with a password. Raises AuthRefused."""
        async with self._transaction() as connection:
            cursor = await connection.execute(_USER + " where email = %s", (_plain(email).strip().lower(),))
            row = await cursor.fetchone()
        if row is None or not _password_matches(password, row["encrypted_password"]):
            raise AuthRefused(400, "invalid_credentials", "Invalid login credentials")
        return await self._open_session(_user(row))

    async def refresh(self, refresh_token: str) -> Session:
        """Trade a refresh token for a new session token pair. A used token ends its whole session."""
        reused = False
        async with self._transaction() as connection:
            cursor = await connection.execute(
                "select token.session_id, token.revoked, session.user_id from auth.refresh_tokens as token"
                " join auth.sessions as session on session.id = token.session_id"
                " where token.token = %s for update of token",
                (_plain(refresh_token),),
            )
            row = await cursor.fetchone()
            if row is None:
                raise AuthRefused(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
            reused = row["revoked"]
            if reused:
                await connection.execute("delete from auth.sessions where id = %s", (row["session_id"],))
            else:
                await connection.execute(
                    "update auth.refresh_tokens set revoked = true where token = %s", (refresh_token,)
                )
        if reused:
            raise AuthRefused(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
        return await self._open_session(await self.get_user(str(row["user_id"])), session_id=str(row["session_id"]))

    async def sign_out(self, claims: Mapping[str, Any], *, everywhere: bool) -> None:
        """End the session of *claims*, or all sessions of its user."""
        async with self._transaction() as connection:
            if everywhere:
                await connection.execute("delete from auth.sessions where user_id = %s", (claims["sub"],))
            else:
                await connection.execute("delete from auth.sessions where id = %s", (claims.get("session_id"),))

    async def user_for(self, token: str) -> dict[str, Any] | None:
        """The user that an access token belongs to, None when the service rejects it.

        Checked are signature, expiry by the clock of the instance, that the user and the session still exist. The API
        keys are no users and are rejected too.
        """
        try:
            claims = self.verified(token)
        except AuthRefused:
            return None
        async with self._transaction() as connection:
            cursor = await connection.execute(
                _USER + " as u where id = %(user)s and (%(session)s::uuid is null or exists"
                " (select from auth.sessions as s where s.id = %(session)s::uuid and s.user_id = u.id))",
                {"user": claims["sub"], "session": claims.get("session_id")},
            )
            row = await cursor.fetchone()
        return None if row is None else _user(row)

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of a user's access token. Raises AuthRefused for anything else."""
        try:
            claims = self.tokens.verify(token)
        except TokenRefused as refusal:
            raise AuthRefused(
                403, "bad_jwt", f"invalid JWT: unable to parse or verify signature, {refusal}"
            ) from refusal
        if not is_uuid(claims.get("sub")):
            raise AuthRefused(403, "bad_jwt", "invalid claim: missing sub claim")
        if "session_id" in claims and not is_uuid(claims["session_id"]):
            raise AuthRefused(403, "bad_jwt", "invalid claim: session_id claim must be a UUID")
        return claims

    async def _open_session(self, user: dict[str, Any], session_id: str | None = None) -> Session:
        refresh_token = secrets.token_urlsafe(16)
        async with self._transaction() as connection:
            if session_id is None:
                cursor = await connection.execute(
                    "insert into auth.sessions (user_id) values (%s) returning id", (user["id"],)
                )
                row = await cursor.fetchone()
                session_id = str(row["id"]) if row else ""
            await connection.execute(
                "insert into auth.refresh_tokens (token, session_id) values (%s, %s)", (refresh_token, session_id)
            )
            await connection.execute("update auth.users set last_sign_in_at = now() where id = %s", (user["id"],))
        now = int(self._clock.time())
        access_token = self.tokens.sign(self._claims(user, session_id, now), ACCESS_TOKEN_S)
        return Session(access_token, refresh_token, ACCESS_TOKEN_S, now + ACCESS_TOKEN_S, user["id"], user)

    def _claims(self, user: Mapping[str, Any], session_id: str, now: int) -> dict[str, Any]:
        return {
            "iss": self._issuer,
            "sub": user["id"],
            "aud": "authenticated",
            "role": user["role"],
            "email": user["email"],
            "phone": "",
            "app_metadata": user["app_metadata"],
            "user_metadata": user["user_metadata"],
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": now}],
            "session_id": session_id,
            "is_anonymous": False,
        }

    # Accounts

    async def create_user(self, email: str, password: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make an account without a session. Raises AuthRefused."""
        email = email.strip().lower()
        if not _EMAIL.fullmatch(email):
            raise AuthRefused(400, "validation_failed", "Unable to validate email address: invalid format")
        if len(password) < MIN_PASSWORD_LENGTH:
            text = f"Password should be at least {MIN_PASSWORD_LENGTH} characters."
            raise AuthRefused(422, "weak_password", text, weak_password={"reasons": ["length"]})
        try:
            async with self._transaction() as connection:
                cursor = await connection.execute(
                    "insert into auth.users (email, encrypted_password, email_confirmed_at, raw_app_meta_data,"
                    " raw_user_meta_data) values (%s, %s, now(), %s, %s) returning *",
                    (
                        email,
                        _hash(password, secrets.token_hex(8)),
                        json.dumps({"provider": "email", "providers": ["email"]}),
                        json.dumps(dict(metadata or {})),
                    ),
                )
                row = await cursor.fetchone()
        except errors.UniqueViolation as error:
            raise AuthRefused(422, "user_already_exists", "User already registered") from error
        if row is None:
            raise AssertionError("an insert returned no row")
        return _user(row)

    async def get_user(self, user_id: str) -> dict[str, Any]:
        """An account by its id. Raises AuthRefused (404) when there is none."""
        async with self._transaction() as connection:
            cursor = await connection.execute(_USER + " where id = %s", (user_id,))
            row = await cursor.fetchone()
        if row is None:
            raise AuthRefused(404, "user_not_found", "User not found")
        return _user(row)

    async def list_users(self, page: int = 1, per_page: int = 50) -> tuple[list[dict[str, Any]], int]:
        """One page of accounts, newest first, and how many there are in all."""
        async with self._transaction() as connection:
            cursor = await connection.execute(
                _USER + " order by created_at desc, id limit %s offset %s", (per_page, (page - 1) * per_page)
            )
            rows = await cursor.fetchall()
            counted = await (await connection.execute("select count(*) as total from auth.users")).fetchone()
        return [_user(row) for row in rows], int(counted["total"]) if counted else 0

    async def delete_user(self, user_id: str) -> None:
        """Delete an account; the rows that belong to it go with it. Raises AuthRefused (404)."""
        async with self._transaction() as connection:
            cursor = await connection.execute("delete from auth.users where id = %s", (user_id,))
            if cursor.rowcount == 0:
                raise AuthRefused(404, "user_not_found", "User not found")

    def _transaction(self) -> AbstractAsyncContextManager[Connection]:
        return self._db.as_role("supabase_auth_admin", {"role": "supabase_auth_admin"})


def is_uuid(value: object) -> bool:
    """Whether *value* is a UUID in its usual spelling."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _plain(text: str) -> str:
    """Postgres holds no NUL; no stored value has one either, so nothing is found."""
    return text.replace("\x00", "\ufffd")


def _hash(password: str, salt: str) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "replace"), salt.encode(), _HASH_ROUNDS)
    return f"{salt}${digest.hex()}"


def _password_matches(password: str, stored: str | None) -> bool:
    salt = (stored or "").partition("$")[0]
    return hmac.compare_digest(_hash(password, salt), stored or "")


def _user(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `auth.users` as the service shows it."""
    times = ("email_confirmed_at", "last_sign_in_at", "created_at", "updated_at")
    shown = {name: row[name].isoformat().replace("+00:00", "Z") if row[name] else None for name in times}
    return {
        "id": str(row["id"]),
        "aud": row["aud"],
        "role": row["role"],
        "email": row["email"],
        "phone": "",
        "confirmed_at": shown["email_confirmed_at"],
        "app_metadata": row["raw_app_meta_data"],
        "user_metadata": row["raw_user_meta_data"],
        "identities": [],
        "is_anonymous": False,
        **shown,
    }
