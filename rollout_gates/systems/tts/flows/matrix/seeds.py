"""Voices and previews that are written by the service role, because no client can make such: refused when used."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows
from rollout_gates.systems.tts.flows.matrix.designing import INSTRUCT
from rollout_gates.systems.tts.flows.matrix.planting import plant
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.replies import json_object, rows, text
from rollout_gates.systems.tts.samples import LANGUAGE, TRANSCRIPT, spoken, tag, voice_name
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.settings import Settings
    from rollout_gates.wire import Reply

OWN = "own provider"
ALIEN_MODEL = "qwen3-tts-vc-2020-01-01"


@dataclass(frozen=True)
class SeededVoice:
    """A voice that was written, and what came of speaking in it. *asked* counts provider calls that name it."""

    title: str
    row: Mapping[str, Any]
    generate: Reply
    asked: int | None


@dataclass(frozen=True)
class SeededVoices:
    """Voices of both providers in one list, and a generate in each that must be refused."""

    voices: Mapping[str, SeededVoice]
    listed: tuple[Mapping[str, Any], ...]
    made: tuple[tuple[str, str], ...]
    listing: Reply


@flow("seeded_voices")
async def seeded_voices(context: Context) -> SeededVoices:
    """Write voices that must not speak here, list them, and try each. Raises `NotConfigured` without service role."""
    async with scene(context) as stage:
        user = await stage.user("seeded_voices")
        written = {title: await plant(stage, user, row) for title, row in _voices(stage, user).items()}
        listing = await user.client.voices(per_page=100)
        replies = {}
        async with user.busy:
            for title in written.keys() - {OWN}:
                replies[title] = await _refused(stage, user, str(written[title]["id"]))
        asked = await stage.asked("dashscope")
        voices = {
            title: SeededVoice(title, written[title], reply, None if asked is None else _naming(asked, written[title]))
            for title, reply in replies.items()
        }
    made = tuple((str(row["id"]), str(row["tts_provider"])) for row in written.values())
    return SeededVoices(voices, rows(listing, "voices"), made, listing)


def _voices(stage: Scene, user: Identity) -> dict[str, dict[str, Any]]:
    settings: Settings = stage.session.settings
    common = {"user_id": user.user_id, "language": LANGUAGE, "source": "uploaded", "reference_transcript": TRANSCRIPT}

    def voice(what: str, **more: Any) -> dict[str, Any]:
        return {**common, "id": str(uuid.uuid4()), "name": voice_name(stage.context.run_id, what), **more}

    def qwen(what: str, model: str | None, kind: str | None, *, named: bool = True) -> dict[str, Any]:
        provider_id = f"qwen-tts-seed-{tag(stage.context.run_id)}-{uuid.uuid4().hex[:8]}" if named else None
        return voice(
            what,
            tts_provider="qwen",
            provider_voice_id=provider_id,
            provider_target_model=model,
            provider_voice_kind=kind,
        )

    vc, vd = settings.vc_model or "qwen3-tts-vc", settings.vd_model or "qwen3-tts-vd"
    if not settings.is_qwen:
        return {"other provider": qwen("of qwen", vc, "vc"), OWN: voice("of modal", tts_provider="modal")}
    return {
        "other provider": voice("of modal", tts_provider="modal"),
        "without a provider id": qwen("nameless", vc, "vc", named=False),
        "without a model": qwen("modelless", None, "vc"),
        "of another model": qwen("of another model", ALIEN_MODEL, "vc"),
        "a clone with the model of designs": qwen("mismatched vc", vd, "vc"),
        "a design with the model of clones": qwen("mismatched vd", vc, "vd"),
    }


async def _refused(stage: Scene, user: Identity, voice_id: str) -> Reply:
    """Try to speak in the voice; what is begun against expectation is stopped, so that the next try is free."""
    reply = await user.client.generate(voice_id=voice_id, text=spoken(stage.context.run_id, "Seed"), language="Auto")
    task_id = text(json_object(reply), "task_id")
    if reply.status == 200 and task_id is not None:
        await user.client.cancel_task(task_id)
    return reply


def _naming(asked: tuple[Mapping[str, Any], ...], row: Mapping[str, Any]) -> int:
    provider_id = row.get("provider_voice_id")
    return sum(provider_id in str(entry["body"]) for entry in asked) if provider_id else 0


@dataclass(frozen=True)
class RefusedSaves:
    """[Q] Tries to save what is no preview of the caller's own, completed and complete; and the voices after them."""

    saves: Mapping[str, Reply]
    voices: tuple[Mapping[str, Any], ...]
    foreign_voices: tuple[Mapping[str, Any], ...]


