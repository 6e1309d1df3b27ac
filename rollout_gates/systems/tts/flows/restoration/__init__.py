"""The rehearsal of a restoration: over to qwen, use it, back to modal, and what is there then."""

from rollout_gates.systems.tts.flows.restoration.legacy import legacy
from rollout_gates.systems.tts.flows.restoration.rehearsal import restored
from rollout_gates.systems.tts.flows.restoration.rollback import rolled_back

RESTORATION = (legacy, restored, rolled_back)

# What is acted out in the sandbox alone, where another check judges the same clause on a deployment.
IN_PLAYGROUNDS = frozenset({legacy.name})
