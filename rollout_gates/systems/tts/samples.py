"""What the flows say, and what they sing from: texts, names, and a reference clip."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from rollout_gates.systems.tts.settings import Reference

TRANSCRIPT = (
    "This short recording lends its voice to a release check. "
    "The words are plain, the pace is even, and nothing in it is private."
)
LANGUAGE = "English"
# An emoji outside of the basic plane: one character to a reader, two UTF-16 code units to the contract.
WIDE = "\N{GRINNING FACE}"


@dataclass(frozen=True)
class Clip:
    """A speech clip and what is said in it."""

    audio: bytes
    transcript: str
    language: str


def reference_clip(configured: Reference | None = None) -> Clip:
    """Return the clip that voices are cloned from: 8 s of speech, WAV, mono, 24 kHz, or the *configured* one."""
    if configured is not None:
        return Clip(configured.audio_file.read_bytes(), configured.transcript, configured.language)
    return Clip(Path(__file__).with_name("reference.wav").read_bytes(), TRANSCRIPT, LANGUAGE)


def tag(run_id: str) -> str:
    """Return the short word that this run's things can be found by: letters and digits only."""
    return run_id.rsplit("-", 1)[-1]


def voice_name(run_id: str, what: str) -> str:
    """Return the name of a voice that this run makes; no character in it is a wildcard of the search."""
    return f"rollout gate {tag(run_id)} {what}"


def spoken(run_id: str, what: str, length: int | None = None) -> str:
    """Return a short text to be spoken, unique to run and purpose; exactly *length* code units where given."""
    start = f"{what} {tag(run_id)} {'goes on' if length is not None else 'is done'}."
    return start if length is None else characters(length, start=start)


def characters(length: int, *, start: str = "") -> str:
    """Return a text of *length* UTF-16 code units, plain words, no white space at its ends."""
    if length <= 0:
        return ""
    words = itertools.chain([start] if start else [], itertools.cycle(["the", "quick", "brown", "fox", "waits"]))
    made = next(words)
    while len(made) < length:
        made += f" {next(words)}"
    made = made[:length]
    return made if not made.endswith(" ") else f"{made[:-1]}."


def wide_characters(units: int) -> str:
    """Return a text of *units* UTF-16 code units, written in characters of two units as far as that goes."""
    return WIDE * (units // 2) + "a" * (units % 2)


def utf16_units(said: str) -> int:
    """Return the length of *said* as the contract counts it (section 2.0, rule 4)."""
    return len(said.encode("utf-16-le")) // 2
