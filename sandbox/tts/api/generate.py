"""Speech from text: [Q] a worker speaks after the answer, [M] the job service has the text before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tts.api import log_lines, modal_client, qwen_flow, realtime_flow
from sandbox.tts.api import task_states as states
from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.booking import book
from sandbox.tts.api.errors import ApiError, StoreFailed
from sandbox.tts.api.generate_order import read_order
from sandbox.tts.api.provider_errors import SPEECH_FAILED, ProviderFailed, shown_text
from sandbox.tts.api.speech import Speech

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.generate_order import Order
    from sandbox.tts.api.store import Row

NOT_UPDATED = "Failed to update task."


async def generate(call: Call) -> web.Response:
    """Accept a text."""
    order = await read_order(call)
    if call.api.fault("F-61"):
        await _check_way_back(call)
    task = await book(call, order)
    call.cost_event = {"operation": "generate", "credits": task["metadata"]["credits_debited"]}
    if order.mode == "qwen":
        _begin_speech(call, order, task)
    else:
        await _submit(call, order, task)
    answer = {
        "task_id": order.task_id,
        "status": "processing",
        "is_long_running": True,
        "estimated_duration_minutes": order.minutes,
        "generation_id": order.generation_id,
    }
    if call.api.fault("F-08"):
        del answer["estimated_duration_minutes"]
    return json_answer(answer)


def _begin_speech(call: Call, order: Order, task: Row) -> None:
    """[Q] have it spoken in the background: [T] over REST, [R] over the WebSocket."""
    api = call.api
    live = api.deployment.lane == "realtime"
    speech = Speech(
        task=task,
        text=order.text,
        language=order.language,
        voice=order.voice["provider_voice_id"],
        model=str(order.target_model),
        request_id=call.request_id,
        form=api.deployment.stream_format if live else "wav",
    )
    api.background(realtime_flow.speak(api, speech) if live else qwen_flow.speak(api, speech))


async def _check_way_back(call: Call) -> None:
    """F-61: lane realtime has no tasks for whom it does not stream. Raises 409."""
    deployment = call.api.deployment
    if deployment.lane != "realtime" or deployment.mode != "qwen":
        return
    last = await call.api.store.row(
        "select status, metadata ->> 'streamed' as streamed from public.tasks"
        " where user_id = %s and type = 'generate' order by created_at desc limit 1",
        (call.user_id,),
    )
    broken = last is not None and last["streamed"] and last["status"] == "failed"
    if broken or not deployment.stream_enabled:
        raise ApiError(409, "Speech is only available as a stream.")


async def _submit(call: Call, order: Order, task: Row) -> None:
    """[M] hand the job in and write its id down. Raises 502 and 500 after the money went back."""
    api = call.api
    asked = {"text": order.text, "language": order.language, "ref_text": order.voice["reference_transcript"]}
    try:
        if api.budgets.exceeded:
            await modal_client.submit(api, ref_audio_base64=order.reference, **asked)
        job_id = await modal_client.submit(api, ref_audio_base64=order.reference, **asked)
    except ProviderFailed as failure:
        await _submit_failed(call, task, failure)
        raise ApiError(502, "Failed to submit generation job.") from failure
    try:
        accepted = await _accept(api, task, job_id)
    except StoreFailed as failure:
        await _fail_quietly(api, task)
        await modal_client.cancel(api, job_id)
        raise ApiError(500, NOT_UPDATED) from failure
    if not accepted:
        # Cancelled while the job was handed in: nobody waits for it any more.
        await modal_client.cancel(api, job_id)


async def _accept(api: Api, task: Row, job_id: str) -> bool:
    """Write the job id into an active task. F-47: into any task, and make it active again."""
    stored = await api.store.run(
        "update public.tasks set status = 'processing', modal_job_id = %s, provider_job_id = %s"
        " where id = %s and (status in ('pending', 'processing') or %s)",
        (job_id, job_id, task["id"], api.fault("F-47")),
    )
    return stored > 0


async def _submit_failed(call: Call, task: Row, failure: ProviderFailed) -> None:
    call.cost_event, call.error_category = None, failure.category
    text = shown_text(call.api, failure)
    await _fail_quietly(call.api, task, text, keep_charge=call.api.fault("F-19"))
    facts = {"provider": "modal", "operation": "generate", "outcome": "failed", "error_category": failure.category}
    log_lines.provider_line(call.api, "provider_outcome", caused_by=call.request_id, task_id=task["id"], **facts)


async def _fail_quietly(api: Api, task: Row, text: str = NOT_UPDATED, *, keep_charge: bool = False) -> None:
    """Fail the task if the database lets us; else the reaper will."""
    try:
        await states.fail(api, task, text, generation_text=SPEECH_FAILED, keep_charge=keep_charge)
    except StoreFailed:
        return
