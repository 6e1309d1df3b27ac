"""What it costs to take one moment of a large table, beside a plain group-by scan of the same table in the same run.

    python benchmarks/migration.py [--rows 5000000] [--rounds 3]

Eight invariants (the hashes of eight columns, and rows by group) in one scan, as `--phase=before` reads them. The aims:
at most 5 group-by scans, and a client of at most 40 MiB beyond the one that reads an empty table. Beside it: eight
separate queries, one an invariant. Before that a smaller table is changed in twelve ways, and what the hashes say of it
is compared with what a client says that pulls both tables and looks at each value.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import psycopg
from figures import Aim, run, tell, write

from rollout_gates.migrations.plans import Plan
from rollout_gates.migrations.snapshot import take
from sandbox.postgres import Cluster

AIM_SCANS, AIM_MIB = 5.0, 40.0
DSN = "BENCHMARK_DSN"
COLUMNS = ("user_id", "name", "language", "source", "characters", "credits", "metadata", "created_at")
GROUP = "select source, count(*) from public.things group by source"
TABLE = """
create table public.things (
  id uuid primary key default gen_random_uuid(), user_id uuid not null, name text not null, language text,
  source text not null, characters integer, credits bigint, metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
)
"""
ROWS = """
insert into public.things (user_id, name, language, source, characters, credits, metadata, created_at)
select gen_random_uuid(), 'voice ' || i, case when i %% 9 > 0 then 'Auto' end,
  case when i %% 3 = 0 then 'designed' else 'uploaded' end, i %% 600, i::bigint * 7, jsonb_build_object('k', i %% 50),
  timestamptz '2026-01-01 00:00+00' + i * interval '1 second'
from generate_series(1, %s) i
"""
CHANGES = {
    "one name": "update public.things set name = name || '!' where credits = 700",
    "two names swapped": "update public.things set name = case credits when 7 then 'voice 2' else 'voice 1' end "
    "where credits in (7, 14)",
    "one null": "update public.things set language = null where credits = 70",
    "one number": "update public.things set characters = characters + 1 where credits = 77",
    "one document": "update public.things set metadata = '{}' where credits = 84",
    "one user": "update public.things set user_id = gen_random_uuid() where credits = 91",
    "one time": "update public.things set created_at = created_at + interval '1 microsecond' where credits = 98",
    "one row less": "delete from public.things where credits = 105",
    "one source": "update public.things set source = 'designed' where credits = 112",
    "all numbers": "update public.things set credits = credits + 1",
    "case of a language": "update public.things set language = lower(language)",
    "nothing": "update public.things set name = name",
}


def plan(*columns: str) -> Plan:
    return Plan(groups={"public.things": ("source",)}, columns={"public.things": columns or COLUMNS})


def timed(act) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def separate(connection: psycopg.Connection) -> None:
    for column in COLUMNS:
        take(connection, replace(plan(column), groups={}))


def by_hand(connection: psycopg.Connection) -> dict[str, tuple[object, ...]]:
    named = ", ".join(COLUMNS)
    return {row[0]: row[1:] for row in connection.execute(f"select id::text, {named} from public.things")}


def looked_at(before: dict[str, tuple[object, ...]], after: dict[str, tuple[object, ...]]) -> set[str]:
    """Return the columns that differ for any row, and ``rows`` where rows differ, by looking at every value."""
    if before.keys() != after.keys():
        return {"rows"}
    return {name for at, name in enumerate(COLUMNS) for key, row in before.items() if row[at] != after[key][at]}


def hashed(before, after) -> set[str]:
    if before.rows != after.rows:
        return {"rows"}
    return {name for name in COLUMNS if before.hashes[name] != after.hashes[name]}


def same_answers(connection: psycopg.Connection) -> list[str]:
    """Return the changes of which the hashes say something else than a look at every value."""
    wrong = []
    for name, change in CHANGES.items():
        before, slow_before = take(connection, plan()).tables["public.things"], by_hand(connection)
        connection.execute("begin")
        connection.execute(change)
        connection.execute("commit")
        after, slow_after = take(connection, plan()).tables["public.things"], by_hand(connection)
        if hashed(before, after) != looked_at(slow_before, slow_after):
            wrong.append(name)
    return wrong


def client(dsn: str) -> None:
    """Take one moment and print the most memory that this process ever held, in MiB.

    The kernel is asked, since what `wait` tells of a child begins with the size of its parent.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        take(connection, plan())
    held = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(held.split()[1]) / 1024)


def memory_of(dsn: str) -> float:
    return float(run([sys.executable, __file__], **{DSN: dsn}).output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    if DSN in os.environ:  # a client of its own, measured from outside
        client(os.environ[DSN])
        return
    with Cluster.start() as cluster:
        small, large = cluster.create_database("small"), cluster.create_database("large")
        with psycopg.connect(small, autocommit=True) as connection:
            connection.execute(TABLE)
            idle = memory_of(small)
            connection.execute(ROWS, (20_000,))
            wrong = same_answers(connection)
        with psycopg.connect(large, autocommit=True) as connection:
            connection.execute(TABLE)
            connection.execute(ROWS, (options.rows,))
            connection.execute("vacuum analyze public.things")
            rounds = [
                (
                    timed(lambda: connection.execute(GROUP).fetchall()),
                    timed(lambda: take(connection, plan())),
                    timed(lambda: separate(connection)),
                )
                for _ in range(options.rounds)
            ]
        peak = memory_of(large)
    scan, one, eight = (statistics.median(each) for each in zip(*rounds, strict=True))
    aims = [
        Aim("eight invariants, in group-by scans of the same table", one / scan, AIM_SCANS),
        Aim("memory of the client beyond an empty table's, MiB", peak - idle, AIM_MIB),
        Aim("changes told otherwise than by a look at every value", len(wrong), 0),
    ]
    figures = {
        "rows": options.rows,
        "group_by_scan_s": round(scan, 2),
        "one_scan_s": round(one, 2),
        "eight_queries_s": round(eight, 2),
        "client_mib": round(peak, 1),
        "wrong": wrong,
    }
    print(json.dumps(figures))
    tell(aims)
    write(options.json, figures, aims)


if __name__ == "__main__":
    main()
