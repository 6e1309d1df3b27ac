"""Objects of the two buckets, as the routes use them. Keys are made here or checked here, never taken from a caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from sandbox.tts.api.errors import ApiError
from sandbox.tts.platform.storage import StorageRefused

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api
    from sandbox.tts.platform.storage import ObjectInfo, StoredObject

REFERENCES = "references"
GENERATIONS = "generations"
MAX_REFERENCE_BYTES = 10_485_760
_FAILURES = (StorageRefused, psycopg.Error, UnicodeError)


class UploadFailed(Exception):
    """Storage did not take an object."""


def reference_key(user_id: str, voice_id: str) -> str:
    """Key of a voice's reference audio."""
    return f"{user_id}/{voice_id}/reference.wav"


async def stat(api: Api, bucket: str, key: str, *, failing: str) -> ObjectInfo | None:
    """Size and type of an object, None without one."""
    try:
        return await api.storage.stat(bucket, key)
    except _FAILURES as error:
        raise ApiError(500, failing) from error


async def load(api: Api, bucket: str, key: str, *, failing: str) -> StoredObject | None:
    """An object with its bytes, None without one."""
    try:
        return await api.storage.get(bucket, key)
    except _FAILURES as error:
        raise ApiError(500, failing) from error


async def store(api: Api, bucket: str, key: str, data: bytes, content_type: str) -> None:
    """Put an object, over an earlier one with the same key. Raises UploadFailed."""
    try:
        await api.storage.put(bucket, key, data, content_type, upsert=True)
    except _FAILURES as error:
        raise UploadFailed(type(error).__name__) from error


async def discard(api: Api, bucket: str, key: str) -> bool:
    """Remove an object; False when storage refused."""
    try:
        await api.storage.delete(bucket, key)
    except _FAILURES:
        return False
    return True


def may_sign(api: Api, key: str, owner_id: str) -> bool:
    """Whether *key* is the owner's. F-75: any key may be signed."""
    return key.startswith(f"{owner_id}/") or api.fault("F-75")


async def signed_url(api: Api, bucket: str, key: str, owner_id: str) -> str:
    """A URL for one hour. Raises 403 for a key that is not the owner's, 500 when there is no such object."""
    if not may_sign(api, key, owner_id):
        raise ApiError(403, "Invalid storage object key.")
    failing = "Failed to create signed URL."
    if await stat(api, bucket, key, failing=failing) is None:
        raise ApiError(500, failing)
    return api.storage.signed_download_url(bucket, key)
