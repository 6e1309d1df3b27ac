"""Generates as the rows tell of them: from the database in one pass, or through the data API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.replies import ACTIVE
from rollout_gates.wire import BadAnswer, CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.environment import Secret
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.settings import Settings

BUCKET: Final = "generations"
MOST_ROWS: Final = 200_000
_PAGE: Final = 1000
# The generation of a task is written just before it.
_APART_S: Final = 60.0
_MOST_FETCHED: Final = 100
_WITHIN_MS: Final = "60000"
_CLOCK: Final = "select extract(epoch from statement_timestamp())::float8, to_regclass('storage.objects') is not null"
# One scan of the tasks of the time in question; generations and objects are looked up by their keys.
_WORK: Final = """
    select t.id::text as task_id, t.generation_id::text as generation_id, t.status,
           extract(epoch from t.created_at)::float8 as created_at,
           extract(epoch from t.completed_at)::float8 as ended_at,
           g.id is not null as kept, g.status as generation_status, g.audio_object_key as key,
           g.provider_metadata ->> 'error_category' as category, {stored} as stored
    from public.tasks as t left join public.generations as g on g.id = t.generation_id
    where t.type = 'generate' and t.created_at >= to_timestamp(%s) and t.created_at < to_timestamp(%s)
      and (not %s or t.status in ('pending', 'processing'))
    order by t.created_at limit %s
"""
_STORED: Final = "exists (select from storage.objects as o where o.bucket_id = %s and o.name = g.audio_object_key)"


@dataclass(frozen=True)
class Work:
    """One generate: its task and, unless its owner removed it (*kept* is false), its generation.

    *created_at* and *ended_at* are seconds since the epoch. *stored* says whether the object is there; ``None`` where
    nobody looked.
    """

    task_id: str
    generation_id: str | None
    status: str
    created_at: float
    ended_at: float | None = None
    kept: bool = True
    generation_status: str | None = None
    key: str | None = None
    category: str | None = None
    stored: bool | None = None

    @property
    def took_s(self) -> float | None:
        """From created to completed."""
        return self.ended_at - self.created_at if self.status == "completed" and self.ended_at is not None else None

    @property
    def durable(self) -> bool | None:
        """Whether completed work has its audio; ``None`` where that cannot be told, or is not owed."""
        if self.status != "completed" or not self.kept:
            return None
        return self.stored if self.key else False

    @property
    def half_cancelled(self) -> bool:
        """Whether the task says cancelled and its generation goes on."""
        return self.status == "cancelled" and self.kept and self.generation_status in ACTIVE


@dataclass(frozen=True)
class Read:
    """Rows as they stood at *clock*, the source's own time where it has one; *source* names it in plain words."""

    source: str
    work: tuple[Work, ...]
    clock: float | None = None

    def in_our_time(self, ahead_s: float) -> Read:
        """Return the same as a clock would tell it that the source's is *ahead_s* seconds before."""
        moved = (
            replace(
                each,
                created_at=each.created_at - ahead_s,
                ended_at=None if each.ended_at is None else each.ended_at - ahead_s,
            )
            for each in self.work
        )
        return replace(self, work=tuple(moved))


async def read_work(
    settings: Settings, service: Client | None, start: float, end: float, *, active: bool = False
) -> Read:
    """Return all generates that were created from *start* up to *end*, or the *active* ones of them.

    Raises `NotConfigured` without a database and without the service role, `CouldNotJudge` where neither can be read.
    """
    dsn = settings.secret("database_dsn")
    if dsn is not None:
        return await _from_database(dsn, start, end, active=active)
    key = settings.secret("service_role_key")
    if key is not None and service is not None:
        return await _from_data_api(service, key, start, end, active=active)
    raise NotConfigured(
        "work of the past is read from rows: configure secrets.database_dsn or secrets.service_role_key"
    )


async def _from_database(dsn: Secret, start: float, end: float, *, active: bool) -> Read:
    import psycopg  # noqa: PLC0415 - a tenth of the start-up of every run

    try:
        return await asyncio.to_thread(_select, dsn.reveal(), start, end, active)
    except psycopg.Error as problem:
        # The text of a failed connection names host and user: the kind of the problem has to do.
        told = f"SQLSTATE {problem.sqlstate}" if problem.sqlstate else type(problem).__name__
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the database of secrets.database_dsn: {told}") from None


def _select(dsn: str, start: float, end: float, active: bool) -> Read:
    import psycopg  # noqa: PLC0415
    from psycopg.rows import dict_row  # noqa: PLC0415

    with psycopg.connect(dsn) as connection:
        connection.read_only = True
        connection.execute("select set_config('statement_timeout', %s, true)", (_WITHIN_MS,))
        _refuse_hidden_rows(connection)
        clock, has_objects = connection.execute(_CLOCK).fetchone() or (None, False)
        objects = has_objects and _readable(connection)
        statement = _WORK.format(stored=_STORED if objects else "null::boolean")
        values = [*([BUCKET] if objects else []), start, end, active, MOST_ROWS + 1]
        with connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(statement, values).fetchall()
    if len(found) > MOST_ROWS:
        raise CouldNotJudge(
            Reason.OUT_OF_BUDGET, f"more than {MOST_ROWS} tasks in the windows: choose a shorter --window"
        )
    return Read("rows of the database", tuple(Work(**row) for row in found), clock)


