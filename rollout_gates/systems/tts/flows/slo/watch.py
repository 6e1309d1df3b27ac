"""The watch: of a deployment as it runs, or in the sandbox of an instance of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.slo import sequential
from rollout_gates.systems.tts.flows.slo.deployment import of_a_deployment
from rollout_gates.systems.tts.flows.slo.own_traffic import of_own_traffic
from rollout_gates.systems.tts.playground import playground

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.slo.watched import Watched


@flow("slo_watch", last=True)
async def slo_watch(context: Context) -> Watched:
    """Watch, and write down what was seen even where it is cut short."""
    await asyncio.to_thread(sequential.load)
    if context.sandbox_url is None:
        return await of_a_deployment(context)
    async with playground(context) as ground:
        return await of_own_traffic(context, ground)