@flow("refused_saves")
async def refused_saves(context: Context) -> RefusedSaves:
    """Save previews that must not be saved."""
    async with scene(context) as stage:
        user, other = await asyncio.gather(stage.user("refused_saves"), stage.user("user_b"))
        if user.user_id == other.user_id:
            raise NotConfigured("a foreign preview needs two users: configure user_b or set sign_up = true")
        tasks = _tasks(stage, user)
        for row in tasks.values():
            await plant(stage, user, row, "tasks")
        saves = {title: await _save(stage, user, str(row["id"])) for title, row in tasks.items()}
        saves["unknown"] = await _save(stage, user, str(uuid.uuid4()))
        complete = {**tasks["of the other provider"], "id": str(uuid.uuid4()), "provider": "qwen"}
        await plant(stage, user, complete, "tasks")
        saves["foreign"] = await _save(stage, other, str(complete["id"]))
        name = f"eq.{_name(stage)}"
        mine, theirs = await asyncio.gather(own_rows(user, "voices", name=name), own_rows(other, "voices", name=name))
    return RefusedSaves(saves, mine, theirs)


def _tasks(stage: Scene, user: Identity) -> dict[str, dict[str, Any]]:
    """Return tasks that cannot be saved, by what is wrong with each."""
    settings: Settings = stage.session.settings
    whole = {
        "object_key": f"{user.user_id}/preview_{uuid.uuid4()}.wav",
        "provider_voice_id": f"qwen-tts-seed-{tag(stage.context.run_id)}",
        "provider_target_model": settings.vd_model,
        "provider_voice_kind": "vd",
        "provider_request_id": str(uuid.uuid4()),
    }

    def task(**differs: Any) -> dict[str, Any]:
        usual = {"type": "design_preview", "status": "completed", "provider": "qwen", "result": whole}
        said = {"text": "A short text.", "language": LANGUAGE, "instruct": INSTRUCT}
        return {"id": str(uuid.uuid4()), "user_id": user.user_id, "metadata": said, **usual, **differs}

    def without(name: str) -> dict[str, Any]:
        return task(result={key: value for key, value in whole.items() if key != name})

    return {
        "of the other provider": task(provider="modal"),
        "of another type": task(type="clone"),
        "pending": task(status="pending", result=None),
        "failed": task(status="failed", result=None),
        "cancelled": task(status="cancelled", result=None),
        "without an object key": without("object_key"),
        "without a provider id": without("provider_voice_id"),
        "without a model": without("provider_target_model"),
    }


async def _save(stage: Scene, user: Identity, task_id: str) -> Reply:
    said = {"text": "A short text.", "language": LANGUAGE, "instruct": INSTRUCT, "name": _name(stage)}
    planned = stage.session.things.planned("voice", said["name"], user.owner, how="designed")
    reply = await user.client.design_save({**said, "task_id": task_id})
    if reply.status == 200:
        stage.session.things.made(planned, text(json_object(reply), "id"))
    else:
        stage.session.things.gone(planned, f"was refused with {reply.status}")
    return reply


def _name(stage: Scene) -> str:
    return voice_name(stage.context.run_id, "refused save")
