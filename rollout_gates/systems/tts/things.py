"""What the flows make in the target: written down before it is made, removed at the end, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.systems.tts.names import KEY

if TYPE_CHECKING:
    from rollout_gates.wire import Journal, Resource


class Things:
    """Keeps the run's journal, and knows what of it is still there."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._there: dict[tuple[str, str, str], Resource] = {}

    def planned(self, kind: str, id: str, owner: str, how: str = "") -> Resource:  # noqa: A002 - the journal's word
        """Write down that a thing of *kind* is about to be made; *id* is what it can be found by."""
        resource = self._journal.planned(KEY, kind, id, owner, how)
        self._there[resource.key] = resource
        return resource

    def made(self, resource: Resource, id: str | None = None) -> Resource:  # noqa: A002 - the journal's word
        """Write down that it is there, under its real *id*."""
        done = self._journal.made(resource, id)
        self._there[done.key] = done
        return done

    def gone(self, resource: Resource, how: str) -> None:
        """Write down that it was removed, or never came to be."""
        self._there.pop(resource.key, None)
        self._journal.removed(resource, how)

    def left(self, resource: Resource, why: str) -> None:
        """Write down that it stays behind, and why."""
        self._there.pop(resource.key, None)
        self._journal.left(resource, why)

    def remaining(self) -> tuple[Resource, ...]:
        """Return what is still there, newest first."""
        return tuple(reversed(self._there.values()))
