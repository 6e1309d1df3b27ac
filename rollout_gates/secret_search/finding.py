"""What a search found, and what it looked at."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SHOWN: Final = 40
"""Findings, and places that were left out, that are told one by one."""


@dataclass(frozen=True)
class Finding:
    """A secret at *place* (a file, a URL, an answer). Equal fingerprints are equal secrets; none tells its value."""

    place: str
    kind: str
    fingerprint: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.place, self.line, self.column) if part is not None)
        return f"{where}: {self.kind} (fingerprint {self.fingerprint})"


class Fingerprints:
    """Makes fingerprints with a salt that nobody keeps, so that a weak secret cannot be guessed from one."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)

    def of(self, value: str) -> str:
        """Return eight hexadecimal digits."""
        data = value.encode("utf-8", "surrogatepass")
        return hmac.new(self._salt, data, hashlib.sha256).hexdigest()[:8]


@dataclass(frozen=True)
class Scan:
    """One search: *searched* places of *size_bytes* in all, what was found, what was *left_out*, and *remarks*.

    *cut* says why it is not whole, where a limit ended it: what was not found may be where nobody looked.
    """

    title: str
    subject: str
    searched: int
    size_bytes: int
    findings: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    cut: str | None = None
    what: str = "files"

    def lines(self) -> Iterator[str]:
        """Yield what a reader of the evidence wants to know."""
        yield self.subject
        yield f"searched: {self.searched} {self.what} ({self.size_bytes} bytes)"
        yield from self.remarks
        if self.cut:
            yield f"not whole: {self.cut}"
        yield from (f"not searched: {place}" for place in self.left_out[:SHOWN])
        if len(self.left_out) > SHOWN:
            yield f"not searched: {len(self.left_out) - SHOWN} more"
        yield f"found: {len(self.findings) or 'nothing'}"
        yield from map(str, self.findings[:SHOWN])
        if len(self.findings) > SHOWN:
            yield f"{len(self.findings) - SHOWN} more"
