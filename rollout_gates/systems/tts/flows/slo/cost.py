"""What voices cost: clones and designs with everything that may be sent twice, beside what was charged for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, prepare
from rollout_gates.systems.tts.flows.matrix.designing import keep, preview, sample_of, wishes
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.slo.spending import Spending, books, creates
from rollout_gates.systems.tts.playground import playground

if TYPE_CHECKING:
    from rollout_gates.conductor import Context


@dataclass(frozen=True)
class Cost:
    """One row a kind of voice."""

    spending: tuple[Spending, ...]


@flow("slo_cost", last=True)
async def slo_cost(context: Context) -> Cost:
    """Make a clone and a design, send each of their last steps again, and compare. Only in a playground."""
    async with playground(context) as ground:
        await ground.providers.options("dashscope", clone_s=0, design_s=0)
        stage = Scene(ground.context, ground)
        user = await ground.session.user_a()
        await ground.database.update("profiles", {"credits_remaining": RICH}, id=user.user_id)
        prepared = await prepare(stage, user, "cost")
        for _ in range(3):
            await finalize(stage, user, prepared)
        said = wishes(stage, "cost")
        seen = await preview(stage, user, said)
        sample = await sample_of(user, seen)
        for _ in range(2 if seen.status == "completed" else 0):
            await keep(stage, user, said, seen.task_id, sample)
        return Cost(creates(await books(ground)))
