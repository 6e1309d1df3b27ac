"""Clones beyond the plain one: finalized twice, in parallel, without a clip, with a huge one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.purse import Purse, purse
from rollout_gates.systems.tts.flows.matrix.scene import Asked, Scene, scene
from rollout_gates.systems.tts.flows.settling import refuse_poverty
from rollout_gates.systems.tts.replies import detail, json_object, text
from rollout_gates.systems.tts.samples import reference_clip, voice_name
from rollout_gates.wire import BadAnswer, CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

PARALLEL = 5
MOST_BYTES = 10 * 2**20


@dataclass(frozen=True)
class Prepared:
    """A clone that only has to be finalized: *said* is the body of that call."""

    voice_id: str
    object_key: str
    said: Mapping[str, str]
    clip: bytes
    upload: Reply | None = None


@dataclass(frozen=True)
class ClonedTwice:
    """A clone that was finalized, finalized again, deleted, and finalized once more.

    *purses* are what the user had after each of the three; *creates* what the provider had been asked by then.
    *row* is the voice as it is stored, *heard* the reference clip as the provider could fetch it.
    """

    prepared: Prepared
    first: Reply
    creates: tuple[Asked | None, ...]
    calls: tuple[str, ...] | None
    heard: Reply | None = None
    row: Mapping[str, Any] | None = None
    again: Reply | None = None
    after_delete: Reply | None = None
    purses: tuple[Purse, ...] = ()


@flow("cloned_twice")
async def cloned_twice(context: Context) -> ClonedTwice:
    """Finalize the same clone three times, the last time after its voice was deleted."""
    async with scene(context) as stage:
        user = await stage.user("cloned_twice")
        prepared = await prepare(stage, user, "twice")
        await pay_for_clone(stage)
        async with user.busy:
            first = await finalize(stage, user, prepared)
            calls = await stage.calls()
            creates = [await stage.asked("dashscope", "clone_create")]
            heard = await _heard(user, first, creates[0])
            if first.status != 200:
                return ClonedTwice(prepared, first, tuple(creates), calls, heard)
            purses, row = [await purse(user.client)], await voice_row(user, prepared.voice_id)
            again = await finalize(stage, user, prepared)
            purses.append(await purse(user.client))
            creates.append(await stage.asked("dashscope", "clone_create"))
            await user.client.delete_voice(prepared.voice_id)
            after_delete = await finalize(stage, user, prepared)
            purses.append(await purse(user.client))
            creates.append(await stage.asked("dashscope", "clone_create"))
    return ClonedTwice(prepared, first, tuple(creates), calls, heard, row, again, after_delete, tuple(purses))


@dataclass(frozen=True)
class ClonedInParallel:
    """One clone, finalized several times at once; *creates* is ``None`` where nobody sees provider calls."""

    prepared: Prepared
    answers: tuple[Reply, ...]
    before: Purse
    after: Purse
    rows: tuple[Mapping[str, Any], ...]
    ledger: tuple[Mapping[str, Any], ...]
    creates: int | None


@flow("cloned_in_parallel")
async def cloned_in_parallel(context: Context) -> ClonedInParallel:
    """Finalize one clone several times at once."""
    async with scene(context) as stage:
        user = await stage.user("parallel_clone")
        prepared = await prepare(stage, user, "parallel")
        await pay_for_clone(stage)
        async with user.busy:
            before = await purse(user.client)
            answers = await asyncio.gather(*(finalize(stage, user, prepared) for _ in range(PARALLEL)))
            after = await purse(user.client)
        rows = await own_rows(user, "voices", id=f"eq.{prepared.voice_id}")
        ledger = await own_rows(user, "credit_ledger", reference_id=f"eq.{prepared.voice_id}")
        creates = await stage.asked("dashscope", "clone_create")
    return ClonedInParallel(
        prepared, tuple(answers), before, after, rows, ledger, None if creates is None else len(creates)
    )


@dataclass(frozen=True)
class RefusedUploads:
    """Finalizes without a clip, and with one of more than 10 MiB; *oversized* says whether that one was stored."""

    missing: Reply
    too_large: Reply
    oversized: Reply | None
    before: Purse
    after: Purse
    rows: tuple[Mapping[str, Any], ...]
    calls: tuple[str, ...] | None


@flow("refused_uploads")
async def refused_uploads(context: Context) -> RefusedUploads:
    """Finalize a clone whose clip is missing, and one whose clip is a byte too large."""
    async with scene(context) as stage:
        user = await stage.user("refused_uploads")
        await _lift_the_buckets_limit(stage)
        missing = await prepare(stage, user, "missing", audio=None)
        huge = await prepare(stage, user, "huge", audio=bytes(MOST_BYTES + 1))
        async with user.busy:
            before = await purse(user.client)
            refused = await finalize(stage, user, missing)
            too_large = await finalize(stage, user, huge)
            after = await purse(user.client)
        rows = await own_rows(user, "voices", id=f"in.({missing.voice_id},{huge.voice_id})")
        calls = await stage.calls()
    return RefusedUploads(refused, too_large, huge.upload, before, after, rows, calls)


async def _lift_the_buckets_limit(stage: Scene) -> None:
    """Let the bucket take anything, where it is ours, so that the API's own check is the only one."""
    dsn = stage.session.settings.secret("database_dsn") if stage.ground else None
    if dsn is not None:
        import psycopg  # noqa: PLC0415 - a tenth of the start-up of every run

        async with await psycopg.AsyncConnection.connect(dsn.reveal()) as connection:
            await connection.execute("update storage.buckets set file_size_limit = null where id = 'references'")


