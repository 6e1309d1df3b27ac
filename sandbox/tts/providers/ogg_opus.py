"""Ogg Opus without an encoder: real pages and real packets, each of which decodes to 20 ms of silence (RFC 7845, 6716).

No library of ours writes Opus. What a gate can tell of such a file without a decoder is right all the same: how it
begins, that its pages are whole, and how long it plays.
"""

from __future__ import annotations

import secrets
import struct

# One frame of the CELT layer, fullband, mono, 20 ms, without energy in any band.
SILENCE = b"\xf8\xff\xfe"
FRAME_S = 0.02
GRANULES_A_FRAME = 960  # positions are always counted at 48 kHz
FRAMES_A_PAGE = 50
PRE_SKIP = 312
FIRST, LAST = 2, 4
_VENDOR = b"sandbox"


class OggOpus:
    """Turns signed 16-bit mono samples at *rate_hz* into pages of silence that last as long."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame_bytes = 2 * round(rate_hz * FRAME_S)
        self._kept = 0
        self._pages = Pages()
        self._begun = False
        self._frames = 0

    def feed(self, samples: bytes) -> bytes:
        """What *samples* bring: the head of the file ahead of the first, then a page of whole frames."""
        self._kept += len(samples)
        count, self._kept = divmod(self._kept, self._frame_bytes)
        pages = [min(FRAMES_A_PAGE, count - start) for start in range(0, count, FRAMES_A_PAGE)]
        return self._head() + b"".join(self._page(frames, 0) for frames in pages)

    def end(self) -> bytes:
        """The last page, with what was left over filled up to a frame."""
        return self._head() + self._page(1, LAST)

    def _head(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, PRE_SKIP, self._rate_hz, 0, 0)
        tags = b"OpusTags" + struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", 0)
        return self._pages.page([head], 0, FIRST) + self._pages.page([tags], 0)

    def _page(self, count: int, flags: int) -> bytes:
        self._frames += count
        return self._pages.page([SILENCE] * count, PRE_SKIP + self._frames * GRANULES_A_FRAME, flags)


class Pages:
    """The pages of one logical stream. A page holds at most 255 short packets, which is more than is ever asked."""

    def __init__(self) -> None:
        self._serial = secrets.randbits(32)
        self._number = 0

    def page(self, packets: list[bytes], granule: int, flags: int = 0) -> bytes:
        """One page of *packets*, each shorter than 255 bytes."""
        lacing = bytes(len(packet) for packet in packets)
        head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, self._serial, self._number, 0, len(lacing))
        page = bytearray(head + lacing + b"".join(packets))
        page[22:26] = struct.pack("<I", checksum(page))
        self._number += 1
        return bytes(page)


def checksum(data: bytes | bytearray) -> int:
    """The CRC of an Ogg page whose own field is zero: polynomial 04c11db7, not reflected."""
    crc = 0
    for byte in data:
        crc = _TABLE[(crc >> 24) ^ byte] ^ (crc << 8 & 0xFFFFFFFF)
    return crc


def _entry(byte: int) -> int:
    crc = byte << 24
    for _ in range(8):
        crc = crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)
    return crc & 0xFFFFFFFF


_TABLE = [_entry(byte) for byte in range(256)]
