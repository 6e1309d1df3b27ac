"""A stream whose times can tell whether it came as it was spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.bench import bench
from rollout_gates.systems.tts.flows.streaming.hearing import Hearing, Manner, hear
from rollout_gates.systems.tts.samples import spoken

if TYPE_CHECKING:
    from rollout_gates.conductor import Context

# Characters, and seconds between the provider's deltas: enough bytes over enough time for a pace to show.
_LENGTH = 140
_DELTA_S = 0.05


@flow("stream_spread")
async def stream_spread(context: Context) -> Hearing:
    """Listen to a provider that takes its time, in a playground; on a deployment to the stream of this run."""
    if context.sandbox_url is None:
        stream = await context.observe("stream")
        hearing: Hearing = stream.hearing
        return hearing
    async with bench(context) as place:
        await place.ground.providers.options("dashscope", realtime_delta_s=_DELTA_S)
        said = spoken(context.run_id, "Spread", _LENGTH)
        return await hear(
            place.ground.context, place.user, place.voice_id, said, Manner("a provider that takes its time")
        )
