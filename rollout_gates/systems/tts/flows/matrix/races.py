"""What a race between a cancel and something else leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Race:
    """One cancel. *before* and *after* are what was left right after it and when all that was late had come in.

    *late* is the answer that was under way to the user when the cancel came, if there was one. *asked* is how often
    each provider was asked after the cancel, for the cancelled work alone.
    """

    at: str
    cancel: Reply
    before: Aftermath
    after: Aftermath
    late: Reply | None = None
    asked: Mapping[str, int] = field(default_factory=dict)

    @property
    def won(self) -> bool:
        """Whether the cancel was accepted."""
        return self.cancel.status == 200


@dataclass(frozen=True)
class Races:
    """Races of one kind, at least one; *plain* is a generate that nobody cancelled, where one was looked at beside."""

    races: tuple[Race, ...]
    plain: Aftermath | None = None
