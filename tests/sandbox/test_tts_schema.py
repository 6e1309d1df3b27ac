"""The schema of the TTS database and the migration that adds the qwen provider."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from sandbox.tts.database.setup import BASE, NEWEST, migrate, migrations, prepare_template
from tests.sandbox.schema_snapshot import snapshot

ADDED = {
    ("voices", "tts_provider", "text", "NO", "'modal'::text"),
    ("voices", "provider_voice_id", "text", "YES", None),
    ("voices", "provider_target_model", "text", "YES", None),
    ("voices", "provider_voice_kind", "text", "YES", None),
    ("voices", "provider_region", "text", "YES", None),
    ("voices", "provider_request_id", "text", "YES", None),
    ("voices", "provider_metadata", "jsonb", "NO", "'{}'::jsonb"),
    ("voices", "deleted_at", "timestamp with time zone", "YES", None),
    ("generations", "tts_provider", "text", "NO", "'modal'::text"),
    ("generations", "provider_model", "text", "YES", None),
    ("generations", "output_format", "text", "YES", None),
    ("generations", "provider_metadata", "jsonb", "NO", "'{}'::jsonb"),
    ("tasks", "provider", "text", "NO", "'modal'::text"),
    ("tasks", "provider_job_id", "text", "YES", None),
    ("tasks", "provider_status", "text", "YES", None),
    ("tasks", "provider_poll_count", "integer", "NO", "0"),
    ("tasks", "cancellation_requested", "boolean", "NO", "false"),
}
CHECKS = {
    "voices_tts_provider_check",
    "voices_provider_voice_kind_check",
    "generations_tts_provider_check",
    "tasks_provider_check",
}
NEW_INDEXES = {
    "idx_voices_user_provider_created",
    "idx_voices_user_active_provider_created",
    "idx_tasks_provider_job_id",
    "idx_generations_user_provider_created",
}
OLD_INDEXES = {
    "idx_voices_user_id_created",
    "idx_generations_user_id_created",
    "idx_generations_voice_id",
    "idx_tasks_user_id",
    "idx_tasks_generation_id",
    "idx_tasks_voice_id",
    "idx_tasks_modal_job_id",
    "idx_tasks_active",
    "idx_tasks_generate_one_active_per_user",
    "profiles_handle_key",
}
UNINDEXED_FOREIGN_KEYS = """
select c.conrelid::regclass::text, c.conname from pg_constraint as c
where c.contype = 'f' and c.connamespace = 'public'::regnamespace and not exists (
  select from pg_index as i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1])
