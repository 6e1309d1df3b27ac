"""`/auth/v1`: sign-up, tokens, the own user and the administration of users, worded like the hosted service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.tts.platform.auth import AuthRefused, Session, is_uuid
from sandbox.tts.platform.http import Refused, answer, read_json, require_key
from sandbox.tts.platform.jwt import TokenRefused, bearer

if TYPE_CHECKING:
    from sandbox.tts.platform.auth import Auth
    from sandbox.tts.platform.jwt import Keys

_ADMIN = "/admin/users"


class AuthRoutes:
    """Answers everything under `/auth/v1`."""

    def __init__(self, auth: Auth, keys: Keys) -> None:
        """Serve *auth* to holders of one of *keys*."""
        self._auth = auth
        self._keys = keys

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Answer a request for *path*, which starts with a slash."""
        try:
            require_key(request, self._keys)
            return await self._route(request, path)
        except AuthRefused as refusal:
            body = {"code": refusal.status, "error_code": refusal.code, "msg": str(refusal), **refusal.more}
            return answer(body, refusal.status)
        except Refused as refusal:
            return refusal.response()

    async def _route(self, request: web.Request, path: str) -> web.Response:
        if path == _ADMIN or path.startswith(f"{_ADMIN}/"):
            return await self._admin(request, path.removeprefix(_ADMIN).removeprefix("/"))
        handlers = {
            "POST /signup": self._sign_up,
            "POST /token": self._token,
            "GET /user": self._own_user,
            "POST /logout": self._logout,
            "GET /health": self._health,
            "GET /settings": self._settings,
        }
        handler = handlers.get(f"{request.method} {path}")
        if handler is None:
            raise AuthRefused(404, "not_found", "Not Found")
        return await handler(request)

    async def _health(self, _: web.Request) -> web.Response:
        return answer({"name": "GoTrue", "version": "sandbox", "description": "user registration and sign-in"})

    async def _settings(self, _: web.Request) -> web.Response:
        return answer({"external": {"email": True}, "disable_signup": False, "mailer_autoconfirm": True})

    async def _sign_up(self, request: web.Request) -> web.Response:
        body = await _body(request)
        email, password = _text(body, "email"), _text(body, "password")
        if not password:
            raise AuthRefused(400, "validation_failed", "Signup requires a valid password")
        return answer(_session(await self._auth.sign_up(email, password, _object(body, "data"))))

    async def _token(self, request: web.Request) -> web.Response:
        body = await _body(request)
        match request.query.get("grant_type"):
            case "password":
                return answer(_session(await self._auth.sign_in(_text(body, "email"), _text(body, "password"))))
            case "refresh_token":
                return answer(_session(await self._auth.refresh(_text(body, "refresh_token"))))
        raise AuthRefused(400, "invalid_grant", "unsupported_grant_type")

    async def _own_user(self, request: web.Request) -> web.Response:
        token = _required_bearer(request)
        self._auth.verified(token)
        user = await self._auth.user_for(token)
        if user is None:
            raise AuthRefused(403, "session_not_found", "Session from session_id claim in JWT does not exist")
        return answer(user)

    async def _logout(self, request: web.Request) -> web.Response:
        claims = self._auth.verified(_required_bearer(request))
        await self._auth.sign_out(claims, everywhere=request.query.get("scope", "global") == "global")
        return web.Response(status=204)

    async def _admin(self, request: web.Request, user_id: str) -> web.Response:
        token = _required_bearer(request)
        try:
            claims = self._auth.tokens.verify(token)
        except TokenRefused as refusal:
            text = f"invalid JWT: unable to parse or verify signature, {refusal}"
            raise AuthRefused(403, "bad_jwt", text) from refusal
        if claims.get("role") != "service_role":
            raise AuthRefused(403, "not_admin", "User not allowed")
        if user_id and not is_uuid(user_id):
            raise AuthRefused(404, "validation_failed", "user_id must be an UUID")
        match request.method, bool(user_id):
            case "POST", False:
                body = await _body(request)
                made = await self._auth.create_user(
                    _text(body, "email"), _text(body, "password"), _object(body, "user_metadata")
                )
                return answer(made)
            case "GET", False:
                return await self._list(request)
            case "GET", True:
                return answer(await self._auth.get_user(user_id))
            case "DELETE", True:
                await self._auth.delete_user(user_id)
                return answer({})
        raise AuthRefused(405, "method_not_allowed", "Method not allowed")

    async def _list(self, request: web.Request) -> web.Response:
        page, per_page = (_positive(request, name, default) for name, default in (("page", 1), ("per_page", 50)))
        users, total = await self._auth.list_users(page, per_page)
        return answer({"users": users, "aud": "authenticated"}, headers={"X-Total-Count": str(total)})


def _session(session: Session) -> dict[str, Any]:
    return {
        "access_token": session.access_token,
        "token_type": "bearer",
        "expires_in": session.expires_in,
        "expires_at": session.expires_at,
        "refresh_token": session.refresh_token,
        "user": session.user,
    }


def _required_bearer(request: web.Request) -> str:
    token = bearer(request.headers.get("Authorization"))
    if token is None:
        raise AuthRefused(401, "no_authorization", "This endpoint requires a valid Bearer token")
    return token


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await read_json(request)
    except ValueError as error:
        raise AuthRefused(400, "bad_json", "Could not read request body as JSON") from error
    if not isinstance(body, dict):
        raise AuthRefused(400, "bad_json", "Could not parse request body as JSON: an object is expected")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _positive(request: web.Request, name: str, default: int) -> int:
    raw = request.query.get(name, "")
    return int(raw) if raw.isdecimal() and 0 < int(raw) <= 10_000 else default
