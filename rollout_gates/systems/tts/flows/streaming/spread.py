"""A stream whose times can tell whether it came as it was spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.bench import bench
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.matrix.treasury import Treasury
from rollout_gates.systems.tts.flows.streaming.hearing import Hearing, Manner, hear
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.samples import spoken

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.stream import Stream
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.session import Session

# Characters, and seconds between the provider's deltas: enough bytes over enough time for a pace to show.
_LENGTH = 140
_DELTA_S = 0.05
# So quick a provider that the pace of the first text did not show may need a longer one.
_LONGER = 280


@flow("stream_spread")
async def stream_spread(context: Context) -> Hearing:
    """Listen to a provider that takes its time, in a playground; on a deployment to the stream of this run.

    Where that was too short to tell, and credits can be granted, a longer text is heard. Raises `OutOfBudget`.
    """
    if context.sandbox_url is None:
        return await _on_a_deployment(context)
    async with bench(context) as place:
        await place.ground.providers.options("dashscope", realtime_delta_s=_DELTA_S)
        said = spoken(context.run_id, "Spread", _LENGTH)
        return await hear(
            place.ground.context, place.user, place.voice_id, said, Manner("a provider that takes its time")
        )


async def _on_a_deployment(context: Context) -> Hearing:
    session: Session = context.session
    stream: Stream = await context.observe("stream")
    heard: Hearing = stream.hearing
    if heard.reply.status != 200 or heard.judgement.findings or not heard.judgement.undecided:
        return heard
    if context.environment.kind == "prod" or session.settings.secret("service_role_key") is None:
        return heard
    voice: Voice = await context.observe("voice")
    length = min(_LONGER, session.settings.cap)
    user = await session.user_a()
    async with user.busy:
        await Treasury(Scene(context)).grant(user, length)
        await context.budget.spend("generate", KEY)
        said = spoken(context.run_id, "Spread", length)
        longer = await hear(context, user, voice.voice_id, said, Manner("a longer text, heard to its end"))
    return longer if longer.reply.status == 200 else heard
