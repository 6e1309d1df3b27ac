"""A snapshot says the same of the same rows, and something else of any others, in one scan."""

import json

import pytest

from rollout_gates.migrations.plans import Plan
from rollout_gates.migrations.snapshot import Snapshot, TooManyGroups, take

TABLE = """
create table public.things (
  id uuid primary key default gen_random_uuid(), name text, kind text, size int, weight numeric, meta jsonb,
  seen timestamptz, day date, ok boolean, ratio float8, raw bytea, tags text[], created_at timestamptz default now()
);
insert into public.things (name, kind, size, weight, meta, seen, day, ok, ratio, raw, tags)
select 'n' || i, case when i % 2 = 0 then 'a' else 'b' end, i, i / 3.0, jsonb_build_object('i', i), now(), '2026-01-01',
  i % 3 = 0, i / 7.0, decode('ff', 'hex'), array['x', i::text] from generate_series(1, 40) i;
"""


@pytest.fixture
def things(database):
    database.execute(TABLE)
    return database


def state(connection, **plan):
    return take(connection, Plan(**plan)).tables["public.things"]


def test_the_order_of_rows_does_not_matter(things) -> None:
    before = state(things)
    things.execute("create table public.copy as select * from public.things order by name desc")
    things.execute(
        "truncate public.things; insert into public.things select * from public.copy; drop table public.copy"
    )

    assert state(things) == before


@pytest.mark.parametrize(
    "column", ["name", "kind", "size", "weight", "meta", "seen", "day", "ok", "ratio", "raw", "tags", "id"]
)
def test_one_changed_value_changes_the_hash_of_its_column_alone(things, column) -> None:
    before = state(things)
    new = {
        "size": "1000", "weight": "7.5", "meta": "'{}'", "seen": "now() + interval '1 s'", "day": "'2026-02-02'",
        "ok": "not ok", "ratio": "9.25", "raw": "'\\x00'", "tags": "'{}'", "id": "gen_random_uuid()",
    }.get(column, "'changed'")  # fmt: skip
    things.execute(f"update public.things set {column} = {new} where size = 7")
    after = state(things)

    assert after.rows == before.rows
    changed = {name for name in before.hashes if before.hashes[name] != after.hashes[name]}
    assert changed == ({column} if column != "id" else set(before.hashes))


def test_two_rows_that_swap_their_values_do_not_look_the_same(things) -> None:
    before = state(things)
    things.execute(
        "update public.things set name = case name when 'n1' then 'n2' else 'n1' end where name in ('n1', 'n2')"
    )

    assert state(things).hashes["name"] != before.hashes["name"]


def test_a_value_that_is_taken_away_is_seen(things) -> None:
    before = state(things)
    things.execute("update public.things set name = null where name = 'n1'")

    assert state(things).hashes["name"] != before.hashes["name"]


def test_doubled_rows_are_seen_in_a_table_without_a_key(database) -> None:
    database.execute("create table public.things (name text); insert into public.things values ('a'), ('a'), ('b')")
    before = state(database)
    database.execute("insert into public.things values ('b'), ('b')")
    database.execute("delete from public.things where ctid = (select min(ctid) from public.things where name = 'a')")

    assert state(database).hashes != before.hashes


def test_rows_are_counted_by_group_in_the_same_scan(things) -> None:
    things.execute("update public.things set kind = null where size = 1")
    found = state(things, groups={"public.things": ("kind",)})

    assert (found.rows, found.by_group) == (40, {"kind=a": 20, "kind=b": 19, "kind=null": 1})
    assert found.hashes == state(things).hashes


def test_rows_that_came_later_are_left_out(things) -> None:
    before = take(things, Plan())
    things.execute("insert into public.things (name, created_at) values ('later', clock_timestamp())")

    assert state(things, until=before.taken) == before.tables["public.things"]


def test_only_the_columns_from_before_are_compared(things) -> None:
    before = take(things, Plan())
    things.execute("alter table public.things add column extra text default 'x', drop column raw")
    after = state(things, columns=before.columns())

    assert set(before.tables["public.things"].hashes) - set(after.hashes) == {"raw"}
    assert "extra" not in after.hashes


def test_nothing_is_written_and_nothing_stays_open(things) -> None:
    take(things, Plan())

    assert things.execute("select count(*) from pg_stat_activity where state = 'idle in transaction'").fetchone() == (
        0,
    )


def test_groups_without_end_are_refused(things) -> None:
    things.execute("insert into public.things (name) select 'm' || i from generate_series(1, 300) i")

    with pytest.raises(TooManyGroups, match=r"public\.things"):
        state(things, groups={"public.things": ("name",)})


def test_a_snapshot_survives_a_file(things) -> None:
    found = take(things, Plan(groups={"public.things": ("kind",)}))

    assert Snapshot.of(json.loads(json.dumps(found.told()))) == found
