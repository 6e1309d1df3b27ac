"""What is on file before the switch is thrown: the records of people, and the ledger of the gates that ran before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.ledger import LedgerFailed, open_store, read_ledger
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.names import KEY
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout_gates.conductor import Context
    from rollout_gates.ledger import Entry, Ledger
    from rollout_gates.records import Records


@dataclass(frozen=True)
class OnFile:
    """Records and ledger at one moment, *now*. *entries* are those that count here, oldest first.

    What ran against a sandbox counts for nothing but a sandbox. *place* is where the ledger lies.
    """

    records: Records
    place: str
    entries: tuple[Entry, ...]
    now: datetime
    lane: str

    def newest(self, gate: str, which: Callable[[Entry], bool] = lambda _entry: True) -> Entry | None:
        """Return the newest entry in which *gate* was judged, of those *which* is true for."""
        return next((entry for entry in reversed(self.entries) if gate in entry.gates and which(entry)), None)

    def is_older(self, entry: Entry, days: int) -> bool:
        """Whether *entry* is more than *days* old."""
        return self.now - entry.finished > timedelta(days=days)


def modes_of(entry: Entry, lane: str) -> frozenset[str]:
    """Return the provider modes that a run judged in *lane*."""
    cells = entry.cells.get(KEY) or ()
    if cells:
        return frozenset(mode for mode, _, where in (cell.partition("-") for cell in cells) if where == lane)
    facts = entry.facts.get(KEY, {})
    return frozenset({facts["mode"]} if facts.get("lane") == lane and "mode" in facts else ())


@flow("on_file")
async def on_file(context: Context) -> OnFile:
    """Read both. Raises `NotConfigured` without records, `CouldNotJudge` for a ledger that is not whole."""
    environment = context.environment
    if environment.records is None:
        raise NotConfigured("nothing is on record: write environments/records/NAME.toml, or name records_file")
    place = environment.records.ledger or environment.ledger
    ledger = await asyncio.to_thread(_read, place)
    counted = tuple(entry for entry in ledger.entries if environment.kind == "local" or entry.kind != "local")
    return OnFile(environment.records, ledger.place, counted, datetime.now(UTC), context.settings.lane)


def _read(place: str) -> Ledger:
    try:
        ledger = read_ledger(open_store(place))
    except LedgerFailed as problem:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the ledger cannot be read: {problem}") from None
    if not ledger.whole:
        said = f"the ledger {ledger.place} is not whole, so nothing in it counts: {ledger.problems[0]}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, said)
    return ledger
