"""All that a user has, read by themselves past the API: what a call that was denied may not have changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows
from rollout_gates.systems.tts.flows.security.owned import GENERATIONS, REFERENCES
from rollout_gates.wire import BadAnswer, CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Collection

    from rollout_gates.systems.tts.identities import Identity

Row = Mapping[str, Any]
Holdings = Mapping[str, Mapping[str, str]]
"""What there is, by kind and id, each as a text that differs when it does."""
_TABLES = ("voices", "generations", "tasks", "credit_ledger")


@dataclass(frozen=True)
class Eye:
    """Looks at what *user* has.

    *alone*: nobody else acts as that user meanwhile, so all of it is looked at. Otherwise only what has one of *words*
    in it, or the id of something that has.
    """

    user: Identity
    words: tuple[str, ...]
    alone: bool

    async def look(self) -> Holdings:
        """Return what there is now. Raises `CouldNotJudge` where that cannot be read."""
        *tables, profile = await asyncio.gather(
            *(own_rows(self.user, table, limit="1000") for table in _TABLES), own_rows(self.user, "profiles")
        )
        seen = {table: _by_id(rows) for table, rows in zip(_TABLES, tables, strict=True)}
        if not self.alone:
            return {**_about(seen, self.words), "profile": _by_id(self._named(profile))}
        keys = await asyncio.gather(*(_objects(self.user, bucket) for bucket in (REFERENCES, GENERATIONS)))
        return {**seen, "profile": _by_id(profile), "objects": {key: "" for found in keys for key in found}}

    def _named(self, profile: tuple[Row, ...]) -> list[Row]:
        """Return the profile, as far as these words stand in it: others may count its credits and change its name."""
        return [{"id": row.get("id"), "named": self._holds(json.dumps(row, default=str))} for row in profile]

    def _holds(self, text: str) -> bool:
        return any(word in text for word in self.words)


def _by_id(rows: Collection[Row]) -> dict[str, str]:
    return {str(row.get("id")): json.dumps(dict(row), sort_keys=True, default=str) for row in rows}


def _about(seen: Mapping[str, Mapping[str, str]], words: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return what holds one of *words*; the ledger names things by their ids, so it is looked at last."""
    known, found = list(words), {}
    for table in _TABLES:
        found[table] = {key: text for key, text in seen[table].items() if any(word in text for word in known)}
        known += found[table]
    return found


async def _objects(user: Identity, bucket: str) -> list[str]:
    """Return what lies in the user's folder of *bucket*, folders among it."""
    reply = await user.client.stored_list(bucket, user.user_id)
    try:
        listed = reply.json() if reply.status == 200 else None
    except BadAnswer:
        listed = None
    if not isinstance(listed, list):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"objects could not be listed: storage answered {reply.status}")
    return [f"{bucket}/{entry.get('name')}" for entry in listed if isinstance(entry, dict)]
