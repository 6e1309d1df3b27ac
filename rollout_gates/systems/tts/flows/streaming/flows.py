"""The flows of the streaming gate, all of them."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.streaming.absent import stream_absent
from rollout_gates.systems.tts.flows.streaming.cap import stream_cap
from rollout_gates.systems.tts.flows.streaming.doors import stream_doors, stream_foreign
from rollout_gates.systems.tts.flows.streaming.failing import stream_broken, stream_unstored, stream_unwritten
from rollout_gates.systems.tts.flows.streaming.fallback import stream_fallback
from rollout_gates.systems.tts.flows.streaming.held import stream_held
from rollout_gates.systems.tts.flows.streaming.kept import stream_kept
from rollout_gates.systems.tts.flows.streaming.leaving import stream_left
from rollout_gates.systems.tts.flows.streaming.limits import stream_burst
from rollout_gates.systems.tts.flows.streaming.refused import stream_refusals, stream_trouble
from rollout_gates.systems.tts.flows.streaming.spread import stream_spread

STREAMING = (
    stream_absent, stream_broken, stream_burst, stream_cap, stream_doors, stream_fallback, stream_foreign, stream_held,
    stream_kept, stream_left, stream_refusals, stream_spread, stream_trouble, stream_unstored, stream_unwritten,
)  # fmt: skip

# What is acted out in the sandbox alone, in playgrounds; the other flows act on the deployment that is judged.
IN_PLAYGROUNDS = frozenset(
    flow.name
    for flow in (stream_broken, stream_fallback, stream_held, stream_trouble, stream_unstored, stream_unwritten)
)
