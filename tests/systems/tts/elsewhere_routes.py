"""The routes of somebody else's deployment. *there* is its state, an `elsewhere.Elsewhere`."""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
Row = dict[str, Any]


class Refused(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


async def _health(there: Any, request: web.Request, user: str) -> web.Response:
    return web.json_response({"ok": True, "build": "7"})


async def _languages(there: Any, request: web.Request, user: str) -> web.Response:
    capabilities = {
        "supports_generate": True, "supports_generate_stream": False, "default_generate_mode": "task",
        "allow_generate_mode_toggle": False, "max_text_chars": there.cap,
    }  # fmt: skip
    return web.json_response({"languages": ["Auto"], "provider": there.mode, "capabilities": capabilities})


async def _me(there: Any, request: web.Request, user: str) -> web.Response:
    return web.json_response({"signed_in": bool(user), "user": {"id": user} if user else None, "profile": None})


async def _profile(there: Any, request: web.Request, user: str) -> web.Response:
    named = "display_name" in await _json(request)
    raise Refused(400, "Display name must be 1-100 characters." if named else "No valid fields to update.")


async def _usage(there: Any, request: web.Request, user: str) -> web.Response:
    days = min(365, int(request.query.get("window_days", "30")))
    actions = ("Generate speech", "Voice design preview", "Voice clone")
    return web.json_response(
        {
            "credit_unit": "1 credit = 1 character",
            "window_days": days,
            "plan": {"tier": "free"},
            "balance": there.users[user]["balance"],
            "trials": {"design_remaining": 1, "clone_remaining": 1},
            "usage": {"debited": 0, "credited": 0, "net": 0},
            "events": there.users[user]["events"][:20],
            "rate_card": [{"action": action, "cost": "1", "note": ""} for action in actions],
        }
    )


async def _json(request: web.Request) -> Row:
    try:
        found = json.loads(await request.read())
    except ValueError:
        raise Refused(400, "Invalid JSON body") from None
    return {name: value.strip() if isinstance(value, str) else value for name, value in found.items()}


async def _upload_url(there: Any, request: web.Request, user: str) -> web.Response:
    body = await _json(request)
    if not body.get("name") or len(body["name"]) > 100:
        raise Refused(400, "Name must be 1-100 characters.")
    if not body.get("transcript"):
        raise Refused(400, "Transcript is required.")
    voice_id = str(uuid.uuid4())
    where = f"/storage/v1/object/upload/sign/references/{user}-{voice_id}?token=t"
    return web.json_response({"voice_id": voice_id, "upload_url": where, "object_key": f"{user}/{voice_id}"})


async def _finalize(there: Any, request: web.Request, user: str) -> web.Response:
    body = await _json(request)
    if not body.get("voice_id"):
        raise Refused(400, "voice_id is required.")
    if f"{user}-{body['voice_id']}" not in there.objects:
        raise Refused(400, "Audio file not uploaded.")
    if "no clones" in there.habits:
        raise Refused(502, "Provider is temporarily unavailable. Please try again.")
    voice = _voice(there, user, body["name"], "uploaded", body["voice_id"])
    there.objects[f"clip-{voice['id']}"] = there.objects[f"{user}-{body['voice_id']}"]
    return web.json_response({"id": voice["id"], "name": voice["name"]})


def _voice(there: Any, user: str, name: str, source: str, voice_id: str) -> Row:
    qwen, kind = there.mode == "qwen", "vc" if source == "uploaded" else "vd"
    row = {
        "id": voice_id, "name": name, "reference_transcript": "said", "language": "English", "source": source,
        "description": None, "created_at": there.now(), "tts_provider": there.mode,
        "provider_voice_id": f"p-{voice_id}" if qwen else None, "provider_target_model": f"{kind}-1" if qwen else None,
        "provider_voice_kind": kind if qwen else None, "user": user,
    }  # fmt: skip
    there.voices.insert(0, row)
    return row


def _page(request: web.Request, found: list[Row], member: str) -> web.Response:
    def number(name: str, default: int) -> int:
        given = request.query.get(name, "")
        return int(given) if given.isdigit() and int(given) > 0 else default

    page, per_page = number("page", 1), min(100, number("per_page", 20))
    start = (page - 1) * per_page
    shown = [{name: value for name, value in row.items() if name != "user"} for row in found[start : start + per_page]]
    pages = max(1, math.ceil(len(found) / per_page))
    pagination = {"page": page, "per_page": per_page, "total": len(found), "pages": pages}
    return web.json_response({member: shown, "pagination": pagination})


async def _voices(there: Any, request: web.Request, user: str) -> web.Response:
    word, source = request.query.get("search", "").lower(), request.query.get("source")
    found = [row for row in there.voices if row["user"] == user and word in row["name"].lower()]
    if source in ("uploaded", "designed"):
        found = [row for row in found if row["source"] == source]
    return _page(request, found, "voices")


def _own(rows: list[Row], row_id: str, user: str, detail: str) -> Row:
    found = next((row for row in rows if row["id"] == row_id and row["user"] == user), None)
    if found is None:
        raise Refused(404, detail)
    return found


async def _voice_preview(there: Any, request: web.Request, user: str, voice_id: str) -> web.Response:
    _own(there.voices, voice_id, user, "Voice not found.")
    where = f"/storage/v1/object/sign/references/clip-{voice_id}?token=t"
    return web.Response(status=303, headers={"LOCATION": where})


async def _drop_voice(there: Any, request: web.Request, user: str, voice_id: str) -> web.Response:
    there.voices.remove(_own(there.voices, voice_id, user, "Voice not found."))
    return web.json_response({"ok": True})


async def _design_preview(there: Any, request: web.Request, user: str) -> web.Response:
    body = await _json(request)
    if not body.get("text"):
        raise Refused(400, "Preview text is required.")
    if len(body["text"]) > 500:
        raise Refused(400, "Preview text must be 500 characters or less.")
    task = _task(there, user, "design_preview")

    async def work() -> None:
        await asyncio.sleep(there.synthesis_s)
        there.objects[f"preview-{task['id']}"] = WAV
        url = f"{there.url}/storage/v1/object/sign/references/preview-{task['id']}?token=t"
        task.update(status="completed", provider_status="completed", result={"audio_url": url, "object_key": "k"})

    there.later(work())
    return web.json_response({"task_id": task["id"], "status": "pending"})


def _task(there: Any, user: str, kind: str) -> Row:
    task = {
        "id": str(uuid.uuid4()), "type": kind, "status": "processing", "error": None, "provider": there.mode,
        "provider_status": "at work", "provider_poll_count": 0, "modal_status": None, "modal_elapsed_seconds": None,
        "modal_poll_count": 0, "user": user,
    }  # fmt: skip
    there.tasks[task["id"]] = task
    return task


async def _design_save(there: Any, request: web.Request, user: str) -> web.Response:
    if not request.content_type.startswith("multipart/"):
        raise Refused(400, "Invalid form data.")
    form = await request.post()
    if not form.get("name"):
        raise Refused(400, "Name must be 1-100 characters.")
    if there.mode == "modal" and not isinstance(form.get("audio"), web.FileField):
        raise Refused(400, "Audio file is required.")
    task = there.tasks.get(form.get("task_id"))
    shared = "saves anybody's previews" in there.habits
    if there.mode == "qwen" and (task is None or not (shared or task["user"] == user)):
        raise Refused(404, "Preview task not found.")
    voice = _voice(there, user, str(form["name"]), "designed", str(uuid.uuid4()))
    there.objects[f"clip-{voice['id']}"] = WAV
    return web.json_response({"id": voice["id"], "name": voice["name"], "source": "designed"})


async def _generate(there: Any, request: web.Request, user: str) -> web.Response:
    body = await _json(request)
    if not body.get("voice_id"):
        raise Refused(400, "Please select a voice")
    if not is_uuid(body["voice_id"]):
        raise Refused(400, "Invalid voice_id")
    said = body.get("text") or ""
    if not said:
        raise Refused(400, "Please enter text to speak")
    if len(said.encode("utf-16-le")) // 2 > there.cap:
        raise Refused(400, f"Text cannot exceed {there.cap} characters")
    voice = _own(there.voices, body["voice_id"], user, "Voice not found")
    if any(
        task["user"] == user and task["type"] == "generate" and task["status"] == "processing"
        for task in there.tasks.values()
    ):
        raise Refused(409, "A generation is already in progress.")
    if there.users[user]["balance"] < len(said):
        raise Refused(402, "Insufficient credits")
    there.debit(user, len(said), "debit")
    task = _task(there, user, "generate")
    generation = {
        "id": str(uuid.uuid4()), "voice_id": voice["id"], "voice_name": voice["name"], "text": said, "user": user,
        "status": "processing", "audio_path": "", "language": "Auto", "created_at": there.now(),
    }  # fmt: skip
    there.generations.insert(0, generation)
    task["generation"] = generation["id"]

    async def work() -> None:
        await asyncio.sleep(there.synthesis_s)
        if task["status"] != "processing":
            return
        there.objects[f"speech-{generation['id']}"] = WAV + said.encode()
        generation["status"] = "completed"
        result = {"audio_url": f"/api/generations/{generation['id']}/audio"}
        task.update(status="completed", provider_status="completed", result=result)

    there.later(work())
    return web.json_response(
        {
            "task_id": task["id"],
            "status": "processing",
            "is_long_running": True,
            "estimated_duration_minutes": 0.1,
            "generation_id": generation["id"],
        }
    )


async def _show_task(there: Any, request: web.Request, user: str, task_id: str) -> web.Response:
    task = _own(list(there.tasks.values()), task_id, user, "Task not found.")
    return web.json_response({name: value for name, value in task.items() if name not in ("user", "generation")})


async def _cancel(there: Any, request: web.Request, user: str, task_id: str) -> web.Response:
    task = _own(list(there.tasks.values()), task_id, user, "Task not found.")
    if task["status"] != "processing":
        raise Refused(400, f"Cannot cancel task with status: {task['status']}")
    task.update(status="cancelled", provider_status="cancelled", error="Cancelled by user")
    for generation in there.generations:
        if generation["id"] == task.get("generation"):
            generation["status"] = "cancelled"
            there.debit(user, -len(generation["text"]), "refund")
    return web.json_response({"cancelled": True, "task_id": task_id})


async def _drop_task(there: Any, request: web.Request, user: str, task_id: str) -> web.Response:
    _own(list(there.tasks.values()), task_id, user, "Task not found.")
    del there.tasks[task_id]
    return web.json_response({"ok": True})


async def _generations(there: Any, request: web.Request, user: str) -> web.Response:
    word, status = request.query.get("search", "").lower(), request.query.get("status", "all")
    found = [row for row in there.generations if row["user"] == user and word in row["text"].lower()]
    return _page(request, [row for row in found if status in ("all", "", row["status"])], "generations")


async def _audio(there: Any, request: web.Request, user: str, generation_id: str) -> web.Response:
    generation = _own(there.generations, generation_id, user, "Generation not found.")
    if generation["status"] != "completed":
        raise Refused(404, "Generation audio not available.")
    where = f"{there.url}/storage/v1/object/sign/generations/speech-{generation_id}?token=t"
    return web.Response(status=307, headers={"Location": where})


async def _drop_generation(there: Any, request: web.Request, user: str, generation_id: str) -> web.Response:
    there.generations.remove(_own(there.generations, generation_id, user, "Generation not found."))
    return web.json_response({"ok": True})


async def _regenerate(there: Any, request: web.Request, user: str, generation_id: str) -> web.Response:
    generation = _own(there.generations, generation_id, user, "Generation not found")
    return web.json_response({"voice_id": generation["voice_id"], "text": generation["text"]})


def _refusing(status: int, detail: str) -> Callable[..., Any]:
    async def refuse(there: Any, request: web.Request, user: str) -> web.Response:
        raise Refused(status, detail)

    return refuse


ROUTES: dict[tuple[str, ...], tuple[Callable[..., Any], bool]] = {
    ("GET", "health"): (_health, True),
    ("GET", "languages"): (_languages, True),
    ("GET", "me"): (_me, True),
    ("PATCH", "profile"): (_profile, False),
    ("GET", "credits", "usage"): (_usage, False),
    ("POST", "billing", "checkout"): (_refusing(400, "pack_id is required."), False),
    ("POST", "webhooks", "stripe"): (_refusing(400, "Missing Stripe signature."), True),
    ("POST", "transcriptions"): (_refusing(503, "Transcription is not configured on this server."), False),
    ("POST", "clone", "upload-url"): (_upload_url, False),
    ("POST", "clone", "finalize"): (_finalize, False),
    ("GET", "voices"): (_voices, False),
    ("GET", "voices", ":id", "preview"): (_voice_preview, False),
    ("DELETE", "voices", ":id"): (_drop_voice, False),
    ("POST", "voices", "design", "preview"): (_design_preview, False),
    ("POST", "voices", "design"): (_design_save, False),
    ("POST", "generate"): (_generate, False),
    ("GET", "tasks", ":id"): (_show_task, False),
    ("POST", "tasks", ":id", "cancel"): (_cancel, False),
    ("DELETE", "tasks", ":id"): (_drop_task, False),
    ("GET", "generations"): (_generations, False),
    ("GET", "generations", ":id", "audio"): (_audio, False),
    ("DELETE", "generations", ":id"): (_drop_generation, False),
    ("POST", "generations", ":id", "regenerate"): (_regenerate, False),
}
WORDS = {part for route in ROUTES for part in route[1:] if part != ":id"}
TIER_1 = {
    "/generate", "/clone/upload-url", "/clone/finalize", "/voices/design/preview", "/voices/design",
    "/billing/checkout", "/transcriptions",
}  # fmt: skip


def is_uuid(word: Any) -> bool:
    try:
        return str(uuid.UUID(word)) == word
    except (ValueError, AttributeError, TypeError):
        return False
