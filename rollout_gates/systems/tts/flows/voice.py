"""The voice that the speaking flows use: the cloned one if it can speak, else the designed one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.settling import common_reason, ending, refuse_for_the_same_reason, told
from rollout_gates.systems.tts.replies import detail, value
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.clone import Clone
    from rollout_gates.systems.tts.flows.design import Design


@dataclass(frozen=True)
class Voice:
    """A voice of user A that should be able to speak, and which flow made it."""

    voice_id: str
    made_by: str


@flow("voice")
async def voice(context: Context) -> Voice:
    """Find a usable voice. Raises `CouldNotJudge` when neither clone nor design made one."""
    needs = ("provider_voice_id", "provider_target_model") if context.settings.is_qwen else ()
    clone: Clone | None
    design: Design | None
    clone, no_clone = await ending(context, "clone")
    if clone is not None and clone.voice_id and can_speak(clone.row, needs):
        return Voice(clone.voice_id, "clone")
    design, no_design = await ending(context, "design")
    if design is not None and design.voice_id and can_speak(design.row, needs):
        return Voice(design.voice_id, "design")
    problems = (no_clone, no_design)
    refuse_for_the_same_reason(problems)
    cloned, designed = f"{_cloned(clone, needs)}{told(no_clone)}", f"{_designed(design, needs)}{told(no_design)}"
    raise CouldNotJudge(
        common_reason(problems) or Reason.SOURCE_ABSENT, f"no voice to speak with: {cloned}; {designed}"
    )


def can_speak(row: Mapping[str, Any] | None, needs: tuple[str, ...]) -> bool:
    """Whether nothing speaks against the voice listed as *row*: a member that is not shown is no reason, a null is."""
    if row is None:
        return not needs
    return all(value(row, name) for name in needs if _shown(row, name))


def _shown(row: Mapping[str, Any], name: str) -> bool:
    return value(row, name) is not None or name in row


def _cloned(clone: Clone | None, needs: tuple[str, ...]) -> str:
    if clone is None:
        return "the clone could not be tried"
    for step, reply in (("upload-url", clone.upload_url), ("upload", clone.upload), ("finalize", clone.finalize)):
        if reply is not None and reply.status not in (200, 201):
            return f"clone {step} answered {reply.status} ({detail(reply) or 'no detail'})"
    return _unlisted("cloned", clone.voice_id, clone.row, needs)


def _designed(design: Design | None, needs: tuple[str, ...]) -> str:
    if design is None:
        return "the design could not be tried"
    if design.preview_task.status != 200:
        return f"design preview answered {design.preview_task.status} ({detail(design.preview_task) or 'no detail'})"
    if design.watch is not None and design.watch.status != "completed":
        return f"the design preview ended as {' > '.join(design.watch.statuses)}"
    if design.save is not None and design.save.status != 200:
        return f"design save answered {design.save.status} ({detail(design.save) or 'no detail'})"
    return _unlisted("designed", design.voice_id, design.row, needs)


def _unlisted(how: str, voice_id: str | None, row: Mapping[str, Any] | None, needs: tuple[str, ...]) -> str:
    if voice_id is None:
        return f"nothing was {how}"
    if row is None:
        return f"the {how} voice is not listed"
    missing = ", ".join(name for name in needs if _shown(row, name) and not value(row, name))
    return f"the {how} voice is listed without {missing}"
