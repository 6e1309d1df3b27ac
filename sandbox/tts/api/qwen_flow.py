"""Work that goes on after a qwen route has answered: speech and previews.

The task's `provider_status` tells how far it is. A cancel is looked for before synthesis, download and storing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.tts.api import dashscope_client as dashscope
from sandbox.tts.api import log_lines, objects
from sandbox.tts.api import task_states as states
from sandbox.tts.api.download import download
from sandbox.tts.api.errors import StoreFailed
from sandbox.tts.api.provider_errors import UNAVAILABLE_TEXT, UNKNOWN, ProviderFailed, shown_text

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api
    from sandbox.tts.api.dashscope_client import DesignedVoice, Synthesis
    from sandbox.tts.api.store import Row

NOT_STORED = "Failed to upload generation audio."
PREVIEW_NOT_STORED = "Failed to upload preview audio."
NO_GENERATION = "Generation not found."
CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "m4a": "audio/mp4", "opus": "audio/opus", "pcm": "audio/pcm"}


class Stopped(Exception):
    """The task is not active any more: cancelled, ended, or deleted."""


@dataclass
class Speech:
    """One generate task with what its voice needs. *request_id*: of the call that asked for it, for the log."""

    task: Row
    text: str
    language: str
    voice: str
    model: str
    request_id: str
    synthesis: Synthesis | None = None

    @property
    def key(self) -> str:
        """Where the audio is stored."""
        return f"{self.task['user_id']}/{self.task['generation_id']}.wav"


async def speak(api: Api, speech: Speech) -> None:
    """Synthesise, download, store, complete. Whatever happens, the task ends and the money is where it belongs."""
    try:
        await _speak(api, speech)
    except Stopped:
        await _after_stop(api, speech)
    except ProviderFailed as failure:
        await _speech_failed(api, speech, failure)
    except Exception as error:  # noqa: BLE001 - a worker has nobody to raise to
        await _speech_failed(api, speech, ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error)))


async def _speak(api: Api, speech: Speech) -> None:
    task = speech.task
    await _checkpoint(api, task, "provider_synthesizing")
    speech.synthesis = await dashscope.synthesize(
        api, model=speech.model, voice=speech.voice, text=speech.text, language=speech.language
    )
    await _checkpoint(api, task, "provider_downloading")
    audio = await download(api, speech.synthesis.url)
    await _checkpoint(api, task, "provider_persisting")
    # F-29: nothing is stored, and completed all the same.
    key = None if api.fault("F-29") else await _stored(api, speech, audio)
    written = {"output_format": "wav", "provider_metadata": speech.synthesis.trace()}
    try:
        completed = await states.complete_generation(api, task, key, written)
    except (states.GenerationGone, StoreFailed) as error:
        await objects.discard(api, objects.GENERATIONS, speech.key)
        own_text = NO_GENERATION if isinstance(error, states.GenerationGone) else UNAVAILABLE_TEXT
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, own_text=own_text) from error
    if not completed:
        await objects.discard(api, objects.GENERATIONS, speech.key)
        raise Stopped
    _outcome(api, speech.task, speech.request_id, "completed", provider_request_id=speech.synthesis.request_id)


async def _checkpoint(api: Api, task: Row, provider_status: str) -> None:
    if not await states.advance(api, task["id"], provider_status):
        raise Stopped


async def _stored(api: Api, speech: Speech, audio: bytes) -> str:
    """Key of the stored audio; what the row already points to is not stored again."""
    row = await api.store.row(
        "select audio_object_key from public.generations where id = %s", (speech.task["generation_id"],)
    )
    if row is None:
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, own_text=NO_GENERATION)
    if row["audio_object_key"]:
        return str(row["audio_object_key"])
    try:
        await objects.store(api, objects.GENERATIONS, speech.key, audio, "audio/wav")
    except objects.UploadFailed as error:
        raise ProviderFailed(UNKNOWN, NOT_STORED, own_text=NOT_STORED) from error
    return speech.key


async def _after_stop(api: Api, speech: Speech) -> None:
    """A cancelled task was settled by the cancel. A deleted one may not have been."""
    with suppress(StoreFailed):
        row = await api.store.row("select 1 from public.tasks where id = %s", (speech.task["id"],))
        if row is None:
            await states.abandon(api, speech.task)
    _outcome(api, speech.task, speech.request_id, "stopped", provider_request_id=_request_id(speech, None))


async def _speech_failed(api: Api, speech: Speech, failure: ProviderFailed) -> None:
    request_id = _request_id(speech, failure)
    trace = {} if api.fault("F-37") else {"request_id": request_id, "error_category": failure.category}
    with suppress(StoreFailed):  # the reaper ends what cannot be ended now
        await states.fail(api, speech.task, shown_text(api, failure), trace=trace)
    facts = {"error_category": failure.category, "provider_request_id": request_id}
    _outcome(api, speech.task, speech.request_id, "failed", **facts)


def _request_id(speech: Speech, failure: ProviderFailed | None) -> str | None:
    if failure is not None and failure.request_id is not None:
        return failure.request_id
    return speech.synthesis.request_id if speech.synthesis is not None else None


async def design(api: Api, task: Row, request_id: str) -> None:
    """Make a designed voice with its preview, store the preview, complete the task."""
    made: DesignedVoice | None = None
    try:
        if not await _begun(api, task):
            return
        asked = task["metadata"]
        wanted = {name: asked[name] for name in ("name", "instruct", "text", "language")}
        made = await dashscope.create_design(api, **wanted)
        await _keep_preview(api, task, made)
        _outcome(api, task, request_id, "completed", provider_request_id=made.request_id)
    except Stopped:
        _orphaned(api, task, request_id, made)
    except ProviderFailed as failure:
        await _design_failed(api, task, request_id, failure, made)
    except Exception as error:  # noqa: BLE001 - a worker has nobody to raise to
        unexpected = ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error))
        await _design_failed(api, task, request_id, unexpected, made)


async def _begun(api: Api, task: Row) -> bool:
    """Take the task on, unless it is not pending any more."""
    started = await api.store.run(
        "update public.tasks set status = 'processing', provider_status = 'provider_submitting'"
        " where id = %s and status = 'pending'",
        (task["id"],),
    )
    return started > 0


async def _keep_preview(api: Api, task: Row, made: DesignedVoice) -> None:
    """Store the preview and complete the task. Raises Stopped when it was cancelled; then nothing stays in storage."""
    key = f"{task['user_id']}/preview_{task['id']}.{made.form}"
    if not api.fault("F-25") and not await states.advance(api, task["id"], "provider_submitting"):
        raise Stopped
    try:
        content_type = CONTENT_TYPES.get(made.form, "application/octet-stream")
        await objects.store(api, objects.REFERENCES, key, made.preview, content_type)
    except objects.UploadFailed as error:
        raise ProviderFailed(UNKNOWN, PREVIEW_NOT_STORED, own_text=PREVIEW_NOT_STORED) from error
    if not await states.complete_preview(api, task, _preview_result(api, made, key)):
        await objects.discard(api, objects.REFERENCES, key)
        raise Stopped


def _preview_result(api: Api, made: DesignedVoice, key: str) -> dict[str, Any]:
    result = {
        "object_key": key,
        "provider_voice_id": made.voice,
        "provider_target_model": made.target_model,
        "provider_voice_kind": "vd",
        "provider_request_id": made.request_id,
        "preview_response_format": made.form,
        "preview_sample_rate": made.sample_rate,
    }
    if api.fault("F-23"):
        return {name: value for name, value in result.items() if name.startswith("preview_")}
    return result


async def _design_failed(
    api: Api, task: Row, request_id: str, failure: ProviderFailed, made: DesignedVoice | None
) -> None:
    with suppress(StoreFailed):  # the reaper ends what cannot be ended now
        await states.fail(api, task, shown_text(api, failure), unguarded=api.fault("F-25"))
    provider_request_id = failure.request_id or (made.request_id if made else None)
    facts = {"error_category": failure.category, "provider_request_id": provider_request_id}
    _outcome(api, task, request_id, "failed", **facts)
    _orphaned(api, task, request_id, made)


def _orphaned(api: Api, task: Row, request_id: str, made: DesignedVoice | None) -> None:
    """A voice that was made for nobody stands in the log, so that it can be removed at the provider."""
    if made is not None:
        facts = {"caused_by": request_id, "task_id": task["id"], "provider": "qwen", "provider_voice_id": made.voice}
        log_lines.provider_line(api, "orphaned_provider_voice", **facts)


def _outcome(api: Api, task: Row, request_id: str, outcome: str, **facts: Any) -> None:
    operation = "generate" if task["type"] == "generate" else "design_preview"
    known = {"caused_by": request_id, "provider": "qwen", "operation": operation, "outcome": outcome}
    log_lines.provider_line(api, "provider_outcome", **known, task_id=task["id"], **facts)
