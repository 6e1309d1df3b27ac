"""One generate task of provider qwen on its way to audio, and how it ends: stored, stopped, or failed.

Whoever makes the audio, a download or a stream, it is kept here: stored first, then written down together with the
task, or not at all.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.tts.api import log_lines, objects
from sandbox.tts.api import task_states as states
from sandbox.tts.api.errors import StoreFailed
from sandbox.tts.api.provider_errors import UNAVAILABLE, UNAVAILABLE_TEXT, UNKNOWN, ProviderFailed, shown_text

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api
    from sandbox.tts.api.store import Row

NOT_STORED = "Failed to upload generation audio."
NO_GENERATION = "Generation not found."
CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "m4a": "audio/mp4", "opus": "audio/opus", "pcm": "audio/pcm"}
MISLABELLED = "application/octet-stream"
# Of a session that broke: what it is known by at the provider.
KEPT_ON_FAILURE = ("session_id", "response_ids", "event_id")


class Stopped(Exception):
    """The task is not active any more: cancelled, ended, or deleted."""


@dataclass
class Speech:
    """One generate task with what its voice needs. *request_id*: of the call that asked for it, for the log.

    *form* is the format that is made and stored. *trace* is what the provider told of its work, `request_id` in it.
    """

    task: Row
    text: str
    language: str
    voice: str
    model: str
    request_id: str
    form: str = "wav"
    trace: dict[str, Any] = field(default_factory=dict)
    temporary_url: str | None = None

    @property
    def streamed(self) -> bool:
        """Whether somebody listens while it is made."""
        return bool(self.task["metadata"].get("streamed"))

    @property
    def key(self) -> str:
        """Where the audio is stored."""
        return f"{self.task['user_id']}/{self.task['generation_id']}.{self.form}"

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.form]


async def checkpoint(api: Api, task: Row, provider_status: str) -> None:
    """Move the task on. Raises Stopped when it is not active any more. F-50: it goes on all the same."""
    check_branch(api, task)
    if not await states.advance(api, task["id"], provider_status) and not api.fault("F-50"):
        raise Stopped


def check_branch(api: Api, task: Row) -> None:
    """F-12: a worker that finds another mode deployed than its own gives up. Raises ProviderFailed."""
    if api.fault("F-12") and api.instance.deployment.mode != task["provider"]:
        raise ProviderFailed(UNAVAILABLE, UNAVAILABLE_TEXT)


async def keep(api: Api, speech: Speech, audio: bytes) -> None:
    """Store *audio* and complete. Raises Stopped and ProviderFailed, and then nothing stays in storage."""
    await api.budgets.squander(speech.task["id"])
    # F-29: nothing is stored, and completed all the same.
    key = None if api.fault("F-29") else await stored(api, speech, audio)
    await complete(api, speech, key)


async def stored(api: Api, speech: Speech, audio: bytes) -> str:
    """Key of the stored audio; what the row already points to is not stored again. Raises ProviderFailed."""
    row = await api.store.row(
        "select audio_object_key from public.generations where id = %s", (speech.task["generation_id"],)
    )
    if row is None:
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, own_text=NO_GENERATION)
    if row["audio_object_key"]:
        return str(row["audio_object_key"])
    content_type = speech.content_type
    if api.fault("F-36") and not speech.streamed:
        audio, content_type, speech.trace = spoilt(audio), MISLABELLED, {}
    try:
        await objects.store(api, objects.GENERATIONS, speech.key, audio, content_type)
    except objects.UploadFailed as error:
        # F-32: it counts as stored.
        if api.fault("F-32") and not speech.streamed:
            return speech.key
        raise ProviderFailed(UNKNOWN, NOT_STORED, own_text=NOT_STORED) from error
    return speech.key


def spoilt(audio: bytes) -> bytes:
    """F-36: the first half of *audio*."""
    return audio[: len(audio) // 2 + 1]


async def complete(api: Api, speech: Speech, key: str | None) -> None:
    """End task and generation as completed, with the object *key*. Raises Stopped and ProviderFailed."""
    written = {"output_format": speech.form, "provider_metadata": speech.trace}
    try:
        completed = await states.complete_generation(api, speech.task, key, written)
    except (states.GenerationGone, StoreFailed) as error:
        await objects.discard(api, objects.GENERATIONS, speech.key)
        own_text = NO_GENERATION if isinstance(error, states.GenerationGone) else UNAVAILABLE_TEXT
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, own_text=own_text) from error
    if not completed:
        await objects.discard(api, objects.GENERATIONS, speech.key)
        raise Stopped
    if speech.temporary_url is not None:
        api.temporary_urls[speech.task["generation_id"]] = speech.temporary_url
    outcome(api, speech.task, speech.request_id, "completed", provider_request_id=speech.trace.get("request_id"))


async def after_stop(api: Api, speech: Speech) -> None:
    """A cancelled task was settled by the cancel. A deleted one may not have been."""
    with suppress(StoreFailed):
        row = await api.store.row("select 1 from public.tasks where id = %s", (speech.task["id"],))
        if row is None:
            await states.abandon(api, speech.task)
    outcome(api, speech.task, speech.request_id, "stopped", provider_request_id=speech.trace.get("request_id"))


async def failed(api: Api, speech: Speech, failure: ProviderFailed) -> None:
    """End the task as failed, give its charge back, and keep what the provider is known by."""
    request_id = failure.request_id or speech.trace.get("request_id")
    told = {key: value for key, value in speech.trace.items() if key in KEPT_ON_FAILURE}
    trace = {} if api.fault("F-37") else {**told, "request_id": request_id, "error_category": failure.category}
    with suppress(StoreFailed):  # the reaper ends what cannot be ended now
        await states.fail(
            api, speech.task, shown_text(api, failure), trace=trace, keep_charge=_charge_kept(api, speech, failure)
        )
    facts = {"error_category": failure.category, "provider_request_id": request_id}
    outcome(api, speech.task, speech.request_id, "failed", **facts)


def _charge_kept(api: Api, speech: Speech, failure: ProviderFailed) -> bool:
    """F-19: what the provider refused to speak is paid for. F-12: so is what was given up."""
    if api.fault("F-12") and api.instance.deployment.mode != speech.task["provider"]:
        return True
    refused = failure.status is not None and not speech.trace and not speech.streamed
    return refused and api.fault("F-19")


def outcome(api: Api, task: Row, request_id: str, word: str, **facts: Any) -> None:
    """The log line of a task that ended at the provider."""
    operation = "generate" if task["type"] == "generate" else "design_preview"
    known = {"caused_by": request_id, "provider": "qwen", "operation": operation, "outcome": word}
    log_lines.provider_line(api, "provider_outcome", **known, task_id=task["id"], **facts)
