"""Transcripts: every exchange is one line of JSON in `transcripts/<name>.jsonl`, written by the one redactor.

A line has the keys: `id`, `t` (ISO 8601, UTC, when it was sent), `actor`, `method`, `url`, `request_headers` and
`response_headers` (lists of `[name, value]`, duplicates kept), `request_body` and `response_body`, `status` (null when
no answer came), `first_byte_s`, `elapsed_s`, `retry_of` (id of the first try, or null), `fault` (what broke after the
headers), `error` (why there was no answer), `note` (for example that a 429 is no sample), `curl`; of a body that was
listened to also `arrivals` (`headers_s`, `chunks` as `[at_s, size_bytes]`, `ended_s`, `end`).

A body is null (none), a string (whole text), `{"bytes", "sha256"}` (not text) or
`{"text", "bytes", "sha256", "cut": true}` (text over 64 KiB). Digests are those of the whole body as received.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rollout_gates.evidence.curl import curl
from rollout_gates.evidence.redaction import Redactor, sensitive
from rollout_gates.evidence.sightings import Sightings

MOST_TEXT = 64 * 1024
_MARGIN = 8 * 1024
_CURL_BODY = 16 * 1024
Pairs = Sequence[tuple[str, str]]
Redact = Callable[[str], str]


@dataclass(frozen=True)
class Exchange:
    """One request with what came of it; not redacted yet. Times are seconds, *sent* is the wall clock, in UTC."""

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
    arrivals: Mapping[str, Any] | None = None


class Recorder:
    """Writes exchanges under *directory*. Several processes may share it; *worker* keeps their ids apart.

    *sightings* looks at each exchange before it is redacted.
    """

    def __init__(
        self, directory: Path, redactor: Redactor, *, worker: str = "main", sightings: Sightings | None = None
    ) -> None:
        self.redactor = redactor
        self.sightings = sightings
        self._directory = directory
        self.worker = worker
        self._numbers = itertools.count(1)
        self._files: dict[str, int] = {}
        self._lock = threading.Lock()

    def next_id(self) -> str:
        """Return the id of the next exchange, unique in the run."""
        return f"{self.worker}-{next(self._numbers)}"

    def record(self, name: str, exchange: Exchange) -> Pairs:
        """Append *exchange* to the transcript *name*; return the headers of its request as they were written.

        Raises ``OSError`` when it could not be written whole.
        """
        if self.sightings is not None:
            self.sightings.look(name, exchange)
        row = self._row(exchange)
        data = f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n".encode("utf-8", "backslashreplace")
        if os.write(self._file(file_name(name)), data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        headers: Pairs = row["request_headers"]
        return headers

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return what the transcript *name* holds so far, all workers together; empty for one that is not there."""
        path = self._directory / f"{file_name(name)}.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            while self._files:
                os.close(self._files.popitem()[1])

    def _row(self, exchange: Exchange) -> dict[str, Any]:
        asked, said = self._text(exchange.request_body), self._text(exchange.response_body)
        redact = self._redaction(exchange, asked, said)
        request_headers = self._headers(exchange.request_headers, redact)
        url, request_body = redact(exchange.url), self._body(exchange.request_body, asked, redact)
        return {
            "id": exchange.id,
            "t": exchange.sent.isoformat(timespec="milliseconds"),
            "actor": exchange.actor,
            "method": exchange.method,
            "url": url,
            "request_headers": request_headers,
            "request_body": request_body,
            "status": exchange.status,
            "response_headers": self._headers(exchange.response_headers, redact),
            "response_body": self._body(exchange.response_body, said, redact),
            "first_byte_s": _rounded(exchange.first_byte_s),
            "elapsed_s": _rounded(exchange.elapsed_s),
            "retry_of": exchange.retry_of,
            "fault": exchange.fault and redact(exchange.fault),
            "error": exchange.error and redact(exchange.error),
            "note": exchange.note,
            "curl": _curl(exchange, url, request_headers, request_body),
            **({} if exchange.arrivals is None else {"arrivals": exchange.arrivals}),
        }

    def _redaction(self, exchange: Exchange, *bodies: str | None) -> Redact:
        """Return what each text has to pass through: most exchanges hold no secret, and one look tells."""
        pairs = (*exchange.request_headers, *exchange.response_headers)
        texts = [exchange.url, *(f"{name}: {value}" for name, value in pairs if not sensitive(name))]
        texts += [text for text in (*bodies, exchange.fault, exchange.error) if text]
        return self.redactor.redact if self.redactor.finds("\n".join(texts)) else _as_it_is

    def _headers(self, pairs: Pairs, redact: Redact) -> list[tuple[str, str]]:
        masked = self.redactor.header
        return [(name, masked(name, value) if sensitive(name) else redact(value)) for name, value in pairs]

    def _text(self, body: bytes) -> str | None:
        """Return the start of *body* as text, a little more than is shown; None when it is not text."""
        return _as_text(body[: MOST_TEXT + self._margin()], cut=len(body) > MOST_TEXT)

    def _body(self, body: bytes, text: str | None, redact: Redact) -> str | dict[str, Any] | None:
        if not body:
            return None
        if text is None:
            return _digest(body)
        shown = redact(text)
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


def _as_it_is(text: str) -> str:
    return text


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
