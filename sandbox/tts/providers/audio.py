"""Speech as far as a gate can tell: real WAV bytes whose length and tones follow from the text.

24 kHz, mono, 16 bit. A letter lasts 75 ms (13 characters a second) and has a pitch of its own, white space and
punctuation are silent, so two texts never sound alike and a listener hears words. Each tone is made once; a text is
then only a matter of joining bytes.
"""

from __future__ import annotations

import io
import math
import struct
import wave
from array import array
from dataclasses import dataclass
from functools import cache

RATE_HZ = 24_000
SECONDS_PER_CHARACTER = 0.075
MIN_SECONDS = 0.3
# Ten thousand characters would be twelve minutes; no gate listens that long.
MAX_SECONDS = 180.0
HEADER_BYTES = 44

# Two octaves of a pentatonic scale: pleasant, and far enough apart to be told apart by ear.
SCALE_HZ = tuple(round(220 * 2 ** (step / 12)) for octave in (0, 12) for step in (octave + n for n in (0, 2, 4, 7, 9)))


class NotWav(ValueError):
    """Bytes that are not a readable PCM WAV file."""


@dataclass(frozen=True)
class WavFacts:
    """What a WAV header says, and whether any sample is not zero."""

    rate_hz: int
    channels: int
    sample_bytes: int
    seconds: float
    silent: bool


def speech_wav(text: str, *, rate_hz: int = RATE_HZ) -> bytes:
    """*text* as a WAV file of `speech_seconds(text)`."""
    return wav(speech_pcm(text, rate_hz=rate_hz), rate_hz=rate_hz)


def speech_pcm(text: str, *, rate_hz: int = RATE_HZ) -> bytes:
    """*text* as bare samples: signed 16 bit, little endian, mono."""
    characters = text[: int(MAX_SECONDS / SECONDS_PER_CHARACTER)]
    shortest = math.ceil(MIN_SECONDS / SECONDS_PER_CHARACTER)
    padding = " " * max(0, shortest - len(characters))
    return b"".join(_tone(_pitch(character), rate_hz) for character in characters + padding)


def speech_seconds(text: str) -> float:
    """Length of the speech for *text*, in seconds."""
    return min(MAX_SECONDS, max(MIN_SECONDS, len(text) * SECONDS_PER_CHARACTER))


def wav(pcm: bytes, *, rate_hz: int = RATE_HZ) -> bytes:
    """A WAV file around mono 16-bit samples."""
    return wav_header(len(pcm), rate_hz=rate_hz) + pcm


def wav_header(data_bytes: int, *, rate_hz: int = RATE_HZ) -> bytes:
    """The 44 bytes before *data_bytes* of mono 16-bit samples."""
    riff = struct.pack("<4sI4s", b"RIFF", 36 + data_bytes, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    return riff + form + struct.pack("<4sI", b"data", data_bytes)


def empty_wav() -> bytes:
    """A well-formed WAV file without a single sample: 44 bytes, what the older job-service mock answered with."""
    return wav_header(0)


def wav_facts(data: bytes) -> WavFacts:
    """What *data* holds. Raises NotWav."""
    try:
        with wave.open(io.BytesIO(data)) as reader:
            frames = reader.readframes(reader.getnframes())
            frame_bytes = reader.getsampwidth() * reader.getnchannels()
            return WavFacts(
                rate_hz=reader.getframerate(),
                channels=reader.getnchannels(),
                sample_bytes=reader.getsampwidth(),
                seconds=len(frames) / frame_bytes / reader.getframerate(),
                silent=not frames.strip(b"\0"),
            )
    except (wave.Error, EOFError, ZeroDivisionError, struct.error) as error:
        raise NotWav(str(error) or type(error).__name__) from error


def sniff(data: bytes) -> str | None:
    """`wav`, `mp3` or `m4a` by the first bytes, None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return "mp3"
    if data[4:8] == b"ftyp":
        return "m4a"
    return None


def _pitch(character: str) -> int:
    if not character.isalnum():
        return 0
    return SCALE_HZ[ord(character.lower()) % len(SCALE_HZ)]


@cache
def _tone(pitch_hz: int, rate_hz: int) -> bytes:
    """One letter's worth of a tone that swells and fades; pitch 0 is silence."""
    count = round(rate_hz * SECONDS_PER_CHARACTER)
    if pitch_hz == 0:
        return bytes(2 * count)
    samples = array("h")
    for n in range(count):
        swell = math.sin(math.pi * n / count) ** 0.5
        phase = 2 * math.pi * pitch_hz * n / rate_hz
        samples.append(round(9000 * swell * (math.sin(phase) + 0.3 * math.sin(2 * phase))))
    if struct.pack("=h", 1) != struct.pack("<h", 1):
        samples.byteswap()
    return samples.tobytes()