"""


@pytest.fixture(scope="module")
def old_template(cluster) -> str:
    return prepare_template(cluster, BASE)


@pytest.fixture
def old_database(cluster, old_template):
    """DSN of a database with the schema before the migration, with one row in each of the three tables."""
    dsn = cluster.create_database("old_schema", old_template)
    user, voice, generation = uuid4(), uuid4(), uuid4()
    with psycopg.connect(dsn) as connection:
        connection.execute("insert into auth.users (id, email) values (%s, 'legacy@example.test')", (user,))
        connection.execute(
            "insert into voices (id, user_id, name, source) values (%s, %s, 'v', 'uploaded')", (voice, user)
        )
        connection.execute(
            "insert into generations (id, user_id, voice_id, text, status) values (%s, %s, %s, 't', 'completed')",
            (generation, user, voice),
        )
        connection.execute(
            "insert into tasks (user_id, type, status, generation_id) values (%s, 'generate', 'completed', %s)",
            (user, generation),
        )
    yield dsn
    cluster.drop_database("old_schema")


@pytest.fixture(scope="module")
def schema(platform):
    return snapshot(platform.db.dsn)


def run_migration(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        migrate(connection, migrations()[-1])


def rows_of(dsn: str) -> dict[str, list[dict]]:
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        return {
            table: connection.execute(
                psycopg.sql.SQL("select * from {}").format(psycopg.sql.Identifier(table))
            ).fetchall()
            for table in ("voices", "generations", "tasks", "profiles")
        }


def test_migration_adds_exactly_seventeen_columns(old_database):
    before = set(snapshot(old_database)["columns"])
    run_migration(old_database)
    after = set(snapshot(old_database)["columns"])

    assert after - before == ADDED
    assert before <= after


def test_migration_adds_exactly_four_checks(old_database):
    before = {row[1] for row in snapshot(old_database)["constraints"] if row[2].startswith("CHECK")}
    run_migration(old_database)
    after = {row[1] for row in snapshot(old_database)["constraints"] if row[2].startswith("CHECK")}

    assert after - before == CHECKS


def test_migration_adds_exactly_four_indexes(old_database):
    before = {row[1] for row in snapshot(old_database)["indexes"]}
    run_migration(old_database)
    after = {row[1] for row in snapshot(old_database)["indexes"]}

    assert after - before == NEW_INDEXES
    assert before <= after


@pytest.mark.parametrize("part", ["policies", "protected", "grants", "functions", "triggers", "buckets"])
def test_migration_leaves_alone_the(old_database, part):
    before = snapshot(old_database)[part]
    run_migration(old_database)

    assert snapshot(old_database)[part] == before


def test_migration_keeps_rows_and_reads_them_as_modal(old_database):
    before = rows_of(old_database)
    run_migration(old_database)
    after = rows_of(old_database)

    kept = {
        table: [{name: row[name] for name in old} for row, old in zip(after[table], before[table], strict=True)]
        for table in before
    }
    assert kept == before
    assert [after["voices"][0]["tts_provider"], after["tasks"][0]["provider"]] == ["modal", "modal"]


def test_second_run_of_the_migration_changes_nothing(platform, schema):
    run_migration(platform.db.dsn)

    assert snapshot(platform.db.dsn) == schema


def test_history_names_the_migration(platform):
    with psycopg.connect(platform.db.dsn) as connection:
        query = "select version, name from supabase_migrations.schema_migrations order by version desc limit 1"
        assert connection.execute(query).fetchone() == (NEWEST, "qwen_provider_additive_schema")


def test_old_indexes_are_there(schema):
    assert {row[1] for row in schema["indexes"]} >= OLD_INDEXES


def test_all_foreign_keys_are_indexed(platform):
    with psycopg.connect(platform.db.dsn) as connection:
        assert connection.execute(UNINDEXED_FOREIGN_KEYS).fetchall() == []


def test_search_for_unindexed_foreign_keys_finds_one(cluster, template):
    with psycopg.connect(cluster.create_database("unindexed", template)) as connection:
        connection.execute("drop index idx_billing_events_ledger_id")

        assert connection.execute(UNINDEXED_FOREIGN_KEYS).fetchall() == [
            ("billing_events", "billing_events_ledger_id_fkey")
        ]
    cluster.drop_database("unindexed")


def test_all_eight_tables_are_protected(schema):
    tables = {row[0] for row in schema["columns"]} - {"buckets", "objects", "object_bytes"}

    assert len(tables) == 8
    assert tables <= {name for name, protected in schema["protected"] if protected}


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("voices", {"tts_provider": "other"}),
        ("voices", {"provider_voice_kind": "vx"}),
        ("voices", {"name": "n" * 101}),
        ("voices", {"name": ""}),
        ("voices", {"source": "found"}),
        ("generations", {"tts_provider": "other"}),
        ("generations", {"status": "done"}),
        ("tasks", {"provider": "other"}),
        ("tasks", {"type": "stream"}),
        ("tasks", {"status": "done"}),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_check_refuses(platform, a, table, change):
    values = {
        "voices": {"name": "v", "source": "uploaded"},
        "generations": {"text": "t"},
        "tasks": {"type": "generate"},
    }[table]

    reply = platform.service.send("POST", f"/rest/v1/{table}", json={"user_id": a.id, **values, **change})

    assert (reply.status_code, reply.json()["code"]) == (400, "23514")


def test_second_active_generate_task_of_a_user_is_refused(platform, a):
    platform.make("tasks", user_id=a.id, type="generate", status="processing")

    reply = platform.service.send("POST", "/rest/v1/tasks", json={"user_id": a.id, "type": "generate"})

    assert (reply.status_code, reply.json()["code"]) == (409, "23505")
    assert "idx_tasks_generate_one_active_per_user" in reply.json()["message"]


def test_active_previews_are_not_limited(platform, a):
    for _ in range(3):
        assert platform.make("tasks", user_id=a.id, type="design_preview")["status"] == "pending"


def test_updated_at_is_forced_on_tasks(platform, a):
    task = platform.make("tasks", user_id=a.id, type="design_preview")
    reply = platform.service.send(
        "PATCH",
        f"/rest/v1/tasks?id=eq.{task['id']}",
        json={"status": "failed", "updated_at": "2000-01-01T00:00:00Z"},
        headers={"Prefer": "return=representation"},
    )

    assert reply.json()[0]["updated_at"] > task["updated_at"]


def test_new_user_gets_a_profile_with_credits_and_trials(a):
    profile = a.rows(f"profiles?id=eq.{a.id}")[0]
    wanted = ("subscription_tier", "credits_remaining", "design_trials_remaining", "clone_trials_remaining", "handle")

    assert [profile[name] for name in wanted] == ["free", 100, 2, 2, None]


def test_voice_delete_keeps_its_generations(platform, a):
    voice = platform.make("voices", user_id=a.id, name="v", source="uploaded")
    platform.make("generations", user_id=a.id, voice_id=voice["id"], text="t")

    assert a.send("DELETE", f"/rest/v1/voices?id=eq.{voice['id']}").status_code == 204
    assert a.rows("generations?select=voice_id") == [{"voice_id": None}]
