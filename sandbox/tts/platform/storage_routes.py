"""`/storage/v1`: objects, signed URLs and buckets over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.tts.platform import storage_errors as refusals
from sandbox.tts.platform.http import Caller, Refused, answer, caller_of, require_key
from sandbox.tts.platform.jwt import TokenRefused
from sandbox.tts.platform.storage_errors import StorageRefused
from sandbox.tts.platform.storage_http import (
    content,
    described,
    described_bucket,
    entries_of,
    received_json,
    received_upload,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.tts.platform.jwt import Keys, Tokens
    from sandbox.tts.platform.storage import Storage

    Handler = Callable[[web.Request, Caller, str, str], Awaitable[web.Response]]

_BUCKET, _KEY = "(?P<bucket>[^/]+)", "(?P<key>.+)"
_ANONYMOUS = Caller({"role": "anon"})


class StorageRoutes:
    """Answers everything under `/storage/v1`. A handler gets request, caller, bucket and key."""

    def __init__(self, storage: Storage, tokens: Tokens, keys: Keys) -> None:
        """Serve *storage*; *tokens* verify the callers, *keys* are the API keys."""
        self._storage = storage
        self._tokens = tokens
        self._keys = keys
        self._open = _table(
            ("GET", f"object/sign/{_BUCKET}/{_KEY}", self._download_signed),
            ("PUT", f"object/upload/sign/{_BUCKET}/{_KEY}", self._upload_signed),
            ("GET", f"object/public/{_BUCKET}/{_KEY}", self._download_public),
        )
        self._guarded = _table(
            ("GET", "bucket", self._list_buckets),
            ("GET", f"bucket/{_BUCKET}", self._get_bucket),
            (".+", "bucket(/.*)?", self._refuse_bucket),
            ("POST", f"object/list/{_BUCKET}", self._list),
            ("POST", f"object/sign/{_BUCKET}", self._sign_many),
            ("POST", f"object/sign/{_BUCKET}/{_KEY}", self._sign),
            ("POST", f"object/upload/sign/{_BUCKET}/{_KEY}", self._sign_upload),
            ("POST", "object/move", self._move),
            ("POST", "object/copy", self._copy),
            ("GET", f"object/info/(authenticated/)?{_BUCKET}/{_KEY}", self._info),
            ("GET", f"object/(authenticated/)?{_BUCKET}/{_KEY}", self._download),
            ("POST|PUT", f"object/{_BUCKET}/{_KEY}", self._upload),
            ("DELETE", f"object/{_BUCKET}/{_KEY}", self._delete),
            ("DELETE", f"object/{_BUCKET}", self._delete_many),
        )

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Answer a request for *path*, which starts with a slash."""
        try:
            return await self._route(request, "GET" if request.method == "HEAD" else request.method, path)
        except StorageRefused as refusal:
            body = {"statusCode": str(refusal.status), "error": refusal.error, "message": str(refusal)}
            return answer(body, refusal.http_status)
        except TokenRefused as refusal:
            return answer({"statusCode": "403", "error": "Unauthorized", "message": f"jwt: {refusal}"}, 400)
        except Refused as refusal:
            return refusal.response()

    async def _route(self, request: web.Request, method: str, path: str) -> web.Response:
        if found := _find(self._open, method, path):
            handler, bucket, key = found
            return await handler(request, _ANONYMOUS, bucket, key)
        caller = caller_of(request, require_key(request, self._keys), self._tokens)
        if found := _find(self._guarded, method, path):
            handler, bucket, key = found
            return await handler(request, caller, bucket, key)
        raise StorageRefused(404, "not_found", f"Route {method}:{path} not found")

    # Without a key

    async def _download_signed(self, request: web.Request, _: Caller, bucket: str, key: str) -> web.Response:
        return content(request, await self._storage.get_signed(bucket, key, request.query.get("token", "")))

    async def _upload_signed(self, request: web.Request, _: Caller, bucket: str, key: str) -> web.Response:
        data, content_type = await received_upload(request)
        await self._storage.put_signed(bucket, key, request.query.get("token", ""), data, content_type)
        return answer({"Key": f"{bucket}/{key}"})

    async def _download_public(self, request: web.Request, _: Caller, bucket: str, key: str) -> web.Response:
        if not (await self._storage.bucket(bucket))["public"]:
            raise refusals.bucket_not_found()
        return content(request, await self._storage.get(bucket, key))

    # As a caller

    async def _download(self, request: web.Request, caller: Caller, bucket: str, key: str) -> web.Response:
        return content(request, await self._storage.get(bucket, key, claims=caller.claims))

    async def _upload(self, request: web.Request, caller: Caller, bucket: str, key: str) -> web.Response:
        upsert = request.method == "PUT" or _wants_upsert(request)
        data, content_type = await received_upload(request)
        info = await self._storage.put(bucket, key, data, content_type, upsert=upsert, claims=caller.claims)
        return answer({"Key": f"{bucket}/{key}", "Id": info.id})

    async def _delete(self, _: web.Request, caller: Caller, bucket: str, key: str) -> web.Response:
        if not await self._storage.delete(bucket, key, claims=caller.claims):
            raise refusals.missing()
        return answer({"message": "Successfully deleted"})

    async def _delete_many(self, request: web.Request, caller: Caller, bucket: str, _: str) -> web.Response:
        prefixes = (await received_json(request)).get("prefixes")
        if not isinstance(prefixes, list) or not all(isinstance(item, str) for item in prefixes):
            raise refusals.bad_body("body must have required property 'prefixes'")
        gone = await self._storage.delete(bucket, *prefixes, claims=caller.claims)
        return answer([described(info, info.name) for info in gone])

    async def _info(self, _: web.Request, caller: Caller, bucket: str, key: str) -> web.Response:
        info = await self._storage.stat(bucket, key, claims=caller.claims)
        if info is None:
            raise refusals.missing()
        return answer({**described(info, info.name), "size": info.size, "content_type": info.content_type})

    async def _list(self, request: web.Request, caller: Caller, bucket: str, _: str) -> web.Response:
        body = await received_json(request)
        folder = str(body.get("prefix") or "").strip("/")
        prefix = f"{folder}/" if folder else ""
        found = await self._storage.list(bucket, prefix, claims=caller.claims)
        entries = entries_of(found, prefix, str(body.get("search") or ""))
        order = body.get("sortBy")
        order = order if isinstance(order, dict) else {}
        column = order.get("column", "name")
        entries.sort(key=lambda entry: str(entry.get(column) or ""), reverse=order.get("order") == "desc")
        offset, limit = whole_number(body.get("offset"), 0), whole_number(body.get("limit"), 100)
        return answer(entries[offset : offset + limit])

    async def _sign(self, request: web.Request, caller: Caller, bucket: str, key: str) -> web.Response:
        ttl_s = _lifetime(await received_json(request))
        if await self._storage.stat(bucket, key, claims=caller.claims) is None:
            raise refusals.missing()
        return answer({"signedURL": self._storage.signed_download_path(bucket, key, ttl_s)})

    async def _sign_many(self, request: web.Request, caller: Caller, bucket: str, _: str) -> web.Response:
        body = await received_json(request)
        ttl_s = _lifetime(body)
        signed = []
        for path in body.get("paths") or []:
            known = await self._storage.stat(bucket, str(path), claims=caller.claims)
            url = self._storage.signed_download_path(bucket, str(path), ttl_s) if known else None
            error = None if known else "Either the object does not exist or you do not have access to it"
            signed.append({"error": error, "path": path, "signedURL": url})
        return answer(signed)

    async def _sign_upload(self, request: web.Request, caller: Caller, bucket: str, key: str) -> web.Response:
        upsert = _wants_upsert(request)
        await self._storage.may_insert(bucket, key, claims=caller.claims, upsert=upsert)
        url = self._storage.signed_upload_path(bucket, key, owner=caller.claims.get("sub"), upsert=upsert)
        return answer({"url": url, "token": url.partition("token=")[2]})

    async def _move(self, request: web.Request, caller: Caller, _: str, __: str) -> web.Response:
        body = await received_json(request)
        bucket, source, target = (str(body.get(name) or "") for name in ("bucketId", "sourceKey", "destinationKey"))
        await self._storage.move(bucket, source, target, claims=caller.claims)
        return answer({"message": "Successfully moved"})

    async def _copy(self, request: web.Request, caller: Caller, _: str, __: str) -> web.Response:
        body = await received_json(request)
        bucket, source, target = (str(body.get(name) or "") for name in ("bucketId", "sourceKey", "destinationKey"))
        into = str(body.get("destinationBucket") or bucket)
        found = await self._storage.get(bucket, source, claims=caller.claims)
        if found is None:
            raise refusals.missing()
        info = await self._storage.put(into, target, found.data, found.content_type, claims=caller.claims)
        return answer({"Key": f"{into}/{target}", "Id": info.id})

    async def _list_buckets(self, _: web.Request, caller: Caller, __: str, ___: str) -> web.Response:
        return answer([described_bucket(row) for row in await self._storage.buckets(claims=caller.claims)])

    async def _get_bucket(self, _: web.Request, caller: Caller, bucket: str, __: str) -> web.Response:
        for row in await self._storage.buckets(claims=caller.claims):
            if row["id"] == bucket:
                return answer(described_bucket(row))
        raise refusals.bucket_not_found()

    async def _refuse_bucket(self, _: web.Request, __: Caller, ___: str, ____: str) -> web.Response:
        raise refusals.denied()


def _table(*rows: tuple[str, str, Handler]) -> list[tuple[re.Pattern[str], Handler]]:
    return [(re.compile(f"(?:{method}) /{path}"), handler) for method, path, handler in rows]


def _find(table: list[tuple[re.Pattern[str], Handler]], method: str, path: str) -> tuple[Handler, str, str] | None:
    """The first row that fits, with bucket and key as far as its path has them."""
    for pattern, handler in table:
        if match := pattern.fullmatch(f"{method} {path}"):
            parts = match.groupdict()
            return handler, parts.get("bucket", ""), parts.get("key", "")
    return None


def _wants_upsert(request: web.Request) -> bool:
    return request.headers.get("x-upsert", "").lower() == "true"


def _lifetime(body: dict[str, object]) -> int:
    ttl_s = whole_number(body.get("expiresIn"))
    if ttl_s < 1:
        raise refusals.bad_body("body/expiresIn must be >= 1")
    return ttl_s
