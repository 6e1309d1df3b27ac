"""How old the counters are that the rate limiter keeps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.burst import refused_call
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import CouldNotJudge, NotConfigured, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session

RETENTION = timedelta(days=7)
"""No window is that long, and no nightly clean-up takes so much time. A counter that is older is kept for ever."""
_LATER_S = RETENTION.total_seconds() + 86_400
_PATIENCE_S = 10.0
_POLLER = Poller(first_s=0.1, factor=1.5, longest_s=1.0)
_AGES = (
    "select now(), min(window_start + make_interval(secs => window_seconds)), count(*),"
    " (select min(created_at) from public.profiles) from public.rate_limit_counters"
)
_PLANT = (
    "insert into public.rate_limit_counters (actor_type, actor_key, tier, window_seconds, window_start, request_count)"
    " values ('ip', %s, 'tier3', 60, date_trunc('minute', now() - interval '30 days'), 1)"
)


@dataclass(frozen=True)
class Counters:
    """The counters at one moment. *oldest* is how long ago the oldest window ended, ``None`` where none has ended.

    *had* is how many there were when they could have grown old.
    """

    had: int
    count: int
    oldest: timedelta | None


@flow("old_counters")
async def old_counters(context: Context) -> Counters:
    """Let counters grow old in a playground and call again; elsewhere look at the table.

    Raises `CouldNotJudge` for a system so young that it cannot have old ones, where a planted one stays as well: it may
    be removed by night.
    """
    if context.sandbox_url is not None:
        return await _aged(context)
    dsn = context.settings.secret("database_dsn")
    if dsn is None:
        raise NotConfigured("name secrets.database_dsn, so that the table of counters can be read")
    import psycopg  # noqa: PLC0415 - a tenth of the start-up of every run

    try:
        async with await psycopg.AsyncConnection.connect(dsn.reveal(), autocommit=True) as connection:
            return await _judged(context, connection)
    except psycopg.Error as problem:
        told = f"the table of counters could not be read: {type(problem).__name__}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, told) from None


async def _aged(context: Context) -> Counters:
    async with playground(context) as ground:
        session: Session = ground.session
        early, late = [await session.identities.get(f"{when}_caller") for when in ("early", "late")]
        await refused_call(early.client)
        await session.anon.voices()
        had = len(await ground.database.rows("rate_limit_counters"))
        await ground.skip(_LATER_S)
        fresh = [await session.identities.get(f"later_caller_{number}") for number in range(2)]
        for user in (late, *fresh):
            await refused_call(user.client)
        await session.anon.voices()
        now = datetime.fromisoformat((await ground.control.call("POST", "clock", {"skip_s": 0}))["now"])
        rows = await ground.database.rows("rate_limit_counters")
    ends = [
        datetime.fromisoformat(str(row["window_start"])) + timedelta(seconds=int(row["window_seconds"])) for row in rows
    ]
    return Counters(had, len(rows), now - min(ends) if ends else None)


async def _judged(context: Context, connection: Any) -> Counters:
    if context.environment.kind != "prod":
        await _counted(context)
    now, oldest, count, since = await (await connection.execute(_AGES)).fetchone()
    if count == 0:
        raise CouldNotJudge(Reason.NO_TRAFFIC, "no counter is there, so none could grow old")
    found = Counters(count, count, None if oldest is None else now - oldest)
    if (found.oldest is not None and found.oldest > RETENTION) or (since is not None and now - since > RETENTION):
        return found
    if context.environment.kind == "prod" or not await _planted_goes(context, connection):
        raise CouldNotJudge(
            Reason.TOO_EARLY, f"the system is younger than {RETENTION.days} days: no counter can be old"
        )
    return found


async def _counted(context: Context) -> None:
    """Call as a user whom nobody has counted in this window yet, and without a login."""
    session: Session = context.session
    await refused_call((await session.identities.get(f"counted_{secrets.token_hex(2)}")).client)
    await session.anon.voices()


async def _planted_goes(context: Context, connection: Any) -> bool:
    """Plant a counter of last month, make calls, and say whether it goes by itself. It is gone in any case."""
    key = f"rollout-gate-{tag(context.run_id)}"
    ours = "from public.rate_limit_counters where actor_key = %s"
    await connection.execute(_PLANT, (key,))
    try:
        await _counted(context)

        async def left() -> int:
            return int((await (await connection.execute(f"select count(*) {ours}", (key,))).fetchone())[0])

        return (await _POLLER.until(left, lambda number: number == 0, deadline_s=_PATIENCE_S)).ended
    finally:
        await connection.execute(f"delete {ours}", (key,))
