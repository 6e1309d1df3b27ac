"""Placeholders: `${name}` and `${name:argument}` in a case become the values of one run.

A string that is nothing but a placeholder takes the value with its type (`"${cap}"` becomes an integer);
inside a longer string the value is put in as text. `$${` stands for a literal `${`.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rollout_gates.golden.model import UNSET, Case, Expectation, GoldenError, Request

_PLACEHOLDER = re.compile(r"\$?\$\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9_.+-]+)?")
_MAX_GENERATED = 1_000_000
# A name that ends in `:*` takes any argument.
BUILTIN_NAMES = frozenset({"uuid", "uuid:*", "chars:*", "emoji:*"})


def names_in(value: Any) -> Iterator[str]:
    """Every placeholder name in *value*, argument included, in reading order."""
    if isinstance(value, str):
        for match in _PLACEHOLDER.finditer(value):
            if not match[0].startswith("$$"):
                yield match[1]
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from names_in(key)
            yield from names_in(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from names_in(member)


def is_offered(name: str, offered: Collection[str]) -> bool:
    """Whether *name* is in *offered*, literally or by an entry that takes any argument."""
    return name in offered or (":" in name and f"{name.split(':', maxsplit=1)[0]}:*" in offered)


def check_names(value: Any, offered: Collection[str]) -> None:
    """Raise `GoldenError` at the first placeholder in *value* that neither the library nor the system offers."""
    known = BUILTIN_NAMES | set(offered)
    for name in names_in(value):
        if not _NAME.fullmatch(name):
            raise GoldenError(f"placeholder '${{{name}}}' is not of the form name or name:argument")
        if not is_offered(name, known):
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
            hint = f", did you mean '${{{near[0]}}}'?" if near else f"; offered: {', '.join(sorted(known))}"
            raise GoldenError(f"unknown placeholder '${{{name}}}'{hint}")
        if is_offered(name, BUILTIN_NAMES):
            builtin(name)


def needs(case: Case, mode: str | None = None) -> set[str]:
    """The names that the system must supply for *case*: in *mode*, or in every mode it has an expectation for."""
    expectation = case.expectation(mode) if mode else None
    judged = [expectation] if expectation else list(case.expect.values())
    return {name for name in names_in([_parts(case.request), *map(_parts, judged)]) if not is_builtin(name)}


def is_builtin(name: str) -> bool:
    """Whether the library makes the value of *name* itself."""
    return is_offered(name, BUILTIN_NAMES)


def builtin(name: str) -> str:
    """A fresh value for a name of the library's own: `uuid[:label]`, `chars:<count>`, `emoji:<count>`."""
    kind, _, argument = name.partition(":")
    if kind == "uuid":
        return str(uuid.uuid4())
    if not argument.isdecimal() or not 0 < int(argument) <= _MAX_GENERATED:
        raise GoldenError(f"placeholder '${{{name}}}' needs a count of 1 to {_MAX_GENERATED}")
    return ("a" if kind == "chars" else "\N{GRINNING FACE}") * int(argument)


def builtins_for(case: Case) -> dict[str, str]:
    """One value for each of the library's names in *case*: the same name is the same value throughout the case."""
    parts = [_parts(case.request), *map(_parts, case.expect.values())]
    return {name: builtin(name) for name in sorted(set(names_in(parts))) if is_builtin(name)}


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """*value* with its placeholders replaced. Raises `GoldenError` for a name that *values* lacks."""
    if isinstance(value, str):
        return _fill_text(value, values)
    if isinstance(value, Mapping):
        return {str(_fill_text(key, values)): fill(member, values) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fill(member, values) for member in value)
    return value


def fill_request(request: Request, values: Mapping[str, Any]) -> Request:
    """*request* ready to be sent. Path, query and headers are text whatever the type of the value."""
    parts = {name: fill(part, values) for name, part in _parts(request).items()}
    parts["path"] = str(parts["path"])
    parts["query"] = tuple((str(name), str(value)) for name, value in parts["query"])
    parts["headers"] = {name: value if value is None else str(value) for name, value in parts["headers"].items()}
    return dataclasses.replace(request, **parts)


def fill_expectation(expectation: Expectation, values: Mapping[str, Any]) -> Expectation:
    """*expectation* ready to be compared with an answer."""
    return dataclasses.replace(expectation, **{name: fill(part, values) for name, part in _parts(expectation).items()})


def _parts(of: Request | Expectation | None) -> dict[str, Any]:
    if of is None:
        return {}
    fields = (
        ("path", "query", "headers", "json", "raw_body", "multipart")
        if isinstance(of, Request)
        else ("json", "text", "says", "headers")
    )
    return {name: part for name in fields if (part := getattr(of, name)) is not UNSET}


def _fill_text(text: str, values: Mapping[str, Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole and not text.startswith("$$"):
        return _value(whole[1], values)
    return _PLACEHOLDER.sub(
        lambda match: match[0][1:] if match[0].startswith("$$") else str(_value(match[1], values)), text
    )


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise GoldenError(f"no value was supplied for placeholder '${{{name}}}'")
    return values[name]
