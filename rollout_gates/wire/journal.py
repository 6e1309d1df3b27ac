"""What a run makes is written down before it is made, so that somebody can remove it after a crash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollout_gates.wire.budget import Append


@dataclass(frozen=True)
class Resource:
    """One thing in the target.

    `planned_id` is how it can be found before its real id is known, for example a name under the run's prefix;
    `id` is the real id once made, before that the same as `planned_id`. `made` says which of the two holds.
    `owner` is the name of the identity that owns it, `how` says in words how it came to be.
    """

    system: str
    kind: str
    id: str
    owner: str
    how: str = ""
    planned_id: str = ""
    made: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one planned thing from another."""
        return (self.system, self.kind, self.planned_id or self.id)

    def __str__(self) -> str:
        return f"{self.system} {self.kind} {self.id} of {self.owner}"


class Journal:
    """Appends `resource_planned`, `resource_made`, `resource_removed` and `resource_left` events."""

    def __init__(self, append: Append) -> None:
        self._append = append

    def planned(self, system: str, kind: str, id: str, owner: str, how: str = "") -> Resource:  # noqa: A002 - field name
        """Write down that a thing is about to be made; *id* is what it can be found by."""
        resource = Resource(system, kind, id, owner, how, planned_id=id)
        self._write("resource_planned", resource)
        return resource

    def made(self, resource: Resource, id: str | None = None) -> Resource:  # noqa: A002 - field name
        """Write down that it is there now, under its real *id* if that differs."""
        done = replace(resource, id=id or resource.id, made=True)
        self._write("resource_made", done)
        return done

    def removed(self, resource: Resource, how: str = "") -> None:
        """Write down that it is gone (or never came to be); *how* says in words by what."""
        self._write("resource_removed", replace(resource, how=how or resource.how))

    def left(self, resource: Resource, why: str) -> None:
        """Write down that it could not be removed; it stays outstanding."""
        self._write("resource_left", replace(resource, how=why))

    def _write(self, kind: str, resource: Resource) -> None:
        self._append(
            kind,
            system=resource.system,
            kind=resource.kind,
            id=resource.id,
            planned_id=resource.planned_id,
            owner=resource.owner,
            how=resource.how,
        )


def outstanding(events: Iterable[Mapping[str, Any]]) -> list[Resource]:
    """Return what the events say is still there, or may be: newest first, as things are best removed."""
    there: dict[tuple[str, str, str], Resource] = {}
    for event in events:
        word = str(event.get("event", ""))
        if not word.startswith("resource_"):
            continue
        resource = _read(event, made=word == "resource_made")
        if word == "resource_removed":
            there.pop(resource.key, None)
        elif word in {"resource_planned", "resource_made"}:
            there.pop(resource.key, None)
            there[resource.key] = resource
    return list(reversed(there.values()))


def _read(event: Mapping[str, Any], *, made: bool) -> Resource:
    text = {name: str(event.get(name) or "") for name in ("system", "kind", "id", "owner", "how", "planned_id")}
    return Resource(**text, made=made)
