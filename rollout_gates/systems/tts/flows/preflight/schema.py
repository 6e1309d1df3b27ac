"""The columns that a database has, beside those of the schema before the qwen migration (section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.records import Records

ANY: tuple[str, ...] = ()
_TEXT, _UUID, _INT, _BIG, _JSON = ("text",), ("uuid",), ("integer",), ("bigint",), ("jsonb",)
_TIME, _FLOAT = ("timestamp with time zone",), ("double precision", "real")
OLD: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "profiles": {
        "id": _UUID, "handle": _TEXT, "display_name": _TEXT, "avatar_url": _TEXT, "subscription_tier": _TEXT,
        "credits_remaining": _INT, "design_trials_remaining": _INT, "clone_trials_remaining": _INT,
        "created_at": _TIME, "updated_at": _TIME,
    },
    "voices": {
        "id": _UUID, "user_id": _UUID, "name": _TEXT, "reference_object_key": _TEXT, "reference_transcript": _TEXT,
        "description": _TEXT, "language": _TEXT, "source": _TEXT, "created_at": _TIME,
    },
    "generations": {
        "id": _UUID, "user_id": _UUID, "voice_id": _UUID, "text": _TEXT, "audio_object_key": _TEXT,
        "error_message": _TEXT, "duration_seconds": _FLOAT, "generation_time_seconds": _FLOAT, "language": _TEXT,
        "status": _TEXT, "created_at": _TIME, "completed_at": _TIME,
    },
    "tasks": {
        "id": _UUID, "user_id": _UUID, "type": _TEXT, "status": _TEXT, "modal_job_id": _TEXT,
        "modal_poll_count": _INT, "generation_id": _UUID, "voice_id": _UUID, "metadata": _JSON, "result": _JSON,
        "error": _TEXT, "created_at": _TIME, "updated_at": _TIME, "completed_at": _TIME,
    },
    "credit_ledger": {
        "id": _BIG, "user_id": _UUID, "event_kind": ANY, "operation": ANY, "amount": _INT, "signed_amount": _INT,
        "balance_after": _INT, "reference_type": ANY, "reference_id": _UUID, "idempotency_key": _TEXT,
        "metadata": ANY, "created_at": _TIME,
    },
    "trial_consumption": {
        "id": _BIG, "user_id": ANY, "operation": ANY, "reference_type": ANY, "reference_id": _UUID,
        "idempotency_key": ANY, "status": ANY, "metadata": ANY, "created_at": _TIME, "restored_at": _TIME,
    },
    "billing_events": {
        "id": _BIG, "provider": ANY, "provider_event_id": ANY, "event_type": ANY, "user_id": ANY, "status": ANY,
        "credits_granted": ANY, "ledger_id": ANY, "error_detail": ANY, "payload": ANY, "created_at": _TIME,
        "processed_at": _TIME,
    },
    "rate_limit_counters": {
        "id": _BIG, "actor_type": ANY, "actor_key": ANY, "tier": ANY, "window_seconds": ANY, "window_start": _TIME,
        "request_count": ANY, "created_at": _TIME, "updated_at": _TIME,
    },
}  # fmt: skip
"""Types of each column by table; none where the contract names the column and not its type."""

_COLUMNS = """
    select c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
"""
_WITHIN_S = 20


@dataclass(frozen=True)
class OldSchema:
    """The *columns* of schema ``public`` by table, with their types, and what is on record of the rollout."""

    columns: Mapping[str, Mapping[str, str]]
    records: Records | None
    now: datetime


@flow("old_schema")
async def old_schema(context: Context) -> OldSchema:
    """Read the catalogue, in one statement. Raises `NotConfigured`, `CouldNotJudge` for one that cannot be reached."""
    # A sandbox brings its database into step with its faults when it is called.
    await context.session.anon.languages()
    dsn = context.settings.secret("database_dsn")
    if dsn is None:
        raise NotConfigured("the catalogue is read from the database: configure secrets.database_dsn")
    import psycopg  # noqa: PLC0415 - a tenth of the start-up of every run

    try:
        async with await psycopg.AsyncConnection.connect(dsn.reveal(), connect_timeout=_WITHIN_S) as connection:
            await connection.set_read_only(True)
            rows = await (await connection.execute(_COLUMNS)).fetchall()
    except psycopg.Error as problem:
        said = f"secrets.database_dsn: the catalogue cannot be read: {type(problem).__name__}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, said) from None
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(str(table), {})[str(column)] = str(kind)
    return OldSchema(found, context.environment.records, datetime.now(UTC))
