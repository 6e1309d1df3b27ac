"""The database before and after its migration: a deployment's in two runs, the sandbox's in one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.evidence.files import write_whole
from rollout_gates.migrations.facts import differences
from rollout_gates.migrations.tables import snapshot_table
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.migration.database import dsn_of, within
from rollout_gates.systems.tts.flows.migration.trying import Write, old_writes
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.schema import PASSING, PLAN
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from rollout_gates.conductor import Context
    from rollout_gates.migrations.facts import Difference
    from rollout_gates.migrations.plans import Plan
    from rollout_gates.migrations.snapshot import Snapshot
    from rollout_gates.systems.tts.playground import Playground
    from rollout_gates.wire import Reply

_NAME = "migration-{phase}.json"
_ROWS = 20
_WAITING = "the state before is kept; migrate, then run the gate again with --phase=after"


@dataclass(frozen=True)
class Compared:
    """Both moments, and what of the catalogue differs.

    *writes* in the old shape were tried after the migration, where they may be. *lists* are voices as the old build
    listed them, before and after.
    """

    before: Snapshot
    after: Snapshot
    changed: tuple[Difference, ...]
    writes: tuple[Write, ...] | None = None
    lists: tuple[Reply, Reply] | None = None


@flow("migration_compared")
async def migration_compared(context: Context) -> Compared:
    """Compare. Raises `NotConfigured` without a phase, `CouldNotJudge` in phase `before`, which only takes down."""
    if context.sandbox_url is not None and context.migration.phase is None:
        return await _played(context)
    dsn = dsn_of(context.settings)
    phase, kept = context.migration.phase, context.migration.snapshot
    if phase is None:
        raise NotConfigured("the state before is not known: run with --phase=before, migrate, then with --phase=after")
    if phase == "before":
        await _keep(context, await within(dsn, lambda connection: _take(connection, PLAN)), kept)
        raise CouldNotJudge(Reason.TOO_EARLY, _WAITING)
    before = await asyncio.to_thread(_kept, kept)
    after = await within(dsn, lambda connection: _take(connection, PLAN.after(before.columns(), before.taken)))
    _same_database(before, after)
    _put(context, "before", before)
    _put(context, "after", after)
    writes = await _tried(context, dsn)
    return _told(context, Compared(before, after, differences(before.facts, after.facts), writes))


def _take(connection: psycopg.Connection[Any], plan: Plan) -> Snapshot:
    from rollout_gates.migrations.snapshot import TooManyGroups, take  # noqa: PLC0415 - the driver is slow to import

    try:
        return take(connection, plan)
    except TooManyGroups as problem:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, str(problem)) from None


async def _keep(context: Context, snapshot: Snapshot, path: Path) -> None:
    """Write the state before down, for the run that comes after the migration, and into this run's evidence."""

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, _file(snapshot))

    await asyncio.to_thread(write)
    _put(context, "before", snapshot)
    context.note(f"the state before the migration is kept in {path}")


def _put(context: Context, phase: str, snapshot: Snapshot) -> None:
    if context.folder is not None:
        told = context.wire.recorder.redactor.redact(_file(snapshot).decode())
        write_whole(context.folder / _NAME.format(phase=phase), told)


def _file(snapshot: Snapshot) -> bytes:
    return (json.dumps(snapshot.told(), indent=1) + "\n").encode()


def _kept(path: Path) -> Snapshot:
    from rollout_gates.migrations.snapshot import Snapshot  # noqa: PLC0415

    try:
        return Snapshot.of(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{path} is no state that --phase=before kept") from None


def _same_database(before: Snapshot, after: Snapshot) -> None:
    if before.database != after.database:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "the state before was taken of another database")


async def _tried(context: Context, dsn: str) -> tuple[Write, ...] | None:
    """Try writes in the old shape as one of the users, outside of production; ``None`` where there is nobody."""
    if context.environment.kind == "prod":
        return None
    user = await within(dsn, _some_user)
    if user is None:
        return None
    return await within(dsn, lambda connection: old_writes(connection, user), read_only=False)


def _some_user(connection: psycopg.Connection[Any]) -> str | None:
    row = connection.execute("select id::text from public.profiles order by created_at limit 1").fetchone()
    return str(row[0]) if row is not None else None


def _told(context: Context, compared: Compared) -> Compared:
    note = f"{compared.before.taken} and {compared.after.taken}, server {compared.after.server}; rows from before only"
    table = snapshot_table(
        compared.before, compared.after, title="Database before and after", note=note, passing=PASSING
    )
    context.compare(table)
    return compared


async def _played(context: Context) -> Compared:
    """Migrate a database of the sandbox under the build before the adapter, with rows in it."""
    async with playground(context, build="old", variables={"TTS_PROVIDER_MODE": "modal"}) as ground:
        user = await ground.session.user_a()
        await ground.control.call("POST", "build", {"build": "old"})
        dsn = dsn_of(ground.settings)
        await within(dsn, _seed, read_only=False)
        await _mine(ground, dsn, user.user_id)
        earlier = await user.client.voices()
        before = await within(dsn, lambda connection: _take(connection, PLAN))
        await ground.control.call("POST", "migrate")
        after = await within(dsn, lambda connection: _take(connection, PLAN.after(before.columns(), before.taken)))
        later = await user.client.voices()
        writes = await within(dsn, lambda connection: old_writes(connection, user.user_id), read_only=False)
        compared = Compared(before, after, differences(before.facts, after.facts), writes, (earlier, later))
        return _told(context, compared)


def _seed(connection: psycopg.Connection[Any]) -> None:
    from rollout_gates.migrations.seeding import Seeder  # noqa: PLC0415

    with connection.transaction():
        Seeder(connection, PLAN.schemas).seed(_ROWS)


async def _mine(ground: Playground, dsn: str, user_id: str) -> None:
    """Give the user some of the rows; and let nobody add up ledgers that were made up."""

    def act(connection: psycopg.Connection[Any]) -> list[str]:
        connection.execute(
            "update public.voices set user_id = %s where id in (select id from public.voices order by id limit 3)",
            (user_id,),
        )
        return [str(row[0]) for row in connection.execute("select id from public.profiles").fetchall()]

    ground.database.set_by_hand.update(await within(dsn, act, read_only=False))
