"""Appending: read the head, seal the entry that rests on it, create its file. Who comes second starts again."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from rollout_gates.ledger.chain import read_entry
from rollout_gates.ledger.entry import GENESIS, Entry, parsed_name, sealed
from rollout_gates.ledger.store import LedgerFailed, Store

_MOST_TRIES: Final = 60
_LONGEST_PAUSE_S: Final = 0.2


def append(store: Store, told: Mapping[str, Any]) -> Entry:
    """Append what was *told* of a run, and return the entry.

    Raises `LedgerFailed` where the file cannot be written, the head is damaged, or sixty others were faster.
    """
    for attempt in range(_MOST_TRIES):
        head = _head(store)
        name, content = sealed(told, head.sequence + 1 if head else 1, head.hash if head else GENESIS)
        entry = _valid(content)
        try:
            store.create(name, content)
        except FileExistsError:
            _give_way(attempt)
            continue
        return entry
    raise LedgerFailed(f"{store.place}: {_MOST_TRIES} tries to append failed, each time another run was faster")


def _valid(content: bytes) -> Entry:
    """Return the entry, which has to be one before it is written: it could never be taken back."""
    try:
        return Entry.model_validate_json(content)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise LedgerFailed(f"the run cannot be entered: {where}: {first['msg']}") from None


def _head(store: Store) -> Entry | None:
    """Return the last entry. What is damaged there must not be built upon."""
    places = sorted((found[0], name) for name in store.names() if (found := parsed_name(name)))
    if not places:
        return None
    last = [name for number, name in places if number == places[-1][0]]
    if len(last) > 1:
        raise LedgerFailed(f"{store.place}: {' and '.join(last)} claim the same place; see rollout-gates ledger")
    entry, problems = read_entry(store, last[0])
    if entry is None or problems:
        raise LedgerFailed(f"{store.place}: the last entry is damaged: {problems[0]}; see rollout-gates ledger")
    return entry


def _give_way(attempt: int) -> None:
    """Wait for a random moment, so that many runs that end together do not meet again and again."""
    threading.Event().wait(random.uniform(0, min(_LONGEST_PAUSE_S, 0.005 * 2**attempt)))  # noqa: S311 - no secret
