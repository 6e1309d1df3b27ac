"""The console script ``rollout-gates``: what a person does around a run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, Protocol, cast

from rollout_gates import __version__
from rollout_gates.errors import UsageProblem

_COMMANDS = ("clauses", "verify", "render", "ledger", "incident", "migrations", "cleanup")
_EPILOG = """\
A gate itself is run by pytest:
  pytest -m smoke --env=local         against the sandbox, which the run starts by itself
  pytest -m smoke --env=staging       against what environments/staging.toml points at

Exit status of a gate and of verify: 0 GO, 1 NO-GO, 6 INCONCLUSIVE, 4 a bad option or file.
"""


class Command(Protocol):
    """A module with one command of the script."""

    def add_parser(self, subparsers: Any, /) -> None:
        """Add the command's options."""

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Do it, and return the exit status."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line, and whose status is that of a usage error."""

    def error(self, message: str) -> NoReturn:
        """Say *message* and leave with status 4."""
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        raise SystemExit(4)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* and return the exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["sandbox"]:
        return _sandbox(given[1:])
    commands = {name: cast("Command", import_module(f"rollout_gates.cli_{name}")) for name in _COMMANDS}
    arguments = _parser(commands).parse_args(given)
    try:
        return commands[arguments.command].run(arguments)
    except UsageProblem as problem:
        sys.stderr.write(f"rollout-gates {arguments.command}: {problem}\n")
        return 4
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(commands: dict[str, Command]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="rollout-gates",
        description="Around the gates: the sandbox, the catalogue, and the evidence of a run.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rollout-gates {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    subparsers.add_parser(
        "sandbox", help="run the stand-in systems in the foreground; see sandbox --help", add_help=False
    )
    for command in commands.values():
        command.add_parser(subparsers)
    return parser


def _sandbox(arguments: Sequence[str]) -> int:
    """Become the sandbox: a process of its own, never imported."""
    root = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    os.environ["SANDBOX_PROGRAM"] = "rollout-gates sandbox"
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *arguments])  # noqa: S606 - our own interpreter


if __name__ == "__main__":
    raise SystemExit(main())
