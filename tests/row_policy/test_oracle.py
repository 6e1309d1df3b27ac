"""What the oracle promises beside finding leaks: nothing is kept, nothing vacuous is green, content stays out."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from rollout_gates.row_policy import (
    ANON,
    NONE,
    OWN,
    USER,
    Access,
    Attempt,
    Identity,
    Intent,
    Kind,
    Operation,
    Options,
    Verdict,
)
from rollout_gates.row_policy.model import Result
from rollout_gates.row_policy.oracle import CannotAct, examine, inspect, judge
from tests.row_policy.scenes import PEOPLE, SCENES, USERS, A

EVERYTHING = """
select (select json_agg(t order by t) from (select relname, relacl::text, relfilenode from pg_class) t)::text,
  (select json_agg(t order by t) from (select polname, polrelid from pg_policy) t)::text
"""


SEND = """
create function public.send() returns void language plpgsql as $$ begin perform pg_notify('x', 'y'); end $$;
create function public.relay() returns void language sql as $$ select public.send() $$;
grant execute on function public.send(), public.relay() to authenticated
"""


def run(dsn, schema="notes", functions=OWN, **options):
    scene = SCENES[schema]
    return examine(dsn, scene.identities, replace(scene.intent, functions=functions), Options(**options))


def cell(report, identity, name, operation):
    (found,) = [f for f in report.findings if (f.identity, f.object, f.operation) == (identity, name, operation)]
    return found


def execute(dsn, statement, values=None):
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("schema", ["notes", "tenants"])
def test_nothing_is_kept(database, schema):
    dsn = database(schema)
    sequences = "select relname, pg_sequence_last_value(oid) from pg_class where relkind = 'S' order by 1"
    before = execute(dsn, EVERYTHING), execute(dsn, sequences)

    report = run(dsn, schema)

    assert report.planted
    assert (execute(dsn, EVERYTHING), execute(dsn, sequences)) == before
    assert report.proof.nothing_kept
    tables = execute(dsn, "select format('%I.%I', schemaname, relname) from pg_stat_user_tables")
    assert all(execute(dsn, f"select count(*) from {name}") == [(0,)] for (name,) in tables)


def test_sequences_in_use_stay_where_they_are(database):
    dsn = database("tenants", "insert into public.tenants values (7, 'seven')")
    execute(dsn, "insert into public.accounts (tenant_id, label) values (7, 'one'), (7, 'two')")

    report = run(dsn, "tenants")
    execute(dsn, "insert into public.accounts (tenant_id, label) values (7, 'three')")

    assert report.proof.sequences_moved == ()
    assert execute(dsn, "select id from public.accounts order by 1") == [(1,), (2,), (3,)]


def test_evidence_has_no_content_of_rows(database):
    dsn = database("notes", "alter table public.notes disable row level security")
    user = "11111111-2222-3333-4444-555555555555"
    execute(dsn, "insert into auth.users (id) values (%s)", (user,))
    execute(dsn, "insert into public.notes (user_id, title) values (%s, 'a secret title')", (user,))

    report = run(dsn)

    assert cell(report, "a", "public.notes", Operation.SELECT).verdict is Verdict.LEAK
    assert "secret title" not in repr(report)
    assert "11111111-2222" not in repr(report)


def test_a_table_that_takes_no_rows_is_inconclusive(database):
    dsn = database(
        "notes",
        """create table public.locked (id integer primary key, user_id uuid not null, check (id < 0 and id > 0));
           alter table public.locked enable row level security;
           create policy own on public.locked to authenticated using (user_id = auth.uid());
           grant select, update, delete on public.locked to authenticated""",
    )

    report = run(dsn)

    assert "public.locked" in report.not_planted
    for operation in (Operation.SELECT, Operation.UPDATE, Operation.DELETE):
        assert cell(report, "a", "public.locked", operation).verdict is Verdict.INCONCLUSIVE
    assert cell(report, "anon", "public.locked", Operation.SELECT).verdict is Verdict.DENIED


def test_a_view_that_shows_nothing_to_anybody_is_inconclusive(database):
    dsn = database(
        "notes",
        """create view public.never as select * from public.notes where title = 'no such title';
           grant select on public.never to authenticated""",
    )

    assert cell(run(dsn), "a", "public.never", Operation.SELECT).verdict is Verdict.INCONCLUSIVE


def test_what_acts_outside_of_the_transaction_is_not_called(database):
    dsn = database(
        "notes",
        SEND,
    )

    report = run(dsn)

    assert {"public.send()", "public.relay()"} <= report.not_acted_out.keys()
    for name in ("public.send", "public.relay"):
        assert cell(report, "a", name, Operation.CALL).verdict is Verdict.INCONCLUSIVE
    assert (
        cell(run(database("notes", SEND), functions=NONE), "a", "public.send", Operation.CALL).verdict is Verdict.LEAK
    )


def test_a_table_whose_trigger_acts_outside_is_read_but_not_written(database):
    dsn = database(
        "notes",
        """create function public.tell() returns trigger language plpgsql
             as $$ begin perform pg_notify('notes', new.title); return new; end $$;
           create trigger tell after insert on public.tags for each row execute function public.tell()""",
    )

    report = run(dsn)

    assert "public.tags" in report.not_acted_out
    assert cell(report, "a", "public.tags", Operation.INSERT).verdict is Verdict.DENIED
    assert cell(report, "service", "public.tags", Operation.INSERT).verdict is Verdict.INCONCLUSIVE


def test_parents_and_tables_that_lead_to_a_trigger_that_acts_outside_are_not_written(database):
    dsn = database(
        "notes",
        """create schema hooks; create table hooks.sent (what text);
           create function hooks.tell() returns trigger language plpgsql
             as $$ begin perform pg_notify('notes', new.email); return new; end $$;
           create trigger tell after insert on auth.users for each row execute function hooks.tell();
           create table public.outbox (what text);
           create trigger tell after insert on public.outbox for each row execute function hooks.tell();
           create function public.pass_on() returns trigger language plpgsql
             as $$ begin insert into public.outbox values (new.label); return new; end $$;
           create trigger pass_on after insert on public.tags for each row execute function public.pass_on()""",
    )

    report = run(dsn)

    assert {"auth.users", "public.outbox", "public.tags"} <= report.not_acted_out.keys()
    assert "public.tags" not in report.planted
    assert "public.notes" in report.not_planted
    assert cell(report, "a", "public.notes", Operation.SELECT).verdict is Verdict.INCONCLUSIVE


def test_a_foreign_table_is_judged_by_the_catalogue_alone(database):
    dsn = database(
        "notes",
        """create foreign data wrapper nowhere; create server nowhere foreign data wrapper nowhere;
           create foreign table public.remote (id integer) server nowhere;
           grant select on public.remote to authenticated""",
    )

    report = run(dsn)

    assert cell(report, "a", "public.remote", Operation.SELECT).verdict is Verdict.LEAK
    assert "public.remote" in report.not_acted_out


def test_a_definer_function_with_the_callers_search_path_is_told(database):
    dsn = database("notes", "alter function public.search_notes(text) reset search_path")

    leak = cell(run(dsn), "a", "public.search_notes", Operation.CALL)

    assert (leak.verdict, leak.way) == (Verdict.LEAK, "catalogue")


def test_what_is_declared_public_is_no_leak(database):
    dsn = database("notes", "create policy every on public.notes for select to authenticated using (true)")
    public = Access(select="all")
    intent = Intent(USERS, access={"public.notes": {USER: public}, "public.my_notes": {USER: public}})

    report = examine(dsn, PEOPLE, intent)

    assert [leak.object for leak in report.leaks] == []


def test_own_rows_are_a_leak_where_nothing_is_meant_to_be_seen(database):
    closed = Access(NONE, NONE, NONE, NONE)

    report = examine(database("notes"), PEOPLE, Intent(USERS, access={"public.notes": {"*": closed}}))

    assert cell(report, "a", "public.notes", Operation.SELECT).verdict is Verdict.LEAK
    assert cell(report, "a", "public.notes", Operation.DELETE).verdict is Verdict.LEAK
    assert cell(report, "anon", "public.notes", Operation.SELECT).verdict is Verdict.DENIED


def test_a_function_that_is_meant_for_nobody_leaks_by_being_executable(database):
    report = examine(database("notes"), PEOPLE, Intent(USERS, functions=NONE))

    assert cell(report, "a", "public.search_notes", Operation.CALL).verdict is Verdict.LEAK
    assert cell(report, "anon", "public.search_notes", Operation.CALL).verdict is Verdict.DENIED


def test_a_connection_that_may_not_act_says_so(cluster, database):
    dsn = database("notes")
    execute(dsn, "do $$ begin create role weak login; exception when duplicate_object then null; end $$")
    execute(dsn, f"alter role weak password '{cluster.password}'")
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]

    with pytest.raises(CannotAct, match="may not set role"):
        run(cluster.dsn(str(name), "weak"))


def test_time_that_is_used_up_leaves_nothing_green(database):
    report = run(database("notes"), within_s=0.15)

    assert "(the rest)" in report.not_acted_out
    assert report.proof.nothing_kept


def test_the_catalogue_is_read_without_any_write(database):
    dsn = database(
        "notes",
        """create policy wide on public.notes for select to authenticated using (true or user_id is null);
           grant truncate on public.tags to anon""",
    )
    scene = SCENES["notes"]

    told = {(standing.object, standing.rule) for standing in inspect(dsn, scene.identities, scene.intent)}

    assert {("public.notes", "policy always true"), ("public.tags", "truncate is granted")} <= told
    assert ("public.search_notes", "definer function can be executed") in told


def test_the_matrix_has_a_row_for_each_operation_and_a_column_for_each_identity(database):
    lines = run(database("notes")).matrix().splitlines()

    assert lines[0].startswith("| object | operation | anon | a | b | c | service")
    assert any(line.startswith("| public.notes | truncate | denied | denied") for line in lines)


@pytest.mark.parametrize(
    ("results", "could_leak", "verdict"),
    [
        ([], 1, Verdict.INCONCLUSIVE),
        ([Result.NOTHING], 0, Verdict.INCONCLUSIVE),
        ([Result.NOTHING], 1, Verdict.DENIED),
        ([Result.DENIED], 0, Verdict.DENIED),
        ([Result.ALLOWED, Result.UNCLEAR], 1, Verdict.INCONCLUSIVE),
        ([Result.ALLOWED, Result.DENIED, Result.UNCLEAR], 1, Verdict.ALLOWED),
        ([Result.DENIED, Result.LEAK], 0, Verdict.LEAK),
        ([Result.UNCLEAR], 1, Verdict.INCONCLUSIVE),
    ],
)
def test_a_cell_is_never_green_without_a_reason(results, could_leak, verdict):
    attempts = [Attempt("way", result, "because") for result in results]

    assert judge(attempts, could_leak)[0] is verdict


def test_an_identity_by_default_reads_what_is_its_own_only(database):
    """Owner columns are found by name where no key tells."""
    dsn = database("notes", "create table public.plain (id serial primary key, owner_id uuid, text text)")
    execute(dsn, "grant select on public.plain to authenticated, anon")
    ghost = Identity("anon", "anon", audience=ANON)
    user = Identity("a", "authenticated", {}, {"user": A})
    other = Identity("b", "authenticated", {}, {"user": "5c2f6a3e-0000-4000-8000-000000000001"})

    report = examine(dsn, (ghost, user, other), Intent({"user": Kind(names=("owner_id",))}))

    assert cell(report, "anon", "public.plain", Operation.SELECT).verdict is Verdict.LEAK
    assert cell(report, "a", "public.plain", Operation.SELECT).verdict is Verdict.LEAK
    assert OWN == "own"
