"""The order of a rollout, acted out: schema first, then code in mode modal, then the flip; each step has to serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.clone import clone
from rollout_gates.systems.tts.playground import playground

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.playground import Playground
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Step:
    """A step of the rollout, and what voice routes answered after it."""

    name: str
    answers: tuple[Reply, ...]


@flow("migration_order")
async def migration_order(context: Context) -> tuple[Step, ...]:
    """Act the order out in the sandbox. A deployment's is read from its records. Raises `NotConfigured` elsewhere."""
    async with playground(context, mode="modal", build="old") as ground:
        user = await ground.session.user_a()
        steps = [Step("old code on the old schema", (await user.client.voices(),))]
        await ground.control.call("POST", "migrate")
        steps.append(Step("old code on the new schema", (await user.client.voices(),)))
        await ground.control.call("POST", "build", {"build": "new"})
        steps.append(Step("new code in mode modal", await _voice_routes(ground)))
        await ground.set_variables(TTS_PROVIDER_MODE="qwen")
        steps.append(Step("new code in mode qwen", (await user.client.voices(),)))
    return tuple(steps)


async def _voice_routes(ground: Playground) -> tuple[Reply, ...]:
    """Return the answers to making a voice and to listing voices."""
    user = await ground.session.user_a()
    made = await clone.act(ground.context)
    return tuple(reply for reply in (made.finalize, await user.client.voices()) if reply is not None)
