"""Sounds to stream: a voice that babbles, in the formats that speech is streamed in. The same seed, the same bytes."""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass
from typing import Any

import lameenc
import numpy as np

Array = Any

BIT_RATES = {True: (48, 64, 80, 96, 128), False: (32, 40, 48, 56, 64, 80, 96, 128)}


@dataclass(frozen=True)
class Format:
    """How a sound is written. *vbr* is LAME's quality, None for a constant *kbit*; *known* is for WAV: its length."""

    codec: str
    rate_hz: int
    kbit: int = 64
    vbr: int | None = None
    tagged: bool = False
    known: bool = False

    @property
    def media_type(self) -> str:
        return {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}[self.codec]

    @property
    def byte_rate(self) -> float:
        return self.kbit * 125 if self.codec == "mp3" else 2 * self.rate_hz


@dataclass(frozen=True)
class Sound:
    """Bytes to stream. *bounds* are where a frame or sample may begin, so that a cut there is a clean one."""

    data: bytes
    form: Format
    text_units: int
    seconds: float
    head: int

    def clean(self, at: int) -> int:
        """Return the nearest place before *at* at which a frame or a sample begins."""
        if self.form.codec != "mp3":
            return at - (at - self.head) % 2
        from rollout_gates.streams.frames import walk

        return max((frame.offset for frame in walk(self.data).frames if frame.offset <= at), default=self.head)


def any_format(chance: random.Random) -> Format:
    kind = chance.random()
    if kind < 0.12:
        return Format("pcm", 24_000)
    if kind < 0.24:
        return Format("wav", chance.choice((16_000, 24_000)), known=chance.random() < 0.5)
    rate = chance.choice((16_000, 22_050, 24_000, 24_000, 44_100, 48_000))
    kbit = chance.choice(BIT_RATES[rate >= 32_000])
    vbr = chance.choice((2, 4, 6)) if chance.random() < 0.25 else None
    return Format("mp3", rate, kbit, vbr, tagged=chance.random() < 0.2)


def sound(seed: int, form: Format, seconds: float, *, silent: float = 0.0) -> Sound:
    """Return a sound of about *seconds*; the last *silent* of it (0 to 1) is silence, which no speech has."""
    chance = random.Random(f"sound {seed}")
    samples = _tones(chance, form.rate_hz, seconds) if chance.random() < 0.12 else _babble(seed, form.rate_hz, seconds)
    if silent:
        samples = samples.copy()
        samples[int(len(samples) * (1 - silent)) :] = 0
    samples = np.concatenate([samples, np.zeros(int(form.rate_hz * chance.uniform(0.05, 0.4)))])
    pcm = (np.clip(samples, -1, 1) * 32_000).astype("<i2").tobytes()
    units = max(1, round(seconds / chance.uniform(0.055, 0.095)))
    written, head = _written(pcm, form, chance)
    return Sound(written, form, units, len(pcm) / 2 / form.rate_hz, head)


def _written(pcm: bytes, form: Format, chance: random.Random) -> tuple[bytes, int]:
    if form.codec == "pcm":
        return pcm, 0
    if form.codec == "wav":
        size = len(pcm) if form.known else chance.choice((0, 0xFFFFFFFF, 2**31 - 2))
        head = b"RIFF" + struct.pack("<I", min(size + 36, 2**32 - 1)) + b"WAVEfmt " + struct.pack(
            "<IHHIIHH", 16, 1, 1, form.rate_hz, form.rate_hz * 2, 2, 16
        ) + b"data" + struct.pack("<I", size)  # fmt: skip
        return head + pcm, len(head)
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(form.rate_hz)
    encoder.set_out_sample_rate(form.rate_hz)
    encoder.set_channels(1)
    encoder.set_quality(7)
    if form.vbr is None:
        encoder.set_bit_rate(form.kbit)
    else:
        encoder.set_vbr(4)
        encoder.set_vbr_quality(form.vbr)
    body = bytes(encoder.encode(pcm) + encoder.flush())
    tag = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256) if form.tagged else b""
    return tag + body, len(tag)


def _babble(seed: int, rate_hz: int, seconds: float) -> Array:
    """Syllables with a gliding pitch, formants and hiss, and pauses between them."""
    dice = np.random.default_rng(seed)
    total = int(seconds * rate_hz)
    out = dice.normal(0, 0.0006, total)
    at = int(dice.uniform(0, 0.12) * rate_hz)
    base = dice.uniform(85, 230)
    while at < total:
        if dice.random() < 0.16:
            at += int(rate_hz * dice.uniform(0.05, 0.45))
            continue
        size = min(int(rate_hz * dice.uniform(0.09, 0.28)), total - at)
        if size < 50:
            break
        out[at : at + size] += _syllable(dice, rate_hz, size, base)
        at += size
    return out


def _syllable(dice: Any, rate_hz: int, size: int, base: float) -> Array:
    time = np.arange(size) / rate_hz
    pitch = base * dice.uniform(0.85, 1.2) * (1 + dice.uniform(-0.2, 0.2) * time / time[-1])
    phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
    formants = dice.uniform([300, 900, 2300], [800, 2200, 3400])
    number = np.arange(1, min(18, int(min(rate_hz / 2.2, 5000) / base)))
    strength = np.exp(-((((number * base)[:, None] - formants) / 160) ** 2)).sum(1) / number**0.3 + 0.02 / number
    tone = (strength[:, None] * np.sin(number[:, None] * phase + dice.uniform(0, 6.3, len(number))[:, None])).sum(0)
    tone /= np.abs(tone).max() + 1e-9
    swell = np.sin(np.pi * np.arange(size) / size) ** 0.6
    hiss = dice.normal(0, 0.08, size) * (dice.random() < 0.4)
    return (0.55 * dice.uniform(0.3, 1) * tone + hiss) * swell


def _tones(chance: random.Random, rate_hz: int, seconds: float) -> Array:
    """A stand-in's voice: each letter a tone, always the same one, so that the sound repeats itself."""
    size = round(rate_hz * 0.075)
    time = np.arange(size)
    swell = np.sin(np.pi * time / size) ** 0.5
    scale = [220 * 2 ** (step / 12) for step in (0, 2, 4, 7, 9, 12, 14, 16, 19, 21)]
    letters = [0.27 * swell * np.sin(2 * math.pi * round(pitch) * time / rate_hz) for pitch in scale]
    letters.append(np.zeros(size))
    return np.concatenate([chance.choice(letters) for _ in range(round(seconds / 0.075))])
