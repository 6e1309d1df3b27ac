"""Reading a ledger: all entries in order, and what is wrong with the chain, one line a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import ValidationError

from rollout_gates.evidence.text import one_line
from rollout_gates.json_text import parse
from rollout_gates.ledger.entry import GENESIS, Entry, canonical, digest_of, parsed_name
from rollout_gates.ledger.store import Store


@dataclass(frozen=True)
class Ledger:
    """What was read: *entries* in the order of the chain, and one line of *problems* for each thing that is wrong."""

    place: str
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def head(self) -> Entry | None:
        """The last entry."""
        return self.entries[-1] if self.entries else None


def read_ledger(store: Store) -> Ledger:
    """Read every entry and check the chain. Raises `LedgerFailed` when the place cannot be read at all."""
    entries: list[Entry] = []
    problems: list[str] = []
    placed: dict[int, list[str]] = {}
    for name in store.names():
        place = parsed_name(name)
        if place is None:
            problems.append(f"{name}: is not the name of an entry")
            continue
        placed.setdefault(place[0], []).append(name)
        entry, found = read_entry(store, name)
        problems += found
        if entry is not None:
            entries.append(entry)
    entries.sort(key=lambda entry: (entry.sequence, entry.hash))
    problems += [*_gaps(sorted(placed)), *_twice(placed), *_links(entries), *_repeated(entries)]
    return Ledger(store.place, tuple(entries), tuple(problems))


def read_entry(store: Store, name: str) -> tuple[Entry | None, list[str]]:
    """Return the entry in the file *name*, if it is one, and what is wrong with it by itself."""
    content = store.read(name)
    try:
        body = parse(content)
        entry = Entry.model_validate(body)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        return None, [f"{name}: is no entry: {where}: {one_line(first['msg'], 100)}"]
    except ValueError as problem:
        return None, [f"{name}: is no entry: {one_line(problem, 100)}"]
    return entry, list(_by_itself(name, content, body, entry))


def _by_itself(name: str, content: bytes, body: dict[str, object], entry: Entry) -> Iterator[str]:
    actual = digest_of(body)
    if actual != entry.hash:
        yield f"{name}: was changed: its content has hash {_short(actual)}, it was sealed with {_short(entry.hash)}"
    elif canonical(body) != content:
        yield f"{name}: was changed: it is not in the form in which entries are written"
    if name != entry.name:
        yield f"{name}: was moved: its content belongs into {entry.name}"


def _gaps(numbers: Sequence[int]) -> Iterator[str]:
    for before, after in pairwise([0, *numbers]):
        if after - before == 2:
            yield f"entry {before + 1} is missing{_between(before, after)}"
        elif after - before > 2:
            yield f"entries {before + 1} to {after - 1} are missing{_between(before, after)}"


def _between(before: int, after: int) -> str:
    return f", between entries {before} and {after}" if before else f": the ledger begins with entry {after}"


def _twice(placed: dict[int, list[str]]) -> Iterator[str]:
    for number, names in placed.items():
        if len(names) > 1:
            taken = f"place {number} is taken {len(names)} times: {', '.join(names)}"
            yield f"{taken}; an entry was inserted, or the chain forked"


def _links(entries: Sequence[Entry]) -> Iterator[str]:
    if entries and entries[0].sequence == 1 and entries[0].previous != GENESIS:
        yield f"entry 1 rests on {_short(entries[0].previous)}: what came before it was removed, or it was moved"
    for before, after in pairwise(entries):
        if after.sequence == before.sequence + 1 and after.previous != before.hash:
            yield (
                f"entry {after.sequence} (run {after.run}) rests on {_short(after.previous)}, and entry "
                f"{before.sequence} (run {before.run}) is {_short(before.hash)}: one of them was changed or put there"
            )


def _repeated(entries: Iterable[Entry]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for entry in entries:
        if entry.run in seen:
            yield f"run {entry.run} stands in entries {seen[entry.run]} and {entry.sequence}"
        seen[entry.run] = entry.sequence


def _short(digest: str) -> str:
    return f"{digest[:12]}…"
