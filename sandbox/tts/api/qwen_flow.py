"""Work that goes on after a qwen route of lane task has answered: speech and previews.

The task's `provider_status` tells how far it is. A cancel is looked for before synthesis, download and storing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sandbox.tts.api import dashscope_client as dashscope
from sandbox.tts.api import log_lines, objects, speech
from sandbox.tts.api import task_states as states
from sandbox.tts.api.download import download
from sandbox.tts.api.errors import StoreFailed
from sandbox.tts.api.provider_errors import UNAVAILABLE_TEXT, UNKNOWN, ProviderFailed, shown_text
from sandbox.tts.api.speech import CONTENT_TYPES, Stopped, outcome

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api
    from sandbox.tts.api.dashscope_client import DesignedVoice
    from sandbox.tts.api.speech import Speech
    from sandbox.tts.api.store import Row

PREVIEW_NOT_STORED = "Failed to upload preview audio."


async def speak(api: Api, wanted: Speech) -> None:
    """Synthesise, download, store, complete. Whatever happens, the task ends and the money is where it belongs."""
    try:
        await _speak(api, wanted)
    except Stopped:
        await speech.after_stop(api, wanted)
    except ProviderFailed as failure:
        await speech.failed(api, wanted, failure)
    except Exception as error:  # noqa: BLE001 - a worker has nobody to raise to
        await speech.failed(api, wanted, ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error)))


async def _speak(api: Api, wanted: Speech) -> None:
    task = wanted.task
    await speech.checkpoint(api, task, "provider_synthesizing")
    asked = {"model": wanted.model, "voice": wanted.voice, "text": wanted.text, "language": wanted.language}
    if api.budgets.exceeded:
        await dashscope.synthesize(api, **asked)
    synthesis = await dashscope.synthesize(api, **asked)
    wanted.trace = synthesis.trace()
    wanted.temporary_url = synthesis.url
    await speech.checkpoint(api, task, "provider_downloading")
    try:
        audio = await download(api, synthesis.url)
    except ProviderFailed as failure:
        # F-31: an expired URL is nobody's concern.
        if failure.status is None or not 400 <= failure.status < 500 or not api.fault("F-31"):
            raise
        await speech.complete(api, wanted, None)
        return
    await speech.checkpoint(api, task, "provider_persisting")
    await speech.keep(api, wanted, audio)


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
        outcome(api, task, request_id, "completed", provider_request_id=made.request_id)
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
    speech.check_branch(api, task)
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
        await states.fail(
            api, task, shown_text(api, failure), unguarded=api.fault("F-25"), keep_charge=api.fault("F-19")
        )
    provider_request_id = failure.request_id or (made.request_id if made else None)
    facts = {"error_category": failure.category, "provider_request_id": provider_request_id}
    outcome(api, task, request_id, "failed", **facts)
    _orphaned(api, task, request_id, made)


def _orphaned(api: Api, task: Row, request_id: str, made: DesignedVoice | None) -> None:
    """A voice that was made for nobody stands in the log, so that it can be removed at the provider."""
    if made is not None:
        facts = {"caused_by": request_id, "task_id": task["id"], "provider": "qwen", "provider_voice_id": made.voice}
        log_lines.provider_line(api, "orphaned_provider_voice", **facts)
