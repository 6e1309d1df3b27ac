"""The answers whose form is frozen, collected from the flows that got them anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.settling import ending, refuse_for_the_same_reason
from rollout_gates.systems.tts.replies import TERMINAL, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.watching import Watch
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Answers:
    """Accepted generates, tasks seen at work, tasks seen ended, and pages of voices; each may be empty."""

    generates: tuple[Reply, ...]
    active: tuple[Reply, ...]
    ended: tuple[Reply, ...]
    voice_pages: tuple[Reply, ...]


@flow("answers")
async def answers(context: Context) -> Answers:
    """Wait for the flows and collect."""
    endings = {name: await ending(context, name) for name in ("clone", "design", "speech", "cancel")}
    refuse_for_the_same_reason([problem for _, problem in endings.values()])
    clone, design, speech, cancel = (seen for seen, _ in endings.values())
    starts = [seen.started.reply for seen in (speech, cancel) if seen is not None]
    watches = [seen.watch for seen in (design, speech) if seen is not None and seen.watch is not None]
    stopped = cancel.task if cancel is not None else None
    return Answers(
        generates=tuple(reply for reply in starts if reply.status == 200),
        active=tuple(sample for watch in watches for sample in watch.active),
        ended=(*_ended(watches), *([stopped] if stopped is not None and status_of(stopped) in TERMINAL else [])),
        voice_pages=tuple(seen.listing for seen in (clone, design) if seen is not None and seen.listing is not None),
    )


def _ended(watches: list[Watch]) -> Iterator[Reply]:
    for watch in watches:
        if watch.terminal is not None:
            yield watch.terminal
