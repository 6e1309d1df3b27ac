"""Object storage: what may be done with objects, under the policies of whoever asks.

The row of an object lies in `storage.objects`, where row-level security decides for every caller. Its bytes lie in a
side table that only the service role touches, in the same transaction.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import quote
from uuid import uuid4

from psycopg import errors

from sandbox.tts.platform import storage_errors as refusals
from sandbox.tts.platform.jwt import Clock, Faults, Keys, TokenRefused, Tokens
from sandbox.tts.platform.storage_errors import StorageRefused, check_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sandbox.tts.database import Connection, Database

__all__ = ["ObjectInfo", "Storage", "StorageRefused", "StoredObject"]

MAX_OBJECT_BYTES = 50 * 1024 * 1024
SIGNED_URL_S = 3600
SIGNED_UPLOAD_S = 7200
SERVICE: Mapping[str, Any] = {"role": "service_role"}
_ASSUME: LiteralString = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)"
_OBJECT: LiteralString = "select * from storage.objects where bucket_id = %s and name = %s"


@dataclass(frozen=True)
class ObjectInfo:
    """What is known about an object besides its bytes. *size* in bytes."""

    id: str
    bucket: str
    name: str
    size: int
    content_type: str
    etag: str
    version: str
    created_at: datetime
    updated_at: datetime
    cache_control: str = "no-cache"


@dataclass(frozen=True)
class StoredObject:
    """An object with its bytes."""

    data: bytes
    content_type: str
    info: ObjectInfo


class Storage:
    """The buckets of one instance. *claims* name the caller; without them the service role acts."""

    def __init__(self, db: Database, keys: Keys, clock: Clock, faults: Faults, base_url: str) -> None:
        """Take the instance's database, keys, clock, faults, and the base URL that signed URLs start with."""
        self._db = db
        self._faults = faults
        self._base_url = f"{base_url}/storage/v1"
        self._download_tokens = Tokens(keys.jwt_secret, clock, "storage-download")
        self._upload_tokens = Tokens(keys.jwt_secret, clock, "storage-upload")
        self._broken: set[str | None] = set()

    # Objects

    async def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str,
        *,
        upsert: bool = False,
        claims: Mapping[str, Any] = SERVICE,
        owner: str | None = None,
        cache_control: str = "no-cache",
    ) -> ObjectInfo:
        """Store an object. Raises StorageRefused: limits of the bucket, policies, an existing object, broken writes."""
        check_key(key)
        if self._broken & {bucket, None}:
            raise refusals.write_failed()
        metadata = {
            "eTag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"',
            "size": len(data),
            "mimetype": content_type.partition(";")[0].strip().lower() or "application/octet-stream",
            "cacheControl": cache_control,
            "contentLength": len(data),
            "httpStatusCode": 200,
        }
        with _translated():
            async with self._db.service() as connection:
                await self._check_limits(connection, bucket, metadata)
                await _assume(connection, claims)
                object_id = await _write_row(
                    connection, bucket, key, metadata, owner or claims.get("sub"), upsert=upsert
                )
                await _assume(connection, SERVICE)
                await connection.execute(
                    "insert into storage.object_bytes (object_id, content) values (%s, %s)"
                    " on conflict (object_id) do update set content = excluded.content",
                    (object_id, data),
                )
                return _info(await _required(connection, bucket, key))

    async def get(self, bucket: str, key: str, *, claims: Mapping[str, Any] = SERVICE) -> StoredObject | None:
        """An object with its bytes, None when there is none that the caller may see."""
        async with self._db.caller(claims) as connection:
            row = await (await connection.execute(_OBJECT, (bucket, key))).fetchone()
            if row is None:
                return None
            await _assume(connection, SERVICE)
            cursor = await connection.execute(
                "select content from storage.object_bytes where object_id = %s", (row["id"],), binary=True
            )
            content = await cursor.fetchone()
        info = _info(row)
        return StoredObject(bytes(content["content"]) if content else b"", info.content_type, info)

    async def stat(self, bucket: str, key: str, *, claims: Mapping[str, Any] = SERVICE) -> ObjectInfo | None:
        """An object without its bytes, None when there is none that the caller may see."""
        async with self._db.caller(claims) as connection:
            row = await (await connection.execute(_OBJECT, (bucket, key))).fetchone()
        return None if row is None else _info(row)

    async def list(self, bucket: str, prefix: str = "", *, claims: Mapping[str, Any] = SERVICE) -> Sequence[ObjectInfo]:
        """All objects whose key starts with *prefix*, in any depth, by key."""
        async with self._db.caller(claims) as connection:
            cursor = await connection.execute(
                "select * from storage.objects where bucket_id = %s and starts_with(name, %s) order by name",
                (bucket, prefix),
            )
            return [_info(row) for row in await cursor.fetchall()]

    async def delete(self, bucket: str, *keys: str, claims: Mapping[str, Any] = SERVICE) -> Sequence[ObjectInfo]:
        """Remove objects; what the caller may not remove stays. Returns what went."""
        if self._broken & {bucket, None}:
            raise refusals.write_failed()
        async with self._db.caller(claims) as connection:
            cursor = await connection.execute(
                "delete from storage.objects where bucket_id = %s and name = any(%s) returning *", (bucket, list(keys))
            )
            return [_info(row) for row in await cursor.fetchall()]

    async def move(self, bucket: str, source: str, target: str, *, claims: Mapping[str, Any]) -> None:
        """Give an object another key in its bucket. Raises StorageRefused."""
        check_key(target)
        with _translated():
            async with self._db.caller(claims) as connection:
                cursor = await connection.execute(
                    "update storage.objects set name = %s, updated_at = now() where bucket_id = %s and name = %s",
                    (target, bucket, source),
                )
                if cursor.rowcount == 0:
                    raise refusals.missing()

    async def may_insert(self, bucket: str, key: str, *, claims: Mapping[str, Any], upsert: bool = False) -> None:
        """Prove that the caller could upload to *key*, and undo it. Raises StorageRefused."""
        check_key(key)
        with _translated():
            async with self._db.service() as connection:
                await self._bucket(connection, bucket)
                await _assume(connection, claims)
                await _write_row(connection, bucket, key, {}, claims.get("sub"), upsert=upsert)
                await connection.rollback()

    async def bucket(self, bucket: str) -> Mapping[str, Any]:
        """The row of a bucket. Raises StorageRefused when there is none."""
        async with self._db.service() as connection:
            return await self._bucket(connection, bucket)

    async def buckets(self, *, claims: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The buckets that the caller may see."""
        async with self._db.caller(claims) as connection:
            return await (await connection.execute("select * from storage.buckets order by id")).fetchall()

    # Signed URLs

    def signed_download_url(self, bucket: str, key: str, ttl_s: int = SIGNED_URL_S) -> str:
        """Absolute URL that serves one object without headers for *ttl_s* seconds; expired when that is negative."""
        return f"{self._base_url}{self.signed_download_path(bucket, key, ttl_s)}"

    def signed_download_path(self, bucket: str, key: str, ttl_s: int) -> str:
        """The same, below the root of the service."""
        if self._faults.on("F-77"):
            ttl_s = 30 * 86400
        token = self._download_tokens.sign({"url": f"{bucket}/{key}"}, ttl_s)
        return f"/object/sign/{bucket}/{quote(key)}?token={token}"

    def signed_upload_url(self, bucket: str, key: str) -> str:
        """Absolute URL that takes one upload without headers, for two hours; it does not overwrite."""
        return f"{self._base_url}{self.signed_upload_path(bucket, key)}"

    def signed_upload_path(self, bucket: str, key: str, *, owner: str | None = None, upsert: bool = False) -> str:
        """The same, below the root of the service."""
        claims = {"url": f"{bucket}/{key}", "owner": owner, "upsert": upsert}
        return f"/object/upload/sign/{bucket}/{quote(key)}?token={self._upload_tokens.sign(claims, SIGNED_UPLOAD_S)}"

    async def get_signed(self, bucket: str, key: str, token: str) -> StoredObject:
        """The object of a signed URL. Raises StorageRefused."""
        claims = _verified(self._download_tokens, token)
        if claims.get("url") != f"{bucket}/{key}" and not self._faults.on("F-77"):
            raise refusals.wrong_signature()
        found = await self.get(bucket, key)
        if found is None:
            raise refusals.missing()
        return found

    async def put_signed(self, bucket: str, key: str, token: str, data: bytes, content_type: str) -> ObjectInfo:
        """Store what comes to a signed upload URL. Raises StorageRefused."""
        claims = _verified(self._upload_tokens, token)
        if claims.get("url") != f"{bucket}/{key}":
            raise refusals.wrong_signature()
        upsert = bool(claims.get("upsert"))
        return await self.put(bucket, key, data, content_type, upsert=upsert, owner=claims.get("owner"))

    # Switches

    def break_writes(self, bucket: str | None, on: bool) -> None:
        """Make every write to *bucket* fail (to any bucket when None), until switched off again."""
        (self._broken.add if on else self._broken.discard)(bucket)

    async def _check_limits(self, connection: Connection, bucket: str, metadata: Mapping[str, Any]) -> None:
        row = await self._bucket(connection, bucket)
        if metadata["size"] > (row["file_size_limit"] or MAX_OBJECT_BYTES):
            raise refusals.too_large()
        allowed = row["allowed_mime_types"]
        if allowed and metadata["mimetype"] not in allowed:
            raise refusals.unsupported_type(metadata["mimetype"])

    async def _bucket(self, connection: Connection, bucket: str) -> Mapping[str, Any]:
        row = await (await connection.execute("select * from storage.buckets where id = %s", (bucket,))).fetchone()
        if row is None:
            raise refusals.bucket_not_found()
        return row


async def _assume(connection: Connection, claims: Mapping[str, Any]) -> None:
    """Take another role in the middle of a transaction; `authenticator` is a member of all of them."""
    await connection.execute(_ASSUME, (str(claims.get("role") or "anon"), json.dumps(dict(claims))))


async def _write_row(
    connection: Connection, bucket: str, key: str, metadata: Mapping[str, Any], owner: str | None, *, upsert: bool
) -> str:
    values = (str(uuid4()), bucket, key, owner, owner, json.dumps(dict(metadata)))
    statement: LiteralString = (
        "insert into storage.objects (id, bucket_id, name, owner, owner_id, metadata) values (%s, %s, %s, %s, %s, %s)"
    )
    if not upsert:
        await connection.execute(statement, values)
        return values[0]
    cursor = await connection.execute(
        statement + " on conflict (bucket_id, name) do update set metadata = excluded.metadata,"
        " version = gen_random_uuid()::text, updated_at = now() returning id",
        values,
    )
    row = await cursor.fetchone()
    return str(row["id"]) if row else values[0]


async def _required(connection: Connection, bucket: str, key: str) -> Mapping[str, Any]:
    row = await (await connection.execute(_OBJECT, (bucket, key))).fetchone()
    if row is None:
        raise refusals.missing()
    return row


def _verified(tokens: Tokens, token: str) -> dict[str, Any]:
    try:
        return tokens.verify(token)
    except TokenRefused as refusal:
        raise refusals.invalid_token(refusal) from refusal


@contextmanager
def _translated() -> Iterator[None]:
    """Database refusals as those of the storage service."""
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise refusals.denied() from error
    except errors.UniqueViolation as error:
        raise refusals.duplicate() from error


def _info(row: Mapping[str, Any]) -> ObjectInfo:
    metadata = row["metadata"]
    return ObjectInfo(
        id=str(row["id"]),
        bucket=row["bucket_id"],
        name=row["name"],
        size=int(metadata.get("size", 0)),
        content_type=metadata.get("mimetype", "application/octet-stream"),
        etag=metadata.get("eTag", ""),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        cache_control=metadata.get("cacheControl", "no-cache"),
    )
