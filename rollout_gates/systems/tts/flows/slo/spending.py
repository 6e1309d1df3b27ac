"""What the provider was asked for beside what users were charged for it. Only where its log can be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.systems.tts.samples import utf16_units

if TYPE_CHECKING:
    from rollout_gates.systems.tts.playground import Playground

Entry = Mapping[str, Any]
_SPOKEN = {"synthesis", "submit", "realtime"}
_CREATES = {"clone": {"clone_create"}, "design_preview": {"design_create", "design"}}


@dataclass(frozen=True)
class Spending:
    """One kind of work: what the provider was asked for (*spent*) and what was charged, in *unit*."""

    what: str
    unit: str
    spent: int
    charged: int

    @property
    def covered(self) -> bool:
        """Whether nothing was spent that nobody was charged for."""
        return self.spent <= self.charged

    def __str__(self) -> str:
        return f"{self.what}: {self.spent} {self.unit} at the provider, {self.charged} charged"


@dataclass(frozen=True)
class Books:
    """The provider's log and our charges as they stood at one moment."""

    requests: tuple[Entry, ...]
    ledger: tuple[Entry, ...]
    trials: tuple[Entry, ...]


async def books(ground: Playground) -> Books:
    """Read both sides, the charges first: what is charged while we read is not held against anybody."""
    requests = [entry for provider in ("dashscope", "modal") for entry in await ground.providers.requests(provider)]
    ledger = await ground.database.rows("credit_ledger", event_kind="debit")
    trials = await ground.database.rows("trial_consumption")
    return Books(tuple(requests), tuple(ledger), tuple(trials))


def characters(now: Books, before: Books | None = None) -> Spending:
    """Return the characters that were spoken and charged for, since *before*."""
    spent = sum(_characters(entry) for entry in now.requests if entry.get("call") in _SPOKEN)
    charged = sum(int(row["amount"]) for row in now.ledger if row.get("operation") == "generate")
    earlier = characters(before) if before is not None else None
    base = (earlier.spent, earlier.charged) if earlier is not None else (0, 0)
    return Spending("generate", "characters", spent - base[0], charged - base[1])


def creates(found: Books) -> tuple[Spending, ...]:
    """Return the voices that were made at the provider, and how many of them were charged for. Failed ones are free."""
    kinds = []
    for operation, calls in _CREATES.items():
        made = [entry for entry in found.requests if entry.get("call") in calls and _billed(entry)]
        charged = [row for row in (*found.ledger, *found.trials) if row.get("operation") == operation]
        kinds.append(Spending(operation, "creates", len(made), len(charged)))
    return tuple(kinds)


def _billed(entry: Entry) -> bool:
    return entry.get("method") == "POST" and entry.get("status") == 200


def _characters(entry: Entry) -> int:
    """Return how many characters a call asked for; one that was refused is not billed."""
    if entry.get("call") == "realtime":
        return sum(utf16_units(text) for text in _appended(entry.get("events") or ()))
    body = entry.get("body")
    if not isinstance(body, Mapping) or entry.get("status") not in (None, 200):
        return 0
    given = body.get("input") if isinstance(body.get("input"), Mapping) else body
    return utf16_units(str(given.get("text") or "")) if isinstance(given, Mapping) else 0


def _appended(events: Iterable[Any]) -> Iterable[str]:
    for event in events:
        if isinstance(event, Mapping) and event.get("type") == "input_text_buffer.append":
            yield str(event.get("text") or "")
