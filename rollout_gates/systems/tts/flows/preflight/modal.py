"""Whether the way back works before it is needed: something is made by the modal provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.design import design
from rollout_gates.systems.tts.playground import playground
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.design import Design
    from rollout_gates.systems.tts.flows.speech import Speech
    from rollout_gates.systems.tts.settings import Settings


@dataclass(frozen=True)
class ModalWorks:
    """A preview and a speech in mode modal; in the sandbox of an instance of its own, and the preview alone."""

    design: Design
    speech: Speech | None


@flow("modal_works")
async def modal_works(context: Context) -> ModalWorks:
    """Have the modal provider design a voice, and speak. Raises `NotConfigured` for a deployment that runs qwen."""
    settings: Settings = context.settings
    if context.sandbox_url is not None:
        async with playground(context, mode="modal") as ground:
            return ModalWorks(await design.act(ground.context), None)
    if settings.is_qwen:
        raise NotConfigured(
            "the deployment is declared to run qwen: whether the modal secrets work is seen while it runs modal, "
            "before the switch, or by the restoration gate"
        )
    return ModalWorks(await context.observe("design"), await context.observe("speech"))
