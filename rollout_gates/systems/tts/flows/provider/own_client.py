"""What the deployment itself says to its provider, as the provider's log shows it: in the sandbox alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, prepare
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.playground import playground
from rollout_gates.wire import CouldNotJudge, Poller, Reply

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.playground import Playground

_TEXT = "The first sentence ends here. The second one has no end"
_PATIENCE_S = 6.0
_POLLER = Poller(first_s=0.02, factor=1.4, longest_s=0.2)


@dataclass(frozen=True)
class OwnSession:
    """The provider's log of one realtime session of the deployment. *over*: it was seen to its end in time."""

    entry: Mapping[str, Any]
    over: bool

    @property
    def upgraded(self) -> bool:
        """Whether the handshake was let through."""
        return self.entry.get("status") == 101

    @property
    def said(self) -> tuple[str, ...]:
        """The types of what the deployment said, in order."""
        events = self.entry.get("events")
        return tuple(str(event.get("type")) for event in events) if isinstance(events, list) else ()

    @property
    def violations(self) -> tuple[str, ...]:
        """What the provider found wrong with what was said."""
        return tuple(map(str, self.entry.get("violations") or ()))

    @property
    def finished(self) -> bool:
        """Whether the provider came to say that the session is finished."""
        sent = self.entry.get("sent")
        return isinstance(sent, Mapping) and bool(sent.get("session.finished"))


@dataclass(frozen=True)
class OwnCreate:
    """A finalize of a clone whose create the provider answered 503, and how often it was asked to create."""

    answer: Reply
    creates: int


@flow("provider_own_session")
async def provider_own_session(context: Context) -> OwnSession:
    """Have the deployment stream a text of two sentences, in a playground, and read the provider's log of it."""
    async with playground(context, mode="qwen", lane="realtime") as ground:
        stage = Scene(ground.context, ground)
        user = await stage.user("own_session")
        voice_id = await own_voice(stage, user)
        await ground.providers.forget("dashscope")
        body = {"voice_id": voice_id, "text": _TEXT, "language": "English"}
        streaming = asyncio.ensure_future(user.client.raw("POST", "/generate/stream", json=body))
        try:
            return await _logged(ground)
        finally:
            streaming.cancel()
            with contextlib.suppress(asyncio.CancelledError, CouldNotJudge):
                await streaming


async def _logged(ground: Playground) -> OwnSession:
    async def look() -> Mapping[str, Any]:
        listed = (await ground.control.quietly("GET", "requests?provider=dashscope"))["requests"]
        return next((entry for entry in listed if entry["call"] == "realtime"), {})

    polled = await _POLLER.until(look, _is_over, deadline_s=_PATIENCE_S)
    if not polled.last:
        raise CouldNotJudge(
            Reason.SOURCE_ABSENT, "the deployment opened no realtime session, so there is none to judge"
        )
    return OwnSession(polled.last, polled.ended)


def _is_over(entry: Mapping[str, Any]) -> bool:
    return bool(entry) and (bool(entry.get("closed")) or entry.get("status") not in (None, 101))


@flow("provider_own_create")
async def provider_own_create(context: Context) -> OwnCreate:
    """Let the provider fail one create, in a playground, and count how often it was asked."""
    async with playground(context, mode="qwen") as ground:
        stage = Scene(ground.context, ground)
        user = await stage.user("own_create")
        prepared = await prepare(stage, user, "of a create that fails")
        await ground.providers.script("dashscope", "clone_create", status=503, body={"json": {"code": "InternalError"}})
        answer = await finalize(stage, user, prepared)
        return OwnCreate(answer, len(await ground.providers.requests("dashscope", "clone_create")))
