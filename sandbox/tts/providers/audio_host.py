"""Where synthesised audio is fetched from: an object store with signed, expiring URLs.

A URL is plain http, needs no header, and is good for 24 hours by the clock of the sandbox. After that the store
answers 403 with XML of its own, as it does for a wrong signature (protocol sheet, section 5).

Option: `lifetime_s`, seconds that a URL is good for.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox.tts.providers.standin import Answer, StandIn

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.tts.providers.standin import Heard

ACCESS_KEY_ID = "LTAI-sandbox"


class AudioHost(StandIn):
    name = "audio_host"
    calls = ("download",)

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.options = {"lifetime_s": 86_400}
        self._objects: dict[str, tuple[bytes, str]] = {}
        self._secret = secrets.token_bytes(16)

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`, as it stands in an allowlist."""
        return self.url.removeprefix("http://")

    def publish(self, data: bytes, content_type: str = "audio/wav") -> tuple[str, int]:
        """Put *data* up. Returns its signed URL and when that expires, in seconds since the epoch."""
        path = f"/prod/{self.clock.now():%Y%m%d}/{uuid.uuid4()}.wav"
        self._objects[path] = (data, content_type)
        expires = int(self.clock.time() + self.options["lifetime_s"])
        query = {"Expires": expires, "OSSAccessKeyId": ACCESS_KEY_ID, "Signature": self._signature(path, str(expires))}
        return f"{self.url}{path}?{urlencode(query)}", expires

    def recognise(self, heard: Heard) -> str | None:
        return "download" if heard.method in {"GET", "HEAD"} else None

    async def answer(self, heard: Heard) -> Answer:
        expires = heard.query.get("Expires", "")
        if not hmac.compare_digest(heard.query.get("Signature", ""), self._signature(heard.path, expires)):
            return _xml(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if self.clock.time() > int(expires):
            return _xml(403, "AccessDenied", "Request has expired.")
        stored = self._objects.get(heard.path)
        if stored is None:
            return _xml(404, "NoSuchKey", "The specified key does not exist.")
        return Answer(200, stored[0], {"Content-Type": stored[1]})

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def _xml(status: int, code: str, message: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>\n'
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})
