"""Transcripts: every exchange is one line of JSON in `transcripts/<name>.jsonl`, written by the one redactor.

A line has the keys: `id`, `t` (ISO 8601, UTC, when it was sent), `actor`, `method`, `url`, `request_headers` and
`response_headers` (lists of `[name, value]`, duplicates kept), `request_body` and `response_body`, `status` (null when
no answer came), `first_byte_s`, `elapsed_s`, `retry_of` (id of the first try, or null), `fault` (what broke after the
headers), `error` (why there was no answer), `note` (for example that a 429 is no sample), `curl`.

A body is null (none), a string (whole text), `{"bytes", "sha256"}` (not text) or
`{"text", "bytes", "sha256", "cut": true}` (text over 64 KiB). Digests are those of the whole body as received.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollout_gates.evidence.curl import curl
from rollout_gates.evidence.redaction import Redactor

MOST_TEXT = 64 * 1024
_MARGIN = 8 * 1024
_CURL_BODY = 16 * 1024
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Exchange:
    """One request with what came of it; not redacted yet. Times are seconds, *sent* is the wall clock."""

    id: str
    sent: datetime
    actor: str
    method: str
    url: str
    request_headers: Pairs
    request_body: bytes
    status: int | None = None
    response_headers: Pairs = ()
    response_body: bytes = b""
    first_byte_s: float | None = None
    elapsed_s: float = 0.0
    retry_of: str | None = None
    fault: str | None = None
    error: str | None = None
    note: str | None = None


class Recorder:
    """Writes exchanges under *directory*. Several processes may share it; *worker* keeps their ids apart."""

    def __init__(self, directory: Path, redactor: Redactor, *, worker: str = "main") -> None:
        self.redactor = redactor
        self._directory = directory
        self._worker = worker
        self._numbers = itertools.count(1)
        self._files: dict[str, int] = {}
        self._lock = threading.Lock()

    def next_id(self) -> str:
        """Return the id of the next exchange, unique in the run."""
        return f"{self._worker}-{next(self._numbers)}"

    def record(self, name: str, exchange: Exchange) -> None:
        """Append *exchange* to the transcript *name*."""
        data = f"{self.redactor.dumps(self._row(exchange))}\n".encode("utf-8", "backslashreplace")
        os.write(self._file(file_name(name)), data)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            while self._files:
                os.close(self._files.popitem()[1])

    def _row(self, exchange: Exchange) -> dict[str, Any]:
        redactor = self.redactor
        url = redactor.redact(exchange.url)
        request_headers = [(name, redactor.header(name, value)) for name, value in exchange.request_headers]
        request_body = self._body(exchange.request_body)
        return {
            "id": exchange.id,
            "t": exchange.sent.astimezone(UTC).isoformat(timespec="milliseconds"),
            "actor": exchange.actor,
            "method": exchange.method,
            "url": url,
            "request_headers": request_headers,
            "request_body": request_body,
            "status": exchange.status,
            "response_headers": [(name, redactor.header(name, value)) for name, value in exchange.response_headers],
            "response_body": self._body(exchange.response_body),
            "first_byte_s": _rounded(exchange.first_byte_s),
            "elapsed_s": _rounded(exchange.elapsed_s),
            "retry_of": exchange.retry_of,
            "fault": exchange.fault,
            "error": exchange.error,
            "note": exchange.note,
            "curl": _curl(exchange, url, request_headers, request_body),
        }

    def _body(self, body: bytes) -> str | dict[str, Any] | None:
        if not body:
            return None
        text = _as_text(body[: MOST_TEXT + self._margin()], cut=len(body) > MOST_TEXT)
        if text is None:
            return _digest(body)
        shown = self.redactor.redact(text)
        if len(body) <= MOST_TEXT:
            return shown
        # A secret that the cut would halve must not be recognised too late: the last stretch is thrown away.
        return {"text": shown[: -self._margin()][:MOST_TEXT], **_digest(body), "cut": True}

    def _margin(self) -> int:
        return max(_MARGIN, self.redactor.longest)

    def _file(self, name: str) -> int:
        with self._lock:
            if name not in self._files:
                self._directory.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                self._files[name] = os.open(self._directory / f"{name}.jsonl", flags, 0o644)
            return self._files[name]


def _curl(exchange: Exchange, url: str, headers: Pairs, body: str | dict[str, Any] | None) -> str:
    whole = body if isinstance(body, str) and len(body) <= _CURL_BODY and "\x00" not in body else None
    file = f"exchange-{exchange.id}.body" if body is not None and whole is None else None
    return curl(exchange.method, url, headers, whole, file)


def _as_text(body: bytes, *, cut: bool) -> str | None:
    """Return *body* as text, or None when it is not; a character that the cut halved does not count."""
    if b"\x00" in body:
        return None
    for dropped in range(4 if cut else 1):
        try:
            return body[: len(body) - dropped].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None


def _digest(body: bytes) -> dict[str, Any]:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def file_name(name: str) -> str:
    """Return the name of transcript *name* on disk, without its ending."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "main"
