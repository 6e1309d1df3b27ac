"""Rules of what is spoken: deltas, format, length, and what it costs (P8, P9, P10, P17; sheet 6.7 and 9)."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator, Sequence

from rollout_gates.sound import NotMpeg, mpeg_sound
from rollout_gates.systems.tts.provider.conformance.response_rules import spoken
from rollout_gates.systems.tts.provider.conformance.responses import Response, asked_for, table
from rollout_gates.systems.tts.provider.conformance.session_rules import heard_something, nothing, shown_error
from rollout_gates.systems.tts.provider.conformance.violation import Violation
from rollout_gates.systems.tts.provider.frames import DELTA, DONE, ERROR, Dialogue, Ending

Found = Iterator[Violation]
LEAST_S_A_CHARACTER, MOST_S_A_CHARACTER, MOST_S_BESIDE = 0.02, 1.0, 3.0
_HAN = (("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))
_OTHER_BEGINNINGS = {b"RIFF": "WAV", b"ID3": "MP3", b"fLaC": "FLAC", b"\x1aE\xdf\xa3": "WebM"}
_PRE_SKIP_AT, _OPUS_HZ = 38, 48_000


class NotThatFormat(ValueError):
    """Bytes that are not of the format that was asked for; the message says what they are."""


def billed_characters(text: str) -> int:
    """What *text* costs: a Han character two, anything else one (section 9)."""
    return sum(2 if any(low <= each <= high for low, high in _HAN) else 1 for each in text)


def base64_deltas(dialogue: Dialogue) -> Found:
    """P8: each delta is standard Base64, padded, and not empty."""
    heard_something(dialogue)
    deltas = dialogue.of(DELTA)
    if not deltas:
        raise nothing(dialogue, "no audio came")
    for index, frame in deltas:
        if frame.delta is not None and frame.delta.problem:
            yield Violation(f"a delta that is no Base64: {frame.delta.problem}", "standard Base64, padded", index)


def audio_format(dialogue: Dialogue) -> Found:
    """P9: PCM comes in whole samples; the deltas of any other format join to a file of it."""
    sounding = [response for response in spoken(dialogue) if response.deltas]
    if not sounding:
        raise nothing(dialogue, "no audio came")
    if dialogue.asked.response_format == "pcm":
        yield from _whole_samples(sounding)
        return
    audio = _joined(sounding)
    if audio is None:
        raise nothing(dialogue, "a delta could not be read, so the file cannot be put together")
    try:
        seconds_of(audio, dialogue)
    except NotThatFormat as problem:
        yield Violation(str(problem), f"{dialogue.asked.response_format} audio", sounding[0].deltas[0][0])


def _whole_samples(sounding: Sequence[Response]) -> Found:
    for response in sounding:
        for index, frame in response.deltas:
            if frame.delta is not None and len(frame.delta.data) % 2:
                yield Violation(f"{len(frame.delta.data)} bytes of PCM in a delta", "an even number", index)


def spoken_as_asked(dialogue: Dialogue) -> Found:
    """P10: each text is spoken, with audio whose length fits it."""
    if dialogue.ending is Ending.REFUSED:
        yield Violation(dialogue.told(), "a session in which the text is spoken")
        return
    found = asked_for(dialogue)
    wanted = len(dialogue.asked.texts) if dialogue.asked.mode == "commit" else 1
    if len(found) < wanted:
        refused = [shown_error(frame.event) for _, frame in dialogue.of(ERROR)]
        got = f"{len(found)} responses; {dialogue.told()}{'; error ' + refused[-1] if refused else ''}"
        yield Violation(got, f"{wanted} at least")
        return
    for response in found:
        status = response.done.get("status", "completed")
        if not response.deltas:
            yield Violation(f"a response that is {status} without any audio", "at least one delta", response.index)
        elif status != "completed":
            yield Violation(f"a response that is {status}", "completed", response.index)
    yield from _length(dialogue, found)


def _length(dialogue: Dialogue, found: Sequence[Response]) -> Found:
    audio = _joined(found)
    if not audio or dialogue.ending in {Ending.TOO_MANY, Ending.TOO_LARGE}:
        if audio is not None and dialogue.ending in {Ending.TOO_MANY, Ending.TOO_LARGE}:
            yield Violation(f"{len(audio)} bytes of audio so far; {dialogue.told()}", "as much as the text takes")
        return
    try:
        seconds = seconds_of(audio, dialogue)
    except NotThatFormat:
        return  # that is the business of the rule of the format
    if seconds is None:
        return
    characters = sum(billed_characters(text) for text in dialogue.asked.texts)
    least, most = LEAST_S_A_CHARACTER * characters, MOST_S_BESIDE + MOST_S_A_CHARACTER * characters
    if not least <= seconds <= most:
        yield Violation(f"{seconds:.2f} s of audio for {characters} characters", f"{least:.2f} to {most:.0f} s")


def billing(dialogue: Dialogue) -> Found:
    """P17: the characters that responses say they cost are those of the texts, counted by the rule."""
    done = [response for response in spoken(dialogue) if response.step(DONE) is not None]
    if not done:
        raise nothing(dialogue, f"no {DONE} came")
    counts = []
    for response in done:
        place = next(index for index, frame in response.steps if frame.type == DONE)
        found = table(response.done, "usage").get("characters")
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            yield Violation(f"usage.characters = {found!r}", "a whole number", place)
            return
        counts.append((place, found))
    costs = [billed_characters(text) for text in dialogue.asked.texts]
    total = sum(count for _, count in counts)
    if len(done) < len(spoken(dialogue)) or (not dialogue.finished and total < sum(costs)):
        raise nothing(dialogue, "not all of the text was spoken, so its cost cannot be compared")
    if dialogue.asked.mode == "commit" and len(counts) == len(costs):
        for (place, count), cost in zip(counts, costs, strict=True):
            if count != cost:
                yield Violation(f"usage.characters = {count}", str(cost), place)
    elif total != sum(costs):
        yield Violation(f"usage.characters = {total} in all", str(sum(costs)), counts[-1][0])


# What bytes are


def _joined(found: Sequence[Response]) -> bytes | None:
    pieces = [response.audio for response in found]
    whole = [piece for piece in pieces if piece is not None]
    return b"".join(whole) if len(whole) == len(pieces) else None


def seconds_of(audio: bytes, dialogue: Dialogue) -> float | None:
    """Return how long *audio* plays, None where that cannot be told. Raises `NotThatFormat`."""
    rate_hz = dialogue.asked.sample_rate
    match dialogue.asked.response_format:
        case "pcm":
            return len(audio) / 2 / rate_hz
        case "wav":
            return wav_seconds(audio, rate_hz)
        case "mp3":
            return _mpeg_seconds(audio, rate_hz)
    return opus_seconds(audio)


def wav_seconds(audio: bytes, rate_hz: int) -> float:
    """Return the length of a WAV file whose header may not know it. Raises `NotThatFormat`."""
    try:
        with wave.open(io.BytesIO(audio)) as reader:
            facts = (reader.getnchannels(), reader.getsampwidth(), reader.getframerate())
            frames = reader.readframes(len(audio))
    except (wave.Error, EOFError, ValueError) as problem:
        raise NotThatFormat(f"{len(audio)} bytes that are no WAV file: {problem}") from None
    if facts != (1, 2, rate_hz):
        channels, width, rate = facts
        raise NotThatFormat(f"WAV with {channels} channels of {8 * width} bits at {rate} Hz, not mono 16 at {rate_hz}")
    return len(frames) / 2 / rate_hz


def _mpeg_seconds(audio: bytes, rate_hz: int) -> float:
    if not (audio.startswith(b"ID3") or (len(audio) > 1 and audio[0] == 0xFF and audio[1] & 0xE0 == 0xE0)):
        raise NotThatFormat(f"MP3 whose first bytes are {audio[:8].hex()}")
    try:
        sound = mpeg_sound(audio)
    except NotMpeg as problem:
        raise NotThatFormat(str(problem)) from None
    if sound.rate_hz != rate_hz:
        raise NotThatFormat(f"MP3 at {sound.rate_hz} Hz, not {rate_hz}")
    return sound.seconds


def opus_seconds(audio: bytes) -> float | None:
    """Return the length of Ogg Opus files, joined; None for bytes of no container that we know.

    Raises `NotThatFormat` for those of another one. The sheet names no container, so bare packets are let pass.
    """
    if not audio.startswith(b"OggS"):
        other = next((name for start, name in _OTHER_BEGINNINGS.items() if audio.startswith(start)), None)
        if other is None and b"OggS" in audio[:64]:
            other = "something ahead of the first Ogg page"
        if other is not None:
            raise NotThatFormat(f"opus that begins as {other}: {audio[:8].hex()}")
        return None
    if audio[28:36] != b"OpusHead":
        raise NotThatFormat(f"Ogg without an Opus header: {audio[28:36]!r}")
    total, at = 0.0, 0
    while at >= 0:
        following = audio.find(b"OpusHead", at + 36)
        end = len(audio) if following < 0 else following
        last = audio.rfind(b"OggS", at, end - 28 if following >= 0 else end)
        granule = int.from_bytes(audio[last + 6 : last + 14], "little", signed=True)
        skipped = int.from_bytes(audio[at + _PRE_SKIP_AT : at + _PRE_SKIP_AT + 2], "little")
        total += max(0, granule - skipped) / _OPUS_HZ
        at = following - 28 if following >= 0 else -1
    return total
