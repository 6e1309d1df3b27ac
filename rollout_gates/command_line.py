"""Options whose value is a path, written with a blank: `--env file.toml` in place of `--env=file.toml`.

Before pytest knows our options it takes a path that exists for a place to collect tests from, and looks for its
configuration there. Then it finds neither the suites nor the option. The hook below is an entry point (``pytest11``) of
its own: it is called early enough to say so, and does nothing else in anybody's project.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

PATHS = ("--env", "--evidence", "--migrations", "--migration-base", "--before")
_OURS = ("suites", "clauses", "environments")
_USAGE_ERROR = 4


def pytest_load_initial_conftests(early_config: Any, args: Sequence[str]) -> None:
    """Refuse a command line that led pytest away from the folder of the gates. Raises ``SystemExit``."""
    here = early_config.invocation_params.dir
    if early_config.inipath is not None or not all((here / name).is_dir() for name in _OURS):
        return
    for option, value in separate(args):
        if (here / value).exists():
            sys.stderr.write(f"ERROR: {option} {value}: write it with an equals sign: {option}={value}\n")
            raise SystemExit(_USAGE_ERROR)


def separate(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Return the (option, value) pairs that are written with a blank between them."""
    return [
        (option, value)
        for option, value in zip(arguments, list(arguments)[1:], strict=False)
        if option in PATHS and not value.startswith("-")
    ]


def joined(arguments: Sequence[str]) -> list[str]:
    """Return *arguments* with such values tied to their options: what workers of a parallel run are started with."""
    tied, rest = list[str](), list(arguments)
    while rest:
        pair = separate(rest[:2])
        tied.append(f"{pair[0][0]}={pair[0][1]}" if pair else rest[0])
        del rest[: 2 if pair else 1]
    return tied
