"""Calls to the job service: submit, status, result, cancel, and voice design."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from sandbox.tts.api.dashscope_client import timeout
from sandbox.tts.api.provider_errors import (
    SPEECH_FAILED,
    TIMEOUT,
    UNAVAILABLE,
    UNAVAILABLE_TEXT,
    UNKNOWN,
    ProviderFailed,
    category_of,
    missing_variable,
)

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api

MAX_NEW_TOKENS = 4096
# K-02
ENDLESS = frozenset({"submit", "status", "result"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
DESIGN_LIMIT_S = 180.0
POLL_LIMIT_S = 60.0
FIRST_PAUSE_S, PAUSE_GROWTH, LONGEST_PAUSE_S = 1.0, 1.5, 10.0


@dataclass(frozen=True)
class Reply:
    """An answer of the job service."""

    status: int
    body: bytes
    location: str | None = None


@dataclass(frozen=True)
class JobStatus:
    """What the service says about a job. *error* is its own text: for its log, not for users."""

    word: str
    result_ready: bool
    elapsed_s: float | None
    error: str | None


async def submit(api: Api, *, text: str, language: str, ref_audio_base64: str, ref_text: str) -> str:
    """Hand a job in and return its id. Raises ProviderFailed."""
    payload = {
        "text": text,
        "language": language,
        "ref_audio_base64": ref_audio_base64,
        "ref_text": ref_text,
        "max_new_tokens": MAX_NEW_TOKENS,
    }
    reply = await _call(api, "POST", _endpoint(api, "MODAL_JOB_SUBMIT"), "submit", payload=payload)
    job_id = _object(reply).get("job_id")
    if not isinstance(job_id, str) or not job_id:
        raise ProviderFailed(UNAVAILABLE, SPEECH_FAILED, raw="Modal submit failed: missing job_id", quotable=True)
    return job_id


async def status(api: Api, job_id: str) -> JobStatus:
    """Ask after a job. Raises ProviderFailed, also for an answer that cannot be read."""
    reply = await _call(api, "GET", _endpoint(api, "MODAL_JOB_STATUS"), "status", job_id=job_id)
    answer = _object(reply)
    word = answer.get("status")
    if not isinstance(word, str):
        raise ProviderFailed(UNAVAILABLE, UNAVAILABLE_TEXT, raw="Modal status failed: unexpected answer")
    elapsed_s, error = answer.get("elapsed_seconds"), answer.get("error")
    return JobStatus(
        word=word,
        result_ready=answer.get("result_ready") is True,
        elapsed_s=elapsed_s if isinstance(elapsed_s, int | float) and not isinstance(elapsed_s, bool) else None,
        error=error if isinstance(error, str) and error else None,
    )


async def result(api: Api, job_id: str) -> bytes:
    """The audio of a completed job, never empty. Raises ProviderFailed, also while the job still works (202)."""
    reply = await _call(api, "GET", _endpoint(api, "MODAL_JOB_RESULT"), "result", job_id=job_id)
    if reply.status == 202 or not reply.body:
        raise ProviderFailed(UNAVAILABLE, UNAVAILABLE_TEXT, raw="Modal result failed: not ready", status=reply.status)
    return reply.body


def result_url(api: Api, job_id: str) -> str:
    """Where the audio of a job is fetched from. Raises ProviderFailed."""
    return str(URL(_endpoint(api, "MODAL_JOB_RESULT")).update_query(job_id=job_id))


async def cancel(api: Api, job_id: str) -> None:
    """Ask for the end of a job, best effort: what the service answers does not matter."""
    url = api.deployment.variables.get("MODAL_JOB_CANCEL", "").strip()
    if url:
        try:
            await _call(api, "POST", url, "cancel", payload={"job_id": job_id})
        except ProviderFailed:
            return


async def design(api: Api, *, text: str, language: str, instruct: str) -> bytes:
    """The preview of a described voice, never empty. Raises ProviderFailed."""
    url = _endpoint(api, "MODAL_ENDPOINT_VOICE_DESIGN")
    payload = {"text": text, "language": language, "instruct": instruct}
    try:
        async with asyncio.timeout(min(DESIGN_LIMIT_S, 2 * (timeout(api).total or DESIGN_LIMIT_S))):
            reply = await _call(api, "POST", url, "design", payload=payload)
            if reply.status in REDIRECTS:
                reply = await _polled(api, URL(url).join(URL(reply.location or "", encoded=True)), URL(url))
    except TimeoutError as error:
        raise ProviderFailed(TIMEOUT, UNAVAILABLE_TEXT) from error
    if not reply.body or (reply.status != 200 and not api.fault("F-26")):
        raise ProviderFailed(UNAVAILABLE, UNAVAILABLE_TEXT, raw=f"Modal design failed ({reply.status})")
    return reply.body


async def _polled(api: Api, target: URL, endpoint: URL) -> Reply:
    """The answer behind a redirect, asked for until it is no 202 any more. F-26: any 2xx will do."""
    if (target.host, target.port) != (endpoint.host, endpoint.port):
        raise ProviderFailed(UNAVAILABLE, UNAVAILABLE_TEXT, raw="Modal design redirected to another host")
    pause_s = FIRST_PAUSE_S
    while True:
        reply = await _call(api, "GET", str(target), "design", limit_s=POLL_LIMIT_S)
        if reply.status != 202 or api.fault("F-26"):
            return reply
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * PAUSE_GROWTH, LONGEST_PAUSE_S)


def _endpoint(api: Api, variable: str) -> str:
    url = api.deployment.variables.get(variable, "").strip()
    if not url or api.fault("F-88"):
        raise ProviderFailed(UNAVAILABLE, UNAVAILABLE_TEXT, own_text=missing_variable(api, variable))
    return url


async def _call(
    api: Api,
    method: str,
    url: str,
    step: str,
    *,
    payload: dict[str, Any] | None = None,
    job_id: str | None = None,
    limit_s: float | None = None,
) -> Reply:
    """One request. Raises ProviderFailed for an error status, a timeout, and no connection. K-02: some have no end."""
    limit = aiohttp.ClientTimeout(total=None) if step in ENDLESS and api.fault("K-02") else timeout(api)
    if limit_s is not None:
        limit = aiohttp.ClientTimeout(total=min(limit_s, limit.total or limit_s))
    try:
        async with api.http.request(
            method,
            URL(url).update_query(job_id=job_id) if job_id is not None else URL(url),
            data=None if payload is None else json.dumps(payload).encode(),
            headers={} if payload is None else {"Content-Type": "application/json"},
            timeout=limit,
            allow_redirects=False,
        ) as reply:
            answer = Reply(reply.status, await reply.read(), reply.headers.get("Location"))
    except TimeoutError as error:
        raise ProviderFailed(TIMEOUT, UNAVAILABLE_TEXT) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error)) from error
    if 200 <= answer.status < 300 or (answer.status in REDIRECTS and step == "design"):
        return answer
    told = answer.body[:1200].decode("utf-8", "replace")[:300]
    raw = f"Modal {step} failed ({answer.status}): {told}"
    raise ProviderFailed(category_of(answer.status), UNAVAILABLE_TEXT, raw=raw, status=answer.status, quotable=True)


def _object(reply: Reply) -> dict[str, Any]:
    try:
        answer = json.loads(reply.body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
