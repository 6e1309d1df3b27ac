"""A rehearsal finds by doing what reading did not tell: rows, reads, writes, rights, rewrites, a second run."""

import pytest

from rollout_gates.migrations import effects
from rollout_gates.migrations.facts import differences
from rollout_gates.migrations.plans import Manners
from rollout_gates.migrations.rehearsal import CannotRehearse
from tests.migrations.corpus import SAFE, deployed

CHEAP = ("additive_columns", "concurrent_index", "new_table_with_policies", "constraint_not_valid")


def faults(told) -> dict[str, object]:
    """What a rehearsal found, by kind; empty for an addition."""
    found = {
        "failed": told.failed,
        "lost": effects.lost(told.changed),
        "narrowed": effects.narrowed(told.changed),
        "opened": effects.opened(told.changed) + effects.granted(told.changed, told.before.tables),
        "seen more": effects.seen_more(told.seen_before, told.seen_after),
        "seen less": effects.seen_less(told.seen_before, told.seen_after),
        "altered": dict(told.altered),
        "reads": told.reads,
        "writes": told.writes,
        "rewritten": told.applied.rewritten,
    }
    return {kind: what for kind, what in found.items() if what}


@pytest.mark.parametrize("path", [path for path in SAFE if path.stem in CHEAP], ids=lambda path: path.stem)
def test_a_safe_migration_changes_nothing_that_was_there(rehearsed, path) -> None:
    assert faults(rehearsed(path.read_text())) == {}


def test_every_table_has_rows_from_before(rehearsed) -> None:
    told = rehearsed("select 1;")

    assert told.unseeded == {}
    assert {table: rows for table, rows in told.rows.items() if rows < 30} == {}


def test_lost_rows_are_counted(rehearsed) -> None:
    assert faults(rehearsed("delete from public.tasks where status = 'failed';"))["altered"]["public.tasks"] > 0


def test_overwritten_rows_are_counted(rehearsed) -> None:
    assert faults(rehearsed("update public.voices set name = upper(name);"))["altered"] == {"public.voices": 30}


def test_a_column_that_old_code_cannot_fill_fails_its_inserts(rehearsed) -> None:
    text = "alter table public.voices add column kind text default 'vc' not null; alter table public.voices alter column kind drop default;"

    assert list(faults(rehearsed(text))) == ["writes"]


def test_a_column_that_is_gone_fails_reads_and_writes(rehearsed) -> None:
    assert {"lost", "reads", "writes"} <= faults(rehearsed("alter table public.tasks drop column error;")).keys()


def test_rights_that_nothing_in_the_files_names_are_found(rehearsed) -> None:
    text = "do $$ declare q text; begin select chr(103) || 'rant insert on public.tasks to anon' into q; execute q; end $$;"

    assert faults(rehearsed(text)).keys() == {"opened"}


def test_a_policy_for_everybody_shows_rows(rehearsed) -> None:
    assert (
        "anon sees 30 rows of public.voices, before 0"
        in faults(rehearsed("create policy p on public.voices for select using (true);"))["seen more"]
    )


def test_a_rewrite_and_the_lock_are_measured(rehearsed) -> None:
    told = rehearsed("alter table public.tasks add column mark uuid default gen_random_uuid();")

    assert told.applied.rewritten == {"public.tasks"}
    assert told.applied.longest()["public.tasks"] > 0


def test_a_second_run_that_is_refused_leaves_nothing(rehearsed) -> None:
    told = rehearsed("create table public.notes (id int primary key); insert into public.notes values (1);")

    assert "already exists" in told.second
    assert (told.again.tables, differences(told.after.facts, told.again.facts)) == ({}, ())


def test_a_second_run_that_does_it_again_is_seen(rehearsed) -> None:
    told = rehearsed(
        "create table if not exists public.notes (at timestamptz default now()); insert into public.notes default values;"
    )

    assert (told.second, list(told.again.tables)) == ("", ["public.notes"])


def test_a_file_that_fails_is_told_with_its_line(rehearsed) -> None:
    told = rehearsed("select 1;\nselect 1 / 0;")

    assert told.failed == "20270100000000_next.sql:2: division by zero (SQLSTATE 22012)"
    assert not told.lacks_the_base


def test_what_builds_on_nothing_is_no_fault_of_the_file(rehearsed) -> None:
    assert rehearsed("alter table public.elsewhere add column x text;").lacks_the_base


def test_a_base_that_fails_is_no_finding(cluster) -> None:
    from rollout_gates.migrations.files import MigrationFile, Migrations
    from rollout_gates.migrations.rehearsal import rehearse

    broken = MigrationFile("1_broken.sql", "select * from nowhere;")

    with pytest.raises(CannotRehearse, match="what is deployed cannot be brought about: 1_broken.sql:1"):
        rehearse(cluster, Migrations((broken,), deployed()), Manners())


FOREIGN = """
create role anon; create schema auth; create table auth.users (id uuid primary key);
create schema shop;
create table shop.orders (id bigint generated always as identity primary key, state text not null check (state in ('new', 'paid')));
create table public.voices (id uuid primary key, owner_id uuid not null, title text not null);
"""


def rehearse_foreign(cluster, text):
    from rollout_gates.migrations.files import MigrationFile, Migrations
    from rollout_gates.migrations.rehearsal import rehearse
    from rollout_gates.systems.tts.schema import MANNERS

    files = Migrations((MigrationFile("1_base.sql", FOREIGN),), (MigrationFile("2_next.sql", text),))
    return rehearse(cluster, files, MANNERS)


def test_another_project_is_rehearsed_in_all_of_its_schemas(cluster) -> None:
    told = rehearse_foreign(cluster, "alter table shop.orders add column note text default '';")

    assert (told.rows["shop.orders"], told.rows["public.voices"]) == (30, 30)
    assert faults(told) == {}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("delete from shop.orders where state = 'paid';", {"altered"}),
        (
            "alter table public.voices add column kind text default 'a' not null; alter table public.voices alter column kind drop default;",
            {"writes"},
        ),
        ("alter table shop.orders drop constraint orders_state_check;", {"lost"}),
    ],
)
def test_faults_in_another_project_are_found(cluster, text, kinds) -> None:
    assert kinds <= faults(rehearse_foreign(cluster, text)).keys()
