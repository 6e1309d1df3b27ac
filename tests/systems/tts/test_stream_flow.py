"""The stream flow: what it asks for, what it keeps, and what it leaves to others."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aiohttp import web

from rollout_gates.reasons import Reason
from rollout_gates.wire import CouldNotJudge
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.wire.scene import asynchronous

GENERATION, TASK = "0b7c2a54-7d53-4c1e-9a55-0f4a1d6a7e11", "5f7e88b4-1f01-4871-b44a-814d0ae52581"


@dataclass
class Streaming(Elsewhere):
    """A deployment that streams: always the same bytes, or a refusal."""

    status: int = 200
    asked: dict | None = None

    async def api(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/generate/stream"):
            return await super().api(request)
        self.asked = await request.json()
        if self.status != 200:
            return web.json_response({"detail": "no"}, status=self.status)
        user = self.tokens[request.headers["Authorization"].removeprefix("Bearer ")]
        self.generations.append(
            {"id": GENERATION, "user": user, "text": self.asked["text"], "status": "completed", "created_at": "now"}
        )
        answer = web.StreamResponse(headers={"X-Utter-Generation-Id": GENERATION, "X-Utter-Task-Id": TASK})
        answer.content_type = "audio/mpeg"
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        await answer.write(b"one")
        await answer.write(b"two")
        await answer.write_eof()
        return answer


async def streamed(folder, there: Streaming, **options):
    async with served(there), acting(folder, settings_of(there.table(lane="realtime")), **options) as run:
        return await run.observe("stream"), run


@asynchronous
async def test_a_stream_is_heard_whole_and_found_in_the_history(tmp_path):
    there = Streaming()
    seen, run = await streamed(tmp_path, there)

    assert (seen.reply.body, seen.generation_id, seen.row["text"]) == (b"onetwo", GENERATION, seen.said)
    assert (there.asked["text"], there.asked["language"]) == (seen.said, "Auto")
    assert ("generation", GENERATION) in run.events.what("resource_made")
    assert ("task", TASK) in run.events.what("resource_made")


@asynchronous
async def test_a_stream_that_is_refused_is_kept_as_it_is(tmp_path):
    seen, run = await streamed(tmp_path, Streaming(status=404))

    assert (seen.reply.status, seen.generation_id, seen.listing, seen.row) == (404, None, None, None)
    assert [kind for kind, _ in run.events.what("resource_made")].count("generation") <= 2


@asynchronous
async def test_a_user_who_cannot_pay_is_no_finding(tmp_path):
    with pytest.raises(CouldNotJudge) as problem:
        await streamed(tmp_path, Streaming(status=402))

    assert problem.value.reason is Reason.OUT_OF_BUDGET


@asynchronous
async def test_a_stream_is_paid_from_the_budget(tmp_path):
    there = Streaming()
    with pytest.raises(CouldNotJudge) as problem:
        await streamed(tmp_path, there, billable_calls=1)

    assert (problem.value.reason, there.asked) == (Reason.OUT_OF_BUDGET, None)
