"""What came back, and what had been sent. Frozen: many checks look at one reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rollout_gates.json_text import parse
from rollout_gates.wire.arrivals import Arrivals
from rollout_gates.wire.errors import NotJson, one_line, shown_url
from rollout_gates.wire.headers import Headers

_SHOWN_BODY = 80


@dataclass(frozen=True, repr=False)
class Sent:
    """The request of an exchange. `headers` are redacted; `body` is what was sent."""

    method: str
    url: str
    pairs: Sequence[tuple[str, str]]
    body: bytes = b""

    @cached_property
    def headers(self) -> Headers:
        """The headers, with secrets masked."""
        return Headers(self.pairs)

    def __repr__(self) -> str:
        return f"<{self.method} {shown_url(self.url)}>"


@dataclass(frozen=True, repr=False)
class Reply:
    """One answer.

    `headers` keep duplicates (`headers.get_list(name)`) and ignore case. `body` is decoded (gzip, deflate).
    `first_byte_s` is the time to the header block, `elapsed_s` the time to the end of the body, both in
    seconds from the moment that the request was handed to the connection pool.
    `fault` is None for a whole answer, or one line that says what broke after the header block had arrived:
    the target was reached, so a check judges it (red), it does not error.
    `transcript` and `exchange_id` say where it is recorded.
    `hops` are the redirects before this answer, oldest first (only for `Wire.fetch`).
    `arrivals` say when the body came (only for what was listened to).
    """

    status: int
    headers: Headers
    body: bytes
    elapsed_s: float
    first_byte_s: float
    request: Sent
    exchange_id: str
    actor: str
    transcript: str = "main"
    fault: str | None = None
    hops: tuple[Reply, ...] = ()
    arrivals: Arrivals | None = None

    def __repr__(self) -> str:
        # Shown in tracebacks and comparisons: no header and no body, since either may hold a secret.
        fault = f", {self.fault}" if self.fault else ""
        return f"<Reply {self.status} to {self.request!r}, {len(self.body)} bytes{fault}, exchange {self.exchange_id}>"

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are not are shown as U+FFFD."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty when there is none."""
        return self.header("content-type", "").split(";", 1)[0].strip().lower()

    @property
    def request_id(self) -> str:
        """The `x-request-id` that was sent; empty when it was switched off."""
        return str(self.request.headers.get("x-request-id", ""))

    def header(self, name: str, default: str = "") -> str:
        """The value of header *name* (several are joined by a comma), or *default*."""
        return str(self.headers.get(name, default))

    def json(self) -> Any:
        """The body as a JSON value.

        Raises `NotJson` with status, content type and the first 80 characters.
        """
        try:
            return parse(self.body)
        except ValueError:
            raise NotJson(self._not_json()) from None

    def _not_json(self) -> str:
        kind = self.content_type or "no content type"
        start = one_line(self.text[: 4 * _SHOWN_BODY], _SHOWN_BODY)
        what = f"starts with {start!r}" if start else "is empty"
        broken = f"; {self.fault}" if self.fault else ""
        return (
            f"{self.request.method} {shown_url(self.request.url)} answered {self.status} with {kind} "
            f"where JSON was expected; the body {what}{broken} (exchange {self.exchange_id})"
        )
