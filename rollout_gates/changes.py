"""What a run changed of a target as a whole, such as the mode that it runs in, and has to put back.

Each change is three events: `change_planned` before anything is done, `change_running` with the id of the command
that does it, and `change_made` with what came of it. So whoever comes later, be it the end of the run, a second process
or a clean-up, can tell what is to be put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

Event = Mapping[str, Any]


class Append(Protocol):
    """Writes one event of the run."""

    def __call__(self, kind: str, /, **fields: Any) -> None: ...


@dataclass(frozen=True)
class Change:
    """The last change of *what* of *system*: it was to become *to*, and has to be *home* when the run ends.

    *remedy* is the line that puts it back. *pid* is that of the command, once it runs. *ended* tells whether it came to
    an end, and *problem* what went wrong with it.
    """

    system: str
    what: str
    to: str
    home: str
    remedy: str
    pid: int | None = None
    ended: bool = False
    problem: str = ""

    @property
    def is_restored(self) -> bool:
        """Whether all is as it was."""
        return self.to == self.home and self.ended and not self.problem

    @property
    def was_tried(self) -> bool:
        """Whether it was tried to put it back, to the end."""
        return self.to == self.home and self.ended

    def __str__(self) -> str:
        why = self.problem or "nobody put it back"
        return f"{self.system}: the {self.what} may no longer be {self.home!r}; put it back with: {self.remedy} ({why})"


class Changes:
    """Appends the events of the changes of one *system*; *cell* and *worker* say who makes them."""

    def __init__(self, append: Append, *, system: str, cell: str, worker: str) -> None:
        self._append = append
        self._told = {"system": system, "cell": cell, "worker": worker}

    def planned(self, what: str, to: str, home: str, remedy: str, *, command: str, why: str) -> None:
        """Write down that *what* is about to become *to*, by *command*, and *why*."""
        self._append(
            "change_planned", **self._told, what=what, to=to, home=home, remedy=remedy, command=command, why=why
        )

    def running(self, what: str, pid: int) -> None:
        """Write down the id of the command."""
        self._append("change_running", **self._told, what=what, pid=pid)

    def made(self, what: str, **told: Any) -> None:
        """Write down what came of it: *problem* is empty if it took effect."""
        self._append("change_made", **self._told, what=what, **told)


def latest(events: Iterable[Event]) -> list[Change]:
    """Return the last change of each thing that was changed."""
    found: dict[tuple[str, str], Change] = {}
    for event in events:
        kind = str(event.get("event", ""))
        if not kind.startswith("change_"):
            continue
        key = (str(event.get("system")), str(event.get("what")))
        if kind == "change_planned":
            to, home, remedy = (str(event.get(name) or "") for name in ("to", "home", "remedy"))
            found[key] = Change(*key, to, home, remedy)
        elif key in found and kind == "change_running":
            found[key] = replace(found[key], pid=event.get("pid"))
        elif key in found:
            found[key] = replace(found[key], ended=True, problem=str(event.get("problem") or ""))
    return list(found.values())


def unrestored(events: Iterable[Event]) -> list[Change]:
    """Return what is still to be put back, or may be."""
    return [change for change in latest(events) if not change.is_restored]
