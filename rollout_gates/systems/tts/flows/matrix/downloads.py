"""Temporary audio URLs that are expired, forbidden, missing, or broken for a while (lane task of provider qwen)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.bench import bench

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.bench import Bench
    from rollout_gates.systems.tts.watching import Watch

_EXPIRED = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>"
Answers = tuple[Mapping[str, Any], ...]
LOST: Mapping[str, Answers] = {
    "expired (403)": ({"status": 403, "body": _EXPIRED, "times": 0},),
    "missing (404)": ({"status": 404, "body": "NoSuchKey", "times": 0},),
    "gone (410)": ({"status": 410, "body": "Gone", "times": 0},),
}
PASSING: Mapping[str, Answers] = {
    "one 503": ({"status": 503, "body": "Busy"},),
    "two 500s": ({"status": 500, "body": "Oops", "times": 2},),
    "a broken connection": ({"drop": True},),
}
LASTING: Mapping[str, Answers] = {
    "503 for ever": ({"status": 503, "body": "Busy", "times": 0},),
    "no connection for ever": ({"drop": True, "times": 0},),
}


@dataclass(frozen=True)
class Download:
    """One generate whose download was answered so, how often it was tried, and what is left."""

    answered: str
    tries: int
    watch: Watch
    left: Aftermath


@dataclass(frozen=True)
class Downloads:
    """*lost* URLs do not come back, *passing* trouble is over soon, *lasting* trouble never."""

    lost: tuple[Download, ...]
    passing: tuple[Download, ...]
    lasting: tuple[Download, ...]


@flow("downloads")
async def downloads(context: Context) -> Downloads:
    """Speak while the audio host answers as scripted, in playgrounds side by side."""
    lost, passing, *lasting = await asyncio.gather(
        _each(context, LOST),
        _each(context, PASSING),
        *(_each(context, {name: answers}) for name, answers in LASTING.items()),
    )
    return Downloads(lost, passing, tuple(found for each in lasting for found in each))


async def _each(context: Context, scripts: Mapping[str, Answers]) -> tuple[Download, ...]:
    async with bench(context) as place:
        return tuple([await _download(place, name, answers) for name, answers in scripts.items()])


async def _download(place: Bench, name: str, answers: Answers) -> Download:
    providers = place.ground.providers
    await providers.unscript("audio_host")
    before = len(await providers.requests("audio_host", "download"))
    for answer in answers:
        await providers.script("audio_host", "download", **answer)
    started = await place.begin(name)
    seen = await place.end(started)
    tries = len(await providers.requests("audio_host", "download")) - before
    return Download(name, tries, seen, await place.left(started))
