"""Bounded decoding of compressed bodies: a few kilobytes may claim to be many gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"
_STEP = 1 << 18


class Undecodable(Exception):
    """The body is not what its content-encoding says, or the encoding was not asked for."""


class Plain:
    """The body as it is."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield *data* unchanged."""
        yield data

    def end(self) -> None:
        """Nothing can be missing."""


class Inflate(Plain):
    """gzip (several members too) and deflate, with or without a zlib header; never more than 256 KiB at once."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._bits = 47 if encoding == "gzip" else 0
        self._inflater = zlib.decompressobj(47) if self._bits else None
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what *data* unpacks to, piece by piece. Raises `Undecodable`."""
        try:
            yield from self._pieces(data)
        except zlib.error:
            raise Undecodable(f"the body is not valid {self._encoding}") from None

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            inflater = self._opened(data)
            piece = inflater.decompress(data, _STEP)
            self._started = True
            data = inflater.unconsumed_tail
            if inflater.eof:
                data = inflater.unused_data
                self._inflater = zlib.decompressobj(47) if self._bits and data else None
                if not self._bits:
                    data = b""
                self._started = bool(data)
            if piece:
                yield piece

    def _opened(self, data: bytes) -> zlib._Decompress:
        if self._inflater is None:
            # Servers send both raw deflate and zlib under the name "deflate"; the header tells them apart.
            wrapped = data[0] & 0x0F == 8
            self._inflater = zlib.decompressobj(15 if wrapped else -15)
        return self._inflater

    def end(self) -> None:
        """Raise `Undecodable` when the body stopped in the middle."""
        if self._started and self._inflater is not None and not self._inflater.eof:
            raise Undecodable(f"the {self._encoding} body stops in the middle")


def decoder(content_encoding: str) -> Plain:
    """Return the decoder for a content-encoding header. Raises `Undecodable` for one that was not asked for."""
    encoding = content_encoding.strip().lower()
    if encoding in {"", "identity"}:
        return Plain()
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return Inflate("deflate" if encoding == "deflate" else "gzip")
    raise Undecodable(f"content-encoding {encoding!r} was not asked for")
