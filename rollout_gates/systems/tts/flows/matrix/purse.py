"""What a user has to spend: credits and trials, and the entries of their ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.replies import json_object, value
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.playground import Playground

RICH = 20_000
"""Credits that pay for any one scenario."""


@dataclass(frozen=True)
class Purse:
    """Credits, and trials that are left."""

    balance: int
    clone_trials: int
    design_trials: int

    def __str__(self) -> str:
        return f"{self.balance} credits, {self.clone_trials} clone trials, {self.design_trials} design trials"


async def purse(client: Client) -> Purse:
    """Return what the caller of *client* has. Raises `CouldNotJudge` where that cannot be read."""
    answer = json_object(await client.credits_usage())
    trials = value(answer, "trials")
    left: Mapping[str, Any] = trials if isinstance(trials, dict) else {}
    found = (value(answer, "balance"), value(left, "clone_remaining"), value(left, "design_remaining"))
    if not all(isinstance(number, int) for number in found):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "credits and trials could not be read, so nothing can be compared")
    return Purse(*found)


async def only_credits(ground: Playground, user_id: str) -> None:
    """Take the user's trials away and give them credits, so that a return too many shows in the balance."""
    changes = {"clone_trials_remaining": 0, "design_trials_remaining": 0, "credits_remaining": RICH}
    await ground.database.update("profiles", changes, id=user_id)
