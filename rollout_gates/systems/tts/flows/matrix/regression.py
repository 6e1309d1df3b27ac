"""[M] The old provider's flows, all of them, as they go once the adapter is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, prepare
from rollout_gates.systems.tts.flows.matrix.designing import preview, wishes
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.flows.settling import settled
from rollout_gates.systems.tts.flows.speaking import start
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import Watch, watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.cancel import Cancel
    from rollout_gates.systems.tts.flows.clone import Clone
    from rollout_gates.systems.tts.flows.design import Design
    from rollout_gates.systems.tts.flows.speech import Speech
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Regression:
    """The answers of each flow, and the calls to providers of one more round of them, where those can be seen."""

    clone: Reply | None
    preview: Watch | None
    speech: Watch | None
    cancel: Reply | None
    calls: tuple[str, ...] | None


@flow("regression")
async def regression(context: Context) -> Regression:
    """Gather what the flows of the smoke gate did, and look at the providers' logs. Raises `CouldNotJudge`."""
    clone: Clone | None = await settled(context, "clone")
    design: Design | None = await settled(context, "design")
    speech: Speech | None = await settled(context, "speech")
    cancel: Cancel | None = await settled(context, "cancel")
    if clone is None or design is None or speech is None or cancel is None:
        flows = {"clone": clone, "design": design, "speech": speech, "cancel": cancel}
        missing = ", ".join(name for name, seen in flows.items() if seen is None)
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the flows of modal are judged together, without: {missing}")
    return Regression(clone.finalize, design.watch, speech.watch, cancel.cancel, await _calls(context))


async def _calls(context: Context) -> tuple[str, ...] | None:
    """Return the calls to providers of a clone, a preview and a generate; ``None`` where nobody can see them."""
    if context.sandbox_url is None:
        return None
    async with scene(context) as stage:
        user = await stage.user("regression")
        prepared = await prepare(stage, user, "regression")
        await finalize(stage, user, prepared)
        await preview(stage, user, wishes(stage, "regression"))
        started = await start(stage.context, user, prepared.voice_id, spoken(context.run_id, "Regression"))
        if started.task_id is not None:
            await watch(user.client, started.task_id, patience_s=context.settings.latency_budget_s)
        return await stage.calls()
