"""Rows that are written by the service role, because no client can make such. Never in prod: such a file is refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import Ids
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, prepare
from rollout_gates.systems.tts.flows.matrix.treasury import Treasury
from rollout_gates.systems.tts.samples import LANGUAGE, TRANSCRIPT, tag, utf16_units, voice_name
from rollout_gates.wire import BadAnswer, CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.identities import Identity

    Row = Mapping[str, Any]

NO_AUDIO = b"This is a text. No part of it is audio. " * 64
"""Bytes that a bucket takes under an audio type, and that nothing can be cloned from or spoken with."""


async def plant(stage: Scene, user: Identity, row: Row, table: str = "voices") -> Row:
    """Insert *row* as the service role and return it as it stands then. It is written down before, and removed later.

    Raises `NotConfigured`, or `CouldNotJudge` when it is refused.
    """
    service = stage.session.settings.secret("service_role_key")
    if service is None:
        raise NotConfigured("this clause seeds rows: configure secrets.service_role_key (never in prod)")
    planned = stage.session.things.planned(table.removesuffix("s"), str(row["id"]), user.owner, how="seeded")
    reply = await user.client.insert(table, row, bearer=service)
    if reply.status != 201:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"a row of {table} could not be seeded: status {reply.status}")
    stage.session.things.made(planned, str(row["id"]))
    try:
        return dict(reply.json()[0])
    except (BadAnswer, LookupError, TypeError):
        return row


async def voice_in_vain(stage: Scene, user: Identity, what: str) -> str:
    """Return the id of a voice that passes every check of generate and that its provider cannot speak with.

    [Q] It is planted, with the configured model and a provider id that was never given out. [M] It is cloned from
    bytes that are no audio, which no provider sees before a text is spoken.
    """
    settings = stage.session.settings
    if settings.is_qwen:
        row = {
            "id": str(uuid.uuid4()),
            "user_id": user.user_id,
            "name": voice_name(stage.context.run_id, what),
            "language": LANGUAGE,
            "source": "uploaded",
            "reference_transcript": TRANSCRIPT,
            "tts_provider": "qwen",
            "provider_voice_id": f"qwen-tts-vc-{tag(stage.context.run_id)}-voice-{uuid.uuid4().hex[:12]}",
            "provider_target_model": settings.vc_model,
            "provider_voice_kind": "vc",
        }
        return str((await plant(stage, user, row))["id"])
    prepared = await prepare(stage, user, what, audio=NO_AUDIO)
    if prepared.upload is None or prepared.upload.status not in (200, 201):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "bytes that are no audio were not taken as a clip")
    answer = await finalize(stage, user, prepared)
    if answer.status != 200:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"bytes that are no audio were refused as a clip: {answer.status}")
    return prepared.voice_id


async def work(stage: Scene, user: Identity, said: str, *, hours: float = 0, **task: Any) -> Ids:
    """Plant an active generate that was charged *hours* ago, as 2.15 leaves one behind; *task* is set over its task.

    Whoever looks after active tasks has not met this one yet: nothing works for it. Raises as `plant` does.
    """
    mode = stage.session.settings.provider_mode
    ids = Ids(str(uuid.uuid4()), str(uuid.uuid4()))
    then = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    common = {"user_id": user.user_id, "created_at": then}
    generation = {"id": ids.generation_id, "text": said, "language": "Auto", "status": "processing"}
    await plant(stage, user, {**common, **generation, "tts_provider": mode}, "generations")
    left = await Treasury(stage).call(
        "credit_apply_event",
        p_user_id=user.user_id,
        p_event_kind="debit",
        p_operation="generate",
        p_amount=utf16_units(said),
        p_reference_type="generation",
        p_reference_id=ids.generation_id,
        p_idempotency_key=f"generate:{ids.generation_id}:debit",
    )
    metadata = {
        "text_length": utf16_units(said),
        "text_preview": said[:50],
        "language": "Auto",
        "estimated_duration_minutes": 0.1,
        "credits_debited": utf16_units(said),
        "credits_remaining_after_debit": left.get("balance_remaining"),
    }
    row = {"id": ids.task_id, "type": "generate", "status": "processing", "generation_id": ids.generation_id}
    await plant(
        stage,
        user,
        {**common, **row, "updated_at": then, "provider": mode, "metadata": metadata, **task},
        "tasks",
    )
    return ids
