"""Mistakes of the person who runs or writes a gate. Each prints as one line.

UsageProblem            what the command line or a file says cannot be done
├── EnvironmentFileError  the environment file: names file, key, expectation
├── UnknownFlow           a fixture asks for a flow that the system does not have
└── SandboxFailed         the local stand-in did not start
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsageProblem(Exception):
    """Something the user can mend; nothing was sent. Exit status 4."""


class EnvironmentFileError(UsageProblem):
    """The environment file cannot be used. The message names file, key and what was expected."""


class SandboxFailed(UsageProblem):
    """The local stand-in did not start."""


class UnknownFlow(UsageProblem):
    """No flow of that name."""

    def __init__(self, system: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"{system} has no flow {name!r}{did_you_mean(name, known)}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest of *known*, or the choices when nothing is near."""
    choices = sorted(known)
    near = get_close_matches(word, choices, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; choose from: {', '.join(choices)}" if choices else ""