# --- steps that other flows take as well


async def prepare(
    stage: Scene,
    user: Identity,
    what: str,
    *,
    audio: bytes | None = b"",
    language: str | None = None,
    name: str | None = None,
) -> Prepared:
    """Ask for a place to upload to, and upload the reference clip, or *audio*, or nothing when that is ``None``.

    Raises `CouldNotJudge` when there is no such place, or the clip was not taken.
    """
    clip = reference_clip(stage.session.settings.reference)
    said = {
        "name": name or voice_name(stage.context.run_id, what),
        "language": language or clip.language,
        "transcript": clip.transcript,
    }
    asked = await user.client.clone_upload_url(**said)
    answer = json_object(asked)
    voice_id, url, key = (text(answer, member) for member in ("voice_id", "upload_url", "object_key"))
    if asked.status != 200 or voice_id is None or url is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"nothing can be uploaded: upload-url answered {asked.status}")
    body = {"voice_id": voice_id, **said}
    prepared = Prepared(voice_id, key or f"{user.user_id}/{voice_id}/reference.wav", body, audio or clip.audio)
    if audio is None:
        return prepared
    uploaded = await user.client.upload(url, audio or clip.audio, answered=asked.request.url)
    if audio == b"" and uploaded.status not in (200, 201):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the clip was not taken: the upload was answered {uploaded.status}")
    return Prepared(prepared.voice_id, prepared.object_key, body, prepared.clip, uploaded)


async def finalize(stage: Scene, user: Identity, prepared: Prepared) -> Reply:
    """Finalize *prepared*. Raises `CouldNotJudge` when the user cannot pay."""
    things = stage.session.things
    planned = things.planned("voice", prepared.voice_id, user.owner, how="cloned")
    reply = await user.client.clone_finalize(**prepared.said)
    if reply.status == 200:
        things.made(planned, prepared.voice_id)
    refuse_poverty(reply, user.name, "a clone")
    return reply


async def pay_for_clone(stage: Scene) -> None:
    """Count one clone, where the mode asks a provider for it. Raises `OutOfBudget`."""
    if stage.session.settings.is_qwen:
        await stage.pay("clone")


async def own_rows(user: Identity, table: str, **query: str) -> tuple[Mapping[str, Any], ...]:
    """Return the user's own rows of *table*, from the data API. Raises `CouldNotJudge` where they cannot be read."""
    reply = await user.client.rows(table, {"select": "*", **query})
    try:
        found = reply.json() if reply.status == 200 else None
    except BadAnswer:
        found = None
    if not isinstance(found, list):
        said = detail(reply) or f"status {reply.status}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{table} could not be read through the data API: {said}")
    return tuple(row for row in found if isinstance(row, dict))


async def voice_row(user: Identity, voice_id: str) -> Mapping[str, Any] | None:
    """Return the voice as it is stored, or ``None``."""
    return next(iter(await own_rows(user, "voices", id=f"eq.{voice_id}")), None)


async def _heard(user: Identity, finalized: Reply, creates: Asked | None) -> Reply | None:
    """Return what comes of the reference URL that the provider was given, without any header of ours."""
    url = reference_url(creates[0]) if creates else None
    return await user.client.fetch(url, answered=finalized.request.url) if url else None


def reference_url(create: Mapping[str, Any]) -> str | None:
    """Return the URL of the clip in a *create* call, ``None`` for a data URL or none at all."""
    body = create.get("body")
    given = body.get("input") if isinstance(body, dict) else None
    audio = given.get("audio") if isinstance(given, dict) else None
    url = audio.get("data") if isinstance(audio, dict) else None
    return url if isinstance(url, str) and url.startswith("http") else None
