"""A user at what is theirs and yet not theirs to write: credits, tier, trials, what a provider gave, object keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rollout_gates.conductor import flow
from rollout_gates.matrix import Cell, Outcome
from rollout_gates.systems.tts.doors import code_of, listed
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.flows.security.data.exposure import of_tampering
from rollout_gates.systems.tts.flows.security.data.parties import broke_in, gathered
from rollout_gates.systems.tts.flows.security.data.rows import DENIED, OF_A_CONSTRAINT
from rollout_gates.systems.tts.flows.security.data.tables import BY_NAME
from rollout_gates.systems.tts.replies import detail, json_object, value
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.flows.security.data.parties import Parties, Party
    from rollout_gates.wire import Reply

Row = Mapping[str, Any]
PATCH, INSERT, ROUTE = "data API: change", "data API: insert", "PATCH /api/profile"
NOTHING_USABLE: Final = "No valid fields to update."
_A_SUM: Final = 100_003
"""Credits that nothing else would give."""
_MONEY: Final = ("credits_remaining", "subscription_tier", "design_trials_remaining", "clone_trials_remaining")
_OF_PROVIDERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "voices": {
        "tts_provider": ("modal", "qwen"),
        "provider_voice_id": ("rollout-gate-1", "rollout-gate-2"),
        "provider_target_model": ("rollout-gate-1", "rollout-gate-2"),
        "provider_voice_kind": ("vc", "vd"),
        "reference_object_key": ("rollout-gate/1.wav", "rollout-gate/2.wav"),
    },
    "generations": {
        "tts_provider": ("modal", "qwen"),
        "provider_model": ("rollout-gate-1", "rollout-gate-2"),
        "audio_object_key": ("rollout-gate/1.wav", "rollout-gate/2.wav"),
    },
    "tasks": {
        "provider": ("modal", "qwen"),
        "provider_job_id": ("rollout-gate-1", "rollout-gate-2"),
        "provider_status": ("rollout-gate-1", "rollout-gate-2"),
        "cancellation_requested": (True, False),
    },
}
"""Two values for each column, so that one of them is always a change."""


@dataclass(frozen=True)
class Tamper:
    """One try to write *wanted* into *column*, and what it held before and after. *there*: the user has such a row."""

    way: str
    table: str
    column: str
    reply: Reply
    there: bool = True
    before: Any = None
    wanted: Any = None
    after: Any = None


@dataclass(frozen=True)
class Tampering:
    """All tries of one user. *effective* is the change by the profile route that the protected keys went along with."""

    tries: tuple[Tamper, ...]
    effective: Reply
    took_effect: bool


@flow("tampering")
async def tampering(context: Context) -> Tampering:
    """Try each column by each way, and look before and after. Raises `NotConfigured` in prod, or kinds of others."""
    if context.environment.kind == "prod":
        raise NotConfigured("nothing is written in prod: judge this in staging")
    async with scene(context) as stage:
        parties = await gathered(stage)
        owner = parties.owner
        async with owner.user.busy:
            tries = await _by_data_api(owner)
            by_route, effective, took_effect = await _by_route(stage, owner)
        tries += [*by_route, await _foreign_key(stage, parties)]
    seen = Tampering(tuple(tries), effective, took_effect)
    context.show(of_tampering(seen.tries, judged))
    return seen


def judged(tamper: Tamper) -> Cell:
    """Return what *tamper* says: a value that moved, a refusal, or a change that came to nothing."""
    status, code = tamper.reply.status, code_of(tamper.reply)
    told = " ".join(filter(None, (str(status), code)))
    if tamper.before != tamper.after:
        # Other things move credits as well. What was written is what was sent, and was not refused.
        written = tamper.after == tamper.wanted and 200 <= status < 300
        how = f"{tamper.column} was written" if written else f"{tamper.column} moved, but not to what was sent"
        return Cell(Outcome.LEAKED if written else Outcome.INCONCLUSIVE, f"{told}: {how}")
    if tamper.way != ROUTE and (code.startswith(OF_A_CONSTRAINT) or (tamper.way == INSERT and 200 <= status < 300)):
        return Cell(Outcome.LEAKED, f"{told}: it got as far as the table")
    if tamper.way != ROUTE and status in (401, 403) and code == DENIED:
        return Cell(Outcome.HELD, told)
    if not tamper.there:
        return Cell(Outcome.INCONCLUSIVE, f"{told}: the user has no row that could have been written")
    ignored = status == 200 or (status == 400 and detail(tamper.reply) == NOTHING_USABLE)
    if ignored if tamper.way == ROUTE else 200 <= status < 300:
        return Cell(Outcome.HELD, f"{told}: the value is the same as before")
    return Cell(Outcome.INCONCLUSIVE, f"neither written nor refused: {told}")


async def _by_data_api(owner: Party) -> list[Tamper]:
    """Change each column of an own row by itself, one after the other in a table: what one does shows in the next."""
    tables: dict[str, Mapping[str, Any]] = {"profiles": dict.fromkeys(_MONEY), **_OF_PROVIDERS}
    found = await asyncio.gather(*(_of_table(owner, name, columns) for name, columns in tables.items()))
    return [tamper for tampers in found for tamper in tampers]


async def _of_table(owner: Party, table: str, columns: Mapping[str, Any]) -> list[Tamper]:
    tries = []
    for column, values in columns.items():
        before = await _own(owner, table)
        there = before.get(column)
        wanted = _other(column, there) if values is None else next(one for one in values if one != there)
        reply = await owner.doors.table(
            "PATCH", table, body={column: wanted}, prefer="return=representation", id=f"eq.{_id(owner, table)}"
        )
        after = await _own(owner, table)
        tries.append(Tamper(PATCH, table, column, reply, bool(before), there, wanted, after.get(column)))
        if after.get(column) != there:
            await owner.doors.table("PATCH", table, body={column: there}, id=f"eq.{_id(owner, table)}")
    return tries


def _other(column: str, there: Any) -> Any:
    """Return a valid value that is not *there*."""
    if column == "subscription_tier":
        return "rollout-gate" if there != "rollout-gate" else "free"
    if column.endswith("trials_remaining"):
        return 1 if there != 1 else 2
    return there + _A_SUM if isinstance(there, int) else _A_SUM


def _id(owner: Party, table: str) -> str:
    return owner.id if table == "profiles" else str(owner.rows.get(table, {}).get("id", owner.id))


async def _own(owner: Party, table: str) -> Row:
    rows = listed(await owner.doors.table("GET", table, select="*", id=f"eq.{_id(owner, table)}"))
    return rows[0] if rows else {}


async def _by_route(stage: Scene, owner: Party) -> tuple[list[Tamper], Reply, bool]:
    """Send protected keys along with a name that may be changed, and by themselves; put the name back.

    Returns the tries, the change that had to take effect, and whether it did.
    """
    client, before = owner.user.client, await _own(owner, "profiles")
    wanted = {column: _other(column, before.get(column)) for column in _MONEY}
    name = f"rollout gate {tag(stage.context.run_id)}"
    along = await client.update_profile(display_name=name, **wanted)
    between = await _own(owner, "profiles")
    alone = await client.update_profile(**wanted)
    after = await _own(owner, "profiles")
    await client.update_profile(display_name=before.get("display_name"))
    tries = [
        Tamper(ROUTE, "profiles", column, reply, bool(before), before.get(column), wanted[column], then.get(column))
        for reply, then in ((along, between), (alone, after))
        for column in _MONEY
    ]
    profile = value(json_object(along), "profile")
    shown = profile.get("display_name") if isinstance(profile, dict) else None
    return tries, along, name in (shown, between.get("display_name"))


async def _foreign_key(stage: Scene, parties: Parties) -> Tamper:
    """Insert an own voice whose clip is the other user's."""
    owner, table = parties.owner, BY_NAME["voices"]
    row = table.row(owner.id, tag(stage.context.run_id))
    row["reference_object_key"] = f"{parties.other.id}/rollout-gate/reference.wav"
    reply = await owner.doors.table("POST", "voices", body=row, prefer="return=minimal")
    if 200 <= reply.status < 300:
        broke_in(stage, table, row, owner.user.owner)
    return Tamper(INSERT, "voices", "reference_object_key", reply)
