"""The proof of the gate of migrations: green where one only adds, and each fault turns red what its row names."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import psycopg
import pytest

from rollout_gates.catalogue import load
from rollout_gates.migrations.seeding import Seeder
from tests.migrations.corpus import BASE, FAULTY, HERE, SAFE
from tests.proof.gate import _TIMEOUT_S, ROOT, WHOLE, GateRun, _variables, built_faults, environment_file

MINE = ("TTS-MIG-", "TTS-CUT-05")
CLAUSES = {clause.id for clause in load(ROOT / "clauses").for_gates(["migration-invariants"], ["tts"])}
FAULTS = built_faults("tts", MINE)
REQUIRED = {"F-38", "F-66", "F-67", "F-68", "F-69", "F-70", "F-71"}
DAILY = ("F-68",)
FOREIGN = "enum_value_added"
"""It builds on a type that this project does not have, so nothing can be said of it here."""
LAST_OF_THE_BASE = max(BASE.glob("*.sql")).name


def judge(folder, *arguments, environment=None, variables=None, name="evidence") -> GateRun:
    """Run the gate as a user would."""
    environment = environment or environment_file(folder, "qwen")
    evidence = folder / name
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "migration-invariants"]
    done = subprocess.run(
        [*command, f"--env={environment}", "--system=tts", f"--evidence={evidence}", *arguments],
        cwd=ROOT,
        env={**_variables(), **(variables or {})},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return GateRun(done.returncode, done.stdout + done.stderr, evidence)


def project(folder, path):
    """Return a folder of migrations in which *path* comes after all that is deployed."""
    made = folder / "migrations"
    shutil.copytree(BASE, made)
    (made / f"20270101000000_{path.name}").write_text(path.read_text())
    return made


def test_every_fault_of_the_gate_is_built():
    assert {fault["id"] for fault in FAULTS} >= REQUIRED


@pytest.mark.parametrize("mode", ["qwen", "modal"] if WHOLE else ["qwen"])
def test_a_migration_that_only_adds_is_go(tmp_path, mode):
    run = judge(tmp_path, environment=environment_file(tmp_path, mode))

    assert (run.evidence["verdict"], run.status) == ("GO", 0), run.told()
    assert run.ids("green") == CLAUSES
    titles = {table["title"] for table in run.evidence["comparisons"]}
    assert titles == {"Statements of the migration", "Rehearsal of the migration", "Database before and after"}


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if WHOLE or fault["id"] in DAILY], ids=lambda row: row["id"]
)
def test_a_fault_turns_red_what_it_breaks_and_nothing_else(tmp_path, fault):
    run = judge(tmp_path, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert run.ids("red") == CLAUSES & set(fault["red"]), run.told()
    assert run.ids("inconclusive") == set(), run.told()
    assert (run.evidence["verdict"], run.status) == ("NO-GO", 1)


@pytest.mark.skipif(not WHOLE, reason="a few of them are tried every day, by the rules alone all of them")
@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_a_faulty_file_is_no_go(tmp_path, path):
    run = judge(tmp_path, f"--migrations={project(tmp_path, path)}", f"--migration-base={LAST_OF_THE_BASE}")

    assert (run.evidence["verdict"], run.status) == ("NO-GO", 1), run.told()


@pytest.mark.parametrize(
    "path",
    [path for path in SAFE if (WHOLE and path.stem != FOREIGN) or path.stem == "batched_backfill"],
    ids=lambda p: p.stem,
)
def test_a_safe_file_is_go(tmp_path, path):
    run = judge(tmp_path, f"--migrations={project(tmp_path, path)}", f"--migration-base={LAST_OF_THE_BASE}")

    assert (run.evidence["verdict"], run.status) == ("GO", 0), run.told()


@pytest.mark.skipif(not WHOLE, reason="one more run")
def test_a_file_alone_is_rehearsed_after_the_deployment_s_own(tmp_path):
    (tmp_path / "alone").mkdir()
    shutil.copy(HERE / "safe" / "view_with_invoker.sql", tmp_path / "alone")

    run = judge(tmp_path, f"--migrations={tmp_path / 'alone'}")

    assert (run.evidence["verdict"], run.status) == ("GO", 0), run.told()


@contextmanager
def deployment(*arguments):
    """Run a sandbox as somebody else's deployment: the build and the schema from before, with rows in it."""
    command = [sys.executable, "-m", "sandbox", "--json", "--until-eof", "--system=tts", "--setting=tts.build=old"]
    with subprocess.Popen(
        [*command, "--mode=modal", *arguments],
        cwd=ROOT,
        env=_variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            ready = json.loads(process.stdout.readline())
            with psycopg.connect(ready["variables"]["TTS_DATABASE_DSN"]) as connection:
                Seeder(connection, ["public"]).seed(20)
            yield ready
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def told_environment(folder, ready, kind="staging"):
    """Write the environment file that the owner of the deployment would write."""
    table = ready["systems"]["tts"]
    keys = ("api_url", "auth_url", "data_url", "storage_url", "lane")
    lines = [f'kind = "{kind}"', "[limits]", "billable_calls = 4", "[tts]", 'provider_mode = "modal"']
    lines += [f"{key} = {json.dumps(table[key])}" for key in keys]
    lines += ["[tts.secrets]", 'anon_key = "TTS_ANON_KEY"', 'database_dsn = "TTS_DATABASE_DSN"']
    path = folder / f"{kind}.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def migrate(ready):
    """Have the deployment's own migration run."""
    url = f"{ready['control_url']}/tts/{next(iter(ready['instances'])).partition('/')[2]}/migrate"
    with urllib.request.urlopen(urllib.request.Request(url, data=b"{}", method="POST")) as answer:
        assert answer.status == 200


def reasons(run):
    return {row["id"]: row["reason"] for row in run.evidence["clauses"] if row["outcome"] == "inconclusive"}


@pytest.mark.parametrize("faults", [(), ("--fault=tts:F-68",)] if WHOLE else [("--fault=tts:F-68",)], ids=len)
def test_a_deployed_database_is_compared_in_two_runs(tmp_path, faults):
    with deployment(*faults) as ready:
        given = {"environment": told_environment(tmp_path, ready), "variables": ready["variables"]}
        kept = f"--before={tmp_path / 'before.json'}"
        before = judge(tmp_path, "--phase=before", kept, **given, name="before")
        migrate(ready)
        after = judge(tmp_path, "--phase=after", kept, **given, name="after")

    assert before.evidence["verdict"] == "INCONCLUSIVE", before.told()
    assert reasons(before)["TTS-MIG-05"] == "too early"
    assert (tmp_path / "before" / "migration-before.json").is_file()
    compared = {"TTS-MIG-04", "TTS-MIG-05", "TTS-MIG-06", "TTS-MIG-07", "TTS-MIG-08", "TTS-MIG-10"}
    broken = {"TTS-MIG-05", "TTS-MIG-06"} if faults else set()
    assert after.ids("red") == broken, after.told()
    assert after.ids("green") >= compared - broken, after.told()
    assert set(reasons(after)) == {"TTS-MIG-09", "TTS-MIG-12"}
    (table,) = after.evidence["comparisons"]
    assert [bar for bar in table["bars"] if bar["group"].startswith("tasks: ")]
    assert any(line["good"] is False for line in table["lines"]) is bool(faults)


@pytest.mark.skipif(not WHOLE, reason="three runs")
def test_nothing_that_was_not_migrated_is_green(tmp_path):
    with deployment() as ready:
        given = {"environment": told_environment(tmp_path, ready), "variables": ready["variables"]}
        kept = f"--before={tmp_path / 'before.json'}"
        judge(tmp_path, "--phase=before", kept, **given, name="before")
        run = judge(tmp_path, "--phase=after", kept, **given, name="after")

    assert {"TTS-MIG-04", "TTS-MIG-05", "TTS-MIG-08", "TTS-MIG-10"} <= set(reasons(run)), run.told()
    assert {"TTS-MIG-01", "TTS-MIG-02", "TTS-MIG-03"} <= run.ids("red")


@pytest.mark.skipif(not WHOLE, reason="one more run")
def test_production_is_only_read(tmp_path):
    with deployment() as ready:
        migrate(ready)
        environment = told_environment(tmp_path, ready, kind="prod")
        run = judge(tmp_path, environment=environment, variables=ready["variables"])

    assert run.ids("red") == set(), run.told()
    assert run.ids("green") >= {"TTS-MIG-01", "TTS-MIG-02", "TTS-MIG-03", "TTS-MIG-10", "TTS-MIG-11", "TTS-CUT-05"}
    assert set(reasons(run)) == {"TTS-MIG-04", "TTS-MIG-05", "TTS-MIG-08", "TTS-MIG-09", "TTS-MIG-12"}
