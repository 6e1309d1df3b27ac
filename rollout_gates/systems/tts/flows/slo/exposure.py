"""Whether somebody gets at what is another's: the newest work of one user is asked for by another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.systems.tts.replies import json_object, rows, text

if TYPE_CHECKING:
    from rollout_gates.systems.tts.identities import Identity

_NEWEST = 3


@dataclass(frozen=True)
class Exposure:
    """How many things of others were asked for, and what was handed out, in words."""

    asked: int = 0
    found: tuple[str, ...] = ()

    def __add__(self, other: Exposure) -> Exposure:
        return Exposure(self.asked + other.asked, (*self.found, *other.found))


async def exposure(owner: Identity, other: Identity) -> Exposure:
    """Have *other* ask for the newest generations and tasks of *owner*, who is asked first: there must be some."""
    if owner.user_id == other.user_id:
        return Exposure()
    listing = await owner.client.generations(per_page=_NEWEST)
    mine = [name for row in rows(listing, "generations") if (name := text(row, "id"))]
    tasks = await _tasks(owner)
    found = []
    for name in mine:
        played = await other.client.generation_audio(name)
        if 200 <= played.status < 400:
            found.append(f"{other.name} was handed the audio of generation {name} of {owner.name} ({played.status})")
    for name in tasks:
        seen = await other.client.task(name)
        if seen.status == 200 and text(json_object(seen), "id") == name:
            found.append(f"{other.name} was shown task {name} of {owner.name}")
    theirs = {text(row, "id") for row in rows(await other.client.generations(per_page=100), "generations")}
    found += [f"{other.name} is listed generation {name} of {owner.name}" for name in mine if name in theirs]
    return Exposure(2 * len(mine) + len(tasks), tuple(found))


async def _tasks(owner: Identity) -> list[str]:
    query: dict[str, str | int] = {
        "select": "id",
        "user_id": f"eq.{owner.user_id}",
        "order": "created_at.desc",
        "limit": _NEWEST,
    }
    reply = await owner.client.rows("tasks", query)
    if reply.status not in (200, 206):
        return []
    listed = reply.json()
    found = listed if isinstance(listed, list) else []
    return [str(row["id"]) for row in found if isinstance(row, dict) and row.get("id")]
