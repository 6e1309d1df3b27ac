"""Refusals of the storage service, worded like the hosted one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tts.platform.jwt import TokenRefused

_KEY = re.compile(r"[\w/!\-.*'() &$@=;:+,?]{1,1024}", re.ASCII)


class StorageRefused(Exception):
    """A refusal: the status that it stands for, a stable word and a sentence.

    The hosted service sends most of them as HTTP 400 and puts the true status into the body; so do we.
    """

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error

    @property
    def http_status(self) -> int:
        """Status of the HTTP answer."""
        return self.status if self.status >= 500 else 400


def bucket_not_found() -> StorageRefused:
    """There is no such bucket, or it is not public."""
    return StorageRefused(404, "Bucket not found", "Bucket not found")


def duplicate() -> StorageRefused:
    """The key is taken."""
    return StorageRefused(409, "Duplicate", "The resource already exists")


def missing() -> StorageRefused:
    """There is no such object, or the caller may not see it."""
    return StorageRefused(404, "not_found", "Object not found")


def denied() -> StorageRefused:
    """A policy or a grant forbids it."""
    return StorageRefused(403, "Unauthorized", "new row violates row-level security policy")


def too_large() -> StorageRefused:
    """The bucket takes no object of this size."""
    return StorageRefused(413, "Payload too large", "The object exceeded the maximum allowed size")


def write_failed() -> StorageRefused:
    """The service itself is broken."""
    return StorageRefused(500, "Internal", "Internal Server Error")


def wrong_signature() -> StorageRefused:
    """The token of a signed URL belongs to another object."""
    return StorageRefused(400, "InvalidSignature", "Invalid signature")


def unsupported_type(content_type: str) -> StorageRefused:
    """The bucket does not take *content_type*."""
    return StorageRefused(415, "invalid_mime_type", f"mime type {content_type} is not supported")


def invalid_token(refusal: TokenRefused) -> StorageRefused:
    """The token of a signed URL is no good."""
    text = '"exp" claim timestamp check failed' if refusal.expired else "signature verification failed"
    return StorageRefused(400, "InvalidJWT", text)


def bad_body(message: str) -> StorageRefused:
    """The request itself cannot be understood."""
    return StorageRefused(400, "Error", message)


def check_key(key: str) -> None:
    """Refuse a key that the service does not take. Raises StorageRefused."""
    segments = key.split("/")
    if not _KEY.fullmatch(key) or not all(segments) or {".", ".."} & set(segments):
        raise StorageRefused(400, "InvalidKey", f"Invalid key: {key}")
