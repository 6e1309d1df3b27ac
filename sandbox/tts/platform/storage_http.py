"""Bodies of the storage service: uploads that come in, objects and listings that go out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from sandbox.tts.platform import storage_errors as refusals
from sandbox.tts.platform.http import read_body, read_json
from sandbox.tts.platform.storage import MAX_OBJECT_BYTES, ObjectInfo, StoredObject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


async def received_upload(request: web.Request) -> tuple[bytes, str]:
    """The bytes and content type of an upload, raw or as the first file of a form."""
    if not request.content_type.startswith("multipart/"):
        try:
            return await read_body(request, MAX_OBJECT_BYTES), request.headers.get("Content-Type", "")
        except ValueError as error:
            raise refusals.too_large() from error
    async for part in await request.multipart():
        if getattr(part, "filename", None) is not None:
            data = bytearray()
            while chunk := await part.read_chunk(2**18):  # type: ignore[union-attr]
                data += chunk
                if len(data) > MAX_OBJECT_BYTES:
                    raise refusals.too_large()
            return bytes(data), part.headers.get("Content-Type", "")  # type: ignore[union-attr]
    raise refusals.bad_body("the form holds no file")


async def received_json(request: web.Request) -> dict[str, Any]:
    try:
        body = await read_json(request)
    except ValueError as error:
        raise refusals.bad_body("Body is not valid JSON") from error
    if not isinstance(body, dict):
        raise refusals.bad_body("body must be object")
    return body


def whole_number(value: object, default: int = 0) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else default


def entries_of(found: Sequence[ObjectInfo], prefix: str, search: str) -> list[dict[str, Any]]:
    """Objects right below *prefix*, and one entry without an id for every folder there."""
    entries: dict[str, dict[str, Any]] = {}
    for info in found:
        name, slash, _ = info.name.removeprefix(prefix).partition("/")
        if search.lower() not in name.lower():
            continue
        nothing = dict.fromkeys(("id", "updated_at", "created_at", "last_accessed_at", "metadata"))
        entries[name] = {"name": name, **nothing} if slash else described(info, name)
    return list(entries.values())


def described(info: ObjectInfo, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "id": info.id,
        "bucket_id": info.bucket,
        "version": info.version,
        "updated_at": info.updated_at.isoformat(),
        "created_at": info.created_at.isoformat(),
        "last_accessed_at": info.updated_at.isoformat(),
        "metadata": {
            "eTag": info.etag,
            "size": info.size,
            "mimetype": info.content_type,
            "cacheControl": info.cache_control,
            "lastModified": info.updated_at.isoformat(),
            "contentLength": info.size,
            "httpStatusCode": 200,
        },
    }


def described_bucket(bucket: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: bucket[name].isoformat() for name in ("created_at", "updated_at")}
    return {**bucket, "owner": str(bucket["owner"] or ""), **times}


def content(request: web.Request, found: StoredObject | None) -> web.Response:
    """The bytes of an object, or the range of them that was asked for."""
    if found is None:
        raise refusals.missing()
    headers = {
        "Content-Type": found.content_type,
        "Cache-Control": found.info.cache_control,
        "ETag": found.info.etag,
        "Accept-Ranges": "bytes",
    }
    if "download" in request.query:
        name = request.query["download"] or found.info.name.rpartition("/")[2]
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    window = _RANGE.fullmatch(request.headers.get("Range", ""))
    if window is None or not any(window.groups()):
        return web.Response(body=found.data, headers=headers)
    size = len(found.data)
    first, last = window.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return web.Response(status=206, body=found.data[start : end + 1], headers=headers)