def _readable(connection: Any) -> bool:
    """Whether the role sees all stored objects: where row-level security holds for it, one that is there looks lost."""
    asked = "has_table_privilege('storage.objects', 'select') and has_schema_privilege('storage', 'usage')"
    may = connection.execute(f"select {asked}").fetchone()[0]
    return bool(may and connection.execute("select not row_security_active('storage.objects')").fetchone()[0])


def _refuse_hidden_rows(connection: Any) -> None:
    """Raise `CouldNotJudge` where row-level security hides the work of others from the role."""
    asked = "select row_security_active('public.tasks') or row_security_active('public.generations')"
    if connection.execute(asked).fetchone()[0]:
        raise CouldNotJudge(
            Reason.NOT_CONFIGURED,
            "secrets.database_dsn: row-level security hides rows from its role; use one that bypasses it, and reads",
        )


# --- without a database


async def _from_data_api(service: Client, key: Secret, start: float, end: float, *, active: bool) -> Read:
    asked = {"type": "eq.generate", **({"status": "in.(pending,processing)"} if active else {})}
    asked["select"] = "id,generation_id,status,created_at,completed_at"
    tasks = await _all(service, key, "tasks", (start, end), asked)
    columns = {"select": "id,status,audio_object_key,provider_metadata,created_at"}
    generations = await _all(service, key, "generations", (start - _APART_S, end + _APART_S), columns)
    by_id = {str(row.get("id")): row for row in generations}
    work = tuple(_joined(task, by_id.get(str(task.get("generation_id")))) for task in tasks)
    return Read("rows of the data API", await _looked_up(service, key, work))


async def _all(
    service: Client, key: Secret, table: str, span: tuple[float, float], asked: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """Return all rows of the time in question, page by page."""
    found: list[Mapping[str, Any]] = []
    while len(found) <= MOST_ROWS:
        query = [
            ("created_at", f"gte.{_iso(span[0])}"),
            ("created_at", f"lt.{_iso(span[1])}"),
            ("order", "created_at,id"),
            ("limit", str(_PAGE)),
            ("offset", str(len(found))),
            *asked.items(),
        ]
        reply = await service.rows(table, query, bearer=key)
        page = _listed(reply)
        if page is None:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the data API answered {reply.status} to a read of {table}")
        found += page
        if len(page) < _PAGE:
            return found
    raise CouldNotJudge(
        Reason.OUT_OF_BUDGET, f"more than {MOST_ROWS} {table} in the windows: choose a shorter --window"
    )


def _listed(reply: Any) -> list[Mapping[str, Any]] | None:
    try:
        found = reply.json()
    except BadAnswer:
        return None
    return found if reply.status in (200, 206) and isinstance(found, list) else None


def _joined(task: Mapping[str, Any], generation: Mapping[str, Any] | None) -> Work:
    known = generation or {}
    metadata = known.get("provider_metadata")
    return Work(
        task_id=str(task.get("id")),
        generation_id=task.get("generation_id"),
        status=str(task.get("status")),
        created_at=epoch(task.get("created_at")) or 0.0,
        ended_at=epoch(task.get("completed_at")),
        kept=generation is not None,
        generation_status=known.get("status"),
        key=known.get("audio_object_key"),
        category=metadata.get("error_category") if isinstance(metadata, Mapping) else None,
    )


async def _looked_up(service: Client, key: Secret, work: tuple[Work, ...]) -> tuple[Work, ...]:
    """Return *work* with what storage says of the newest that completed: each is fetched."""
    newest = [each for each in reversed(work) if each.status == "completed" and each.key][:_MOST_FETCHED]
    there = {each.task_id: await _is_stored(service, key, each.key or "") for each in newest}
    return tuple(replace(each, stored=there.get(each.task_id)) for each in work)


async def _is_stored(service: Client, key: Secret, name: str) -> bool | None:
    url = f"{service.settings.storage_url}/object/authenticated/{BUCKET}/{quote(name)}"
    headers = {"apikey": key.reveal(), "authorization": f"Bearer {key.reveal()}"}
    reply = await service.wire.send("GET", url, headers=headers, actor="service_role", retry="idempotent")
    if reply.status == 200:
        return bool(reply.body)
    return False if reply.status in (400, 404) else None


def epoch(moment: Any) -> float | None:
    """Return the seconds since the epoch that *moment*, an ISO 8601 text, says; ``None`` where it says nothing."""
    try:
        found = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
