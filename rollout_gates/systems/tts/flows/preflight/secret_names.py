"""The names of the secrets that a deployment holds; values are never looked at, nor kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.json_text import parse
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.log_source import feed_text
from rollout_gates.systems.tts.playground import playground
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.settings import Settings

_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_NAME_KEYS = ("name", "key", "Name", "Key")


@dataclass(frozen=True)
class SecretNames:
    """The *names* that are set, the *region* of the provider that is meant, and the mode that the deployment runs."""

    names: frozenset[str]
    region: str


@flow("secret_names")
async def secret_names(context: Context) -> SecretNames:
    """List the names: by the team's own command or file, in the sandbox by its remote control."""
    settings: Settings = context.settings
    region = settings.provider.region if settings.provider is not None else "intl"
    if settings.secret_names is not None:
        names = frozenset(names_in(await feed_text(settings.secret_names, "tts.secret_names")))
    elif context.sandbox_url is not None:
        async with playground(context) as ground:
            names = frozenset((await ground.state())["variables"])
    else:
        raise NotConfigured("configure [tts.secret_names], a command or a file that lists the names of the secrets")
    if not names:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "tts.secret_names lists no name such as DASHSCOPE_API_KEY")
    return SecretNames(names, region)


def names_in(text: str) -> Iterator[str]:
    """Yield the names of variables in what a tool prints: JSON, a table, ``NAME=...``, or a name a line.

    Only the first word of a line is looked at, so that a value or a digest is never taken for a name.
    """
    try:
        found = parse(text)
    except ValueError:
        yield from _first_words(text.splitlines())
    else:
        yield from _named(found)


def _named(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        listed = [value for value in found.values() if isinstance(value, list)]
        yield from (name for value in listed for name in _named(value))
        yield from (name for name in found if _NAME.fullmatch(name))
    for entry in found if isinstance(found, list) else ():
        name = entry if isinstance(entry, str) else _of_entry(entry)
        if isinstance(name, str) and _NAME.fullmatch(name):
            yield name


def _of_entry(entry: Any) -> Any:
    return next((entry[key] for key in _NAME_KEYS if key in entry), None) if isinstance(entry, dict) else None


def _first_words(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        words = re.split(r"[\s|│┃=:,]+", line.strip(" \t|│┃"))
        if words and _NAME.fullmatch(words[0].strip("\"'")):
            yield words[0].strip("\"'")
