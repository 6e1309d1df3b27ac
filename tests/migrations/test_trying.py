"""Writes that are tried leave nothing; a role that may not write says nothing of the schema."""

import pytest
from psycopg import sql

from rollout_gates.migrations.facts import read_facts
from rollout_gates.migrations.seeding import Seeder
from rollout_gates.systems.tts import schema
from rollout_gates.systems.tts.flows.migration.trying import old_writes, refusals
from rollout_gates.wire import NotConfigured
from tests.migrations.corpus import deployed


@pytest.fixture
def migrated(database):
    for file in deployed():
        database.execute(file.text.encode())
    with database.transaction():
        Seeder(database, ["public"]).seed(3)
    return database


def rows(connection):
    return [
        connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("public", name))).fetchone()
        for name in ("voices", "generations", "tasks")
    ]


def facts_of(connection):
    with connection.transaction():
        return read_facts(connection, ["public"])


def user_of(connection):
    return str(connection.execute("select id from public.profiles limit 1").fetchone()[0])


def test_bad_rows_are_refused_and_nothing_is_left(migrated):
    before = rows(migrated)

    assert refusals(migrated, facts_of(migrated)) == {name: f"23514 {name}" for name in schema.CHECKS}
    assert rows(migrated) == before


def test_a_check_that_is_gone_is_told(migrated):
    migrated.execute("alter table public.tasks drop constraint tasks_provider_check")

    told = refusals(migrated, facts_of(migrated))["tasks_provider_check"]
    assert told.startswith(("23503", "it went through"))


def test_old_writes_go_through_and_nothing_is_left(migrated):
    before = rows(migrated)
    told = old_writes(migrated, user_of(migrated))

    assert {each.problem for each in told} == {None}
    assert {each.table: each.defaults[schema.PROVIDER_COLUMNS[each.table]] for each in told} == dict.fromkeys(
        schema.PROVIDER_COLUMNS, "modal"
    )
    assert rows(migrated) == before


def test_a_column_without_a_default_stops_old_writes(migrated):
    migrated.execute("alter table public.voices alter column tts_provider drop default")

    problems = {each.table: each.problem for each in old_writes(migrated, user_of(migrated))}
    assert problems == {
        "public.voices": "SQLSTATE 23502 tts_provider",
        "public.generations": None,
        "public.tasks": None,
    }


def test_a_role_that_only_reads_is_told_so(migrated):
    facts, user = facts_of(migrated), user_of(migrated)
    migrated.execute("do $$ begin create role only_reads; exception when duplicate_object then null; end $$")
    migrated.execute(
        "grant usage on schema public to only_reads; grant select on all tables in schema public to only_reads"
    )
    migrated.execute("set session authorization only_reads")

    with pytest.raises(NotConfigured, match="may not write"):
        refusals(migrated, facts)
    with pytest.raises(NotConfigured, match="may not write"):
        old_writes(migrated, user)
