"""Comparison of two JSON values: whole by default, looser only where the case says so with a matcher.

A matcher is an object with one key that begins with `$`:

`{"$match": KIND}`      the value is of that kind (see `KINDS`)
`{"$one_of": [...]}`    it equals one of these, each of which may hold matchers
`{"$regex": PATTERN}`   it is a string that the pattern finds something in
`{"$has": {...}}`       it is an object with at least these members
`{"$each": ...}`        it is a list with at least one item, and every item is like this
`{"$any": true}`        it is there, whatever it is; nothing is compared
`{"$absent": true}`     the member is not there at all; null is not absent
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollout_gates.golden.model import UNSET, GoldenError

_SHOWN_CHARACTERS = 400
_CONTEXT_CHARACTERS = 60
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def _is_timestamp(value: Any) -> bool:
    if not isinstance(value, str) or "T" not in value.replace(" ", "T"):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


KINDS: Mapping[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "bool": lambda value: isinstance(value, bool),
    "int": _is_int,
    "nonempty": lambda value: isinstance(value, str | list | dict) and len(value) > 0,
    "null": lambda value: value is None,
    "number": lambda value: _is_int(value) or isinstance(value, float),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
    "timestamp": _is_timestamp,
    "uuid": lambda value: isinstance(value, str) and _UUID.fullmatch(value) is not None,
}


@dataclass(frozen=True)
class Difference:
    """One place where an answer is not what was expected: *path* in it, and both sides as readable text."""

    path: str
    got: str
    expected: str

    def __str__(self) -> str:
        return f"{self.path}: got {self.got}, expected {self.expected}"


@dataclass
class Findings:
    """What a comparison found, and how many values it really compared."""

    differences: list[Difference] = field(default_factory=list)
    compared: int = 0

    def differ(self, path: str, got: Any, expected: str) -> None:
        """Note a difference; *expected* is a phrase, *got* the value itself."""
        self.differences.append(Difference(path, show(got), expected))


def compare_value(got: Any, expected: Any, path: str, findings: Findings) -> None:
    """Compare *got* (UNSET when the member is missing) with *expected*, matchers included."""
    name = matcher_of(expected)
    if name:
        _MATCHERS[name](got, expected[name], path, findings)
    elif isinstance(expected, Mapping) and isinstance(got, Mapping):
        _compare_objects(got, expected, path, findings, whole=True)
    elif isinstance(expected, list | tuple) and isinstance(got, list):
        _compare_lists(got, expected, path, findings)
    else:
        findings.compared += 1
        if not _same(got, expected):
            findings.differences.append(_unequal(path, got, expected))


def matcher_of(value: Any) -> str | None:
    """The name of the matcher that *value* is, or None for a plain value."""
    if isinstance(value, Mapping) and len(value) == 1:
        name = str(next(iter(value)))
        return name if name.startswith("$") else None
    return None


def check_matchers(value: Any) -> None:
    """Raise `GoldenError` where *value* holds something that looks like a matcher but is none."""
    if isinstance(value, Mapping):
        name = matcher_of(value)
        if name:
            _check_matcher(name, value[name])
        elif dollar := [key for key in value if str(key).startswith("$")]:
            raise GoldenError(f"a matcher stands alone in its object, '{dollar[0]}' has {len(value) - 1} neighbours")
        for member in value.values():
            check_matchers(member)
    elif isinstance(value, list | tuple):
        for member in value:
            check_matchers(member)


def compares_something(value: Any) -> bool:
    """Whether a comparison with *value* could fail in more than presence."""
    name = matcher_of(value)
    if name == "$any":
        return False
    if name == "$has":
        return any(compares_something(member) for member in value[name].values())
    if name == "$one_of":
        return all(compares_something(member) for member in value[name])
    return True


def show(value: Any) -> str:
    """*value* as JSON; a long one keeps both ends and says how long it is."""
    if value is UNSET:
        return "nothing (absent)"
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    half = _SHOWN_CHARACTERS // 2
    return f"{text[:half]} ... {text[-half:]} ({len(text)} characters)"


def _check_matcher(name: str, argument: Any) -> None:
    if name not in _MATCHERS:
        near = difflib.get_close_matches(name, list(_MATCHERS), n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(_MATCHERS)}"
        raise GoldenError(f"unknown matcher '{name}', {hint}")
    if name == "$match" and argument not in KINDS:
        raise GoldenError(f"unknown kind {show(argument)} for $match, known: {', '.join(KINDS)}")
    if name == "$one_of" and not (isinstance(argument, list) and argument):
        raise GoldenError("$one_of needs a list with at least one member")
    if name == "$has" and not (isinstance(argument, Mapping) and argument):
        raise GoldenError("$has needs an object with at least one member")
    if name in ("$any", "$absent") and argument is not True:
        raise GoldenError(f"{name} takes true and nothing else")
    if name == "$regex":
        try:
            re.compile(argument)
        except (re.error, TypeError) as error:
            raise GoldenError(f"$regex {show(argument)} is no pattern: {error}") from None


def _compare_objects(
    got: Mapping[str, Any], expected: Mapping[str, Any], path: str, findings: Findings, *, whole: bool
) -> None:
    findings.compared += 1
    for key, member in expected.items():
        compare_value(got.get(key, UNSET), member, f"{path}.{key}", findings)
    if whole:
        for key in got:
            if key not in expected:
                findings.differ(f"{path}.{key}", got[key], "nothing (no such member)")


def _compare_lists(got: list[Any], expected: list[Any] | tuple[Any, ...], path: str, findings: Findings) -> None:
    findings.compared += 1
    for index, member in enumerate(expected):
        compare_value(got[index] if index < len(got) else UNSET, member, f"{path}[{index}]", findings)
    for index in range(len(expected), len(got)):
        findings.differ(f"{path}[{index}]", got[index], f"nothing (the list ends after {len(expected)})")


def _same(got: Any, expected: Any) -> bool:
    # Python says True == 1; JSON does not.
    return isinstance(got, bool) == isinstance(expected, bool) and bool(got == expected)


def _unequal(path: str, got: Any, expected: Any) -> Difference:
    if isinstance(got, str) and isinstance(expected, str) and max(len(got), len(expected)) > _SHOWN_CHARACTERS:
        pairs = enumerate(zip(got, expected, strict=False))
        at = next((index for index, (one, other) in pairs if one != other), min(len(got), len(expected)))
        window = slice(max(0, at - _CONTEXT_CHARACTERS), at + _CONTEXT_CHARACTERS)
        where = f"around character {at}"
        return Difference(
            path,
            f"{len(got)} characters, {where} {show(got[window])}",
            f"{len(expected)} characters, {where} {show(expected[window])}",
        )
    return Difference(path, show(got), show(expected))


def _match(got: Any, kind: str, path: str, findings: Findings) -> None:
    findings.compared += 1
    if got is UNSET or not KINDS[kind](got):
        findings.differ(path, got, f"a value of kind {kind}")


def _one_of(got: Any, choices: list[Any], path: str, findings: Findings) -> None:
    findings.compared += 1
    attempts = []
    for choice in choices:
        attempt = Findings()
        compare_value(got, choice, path, attempt)
        if not attempt.differences:
            return
        attempts.append(attempt)
    if isinstance(got, dict | list):
        # A list of whole objects helps nobody; what the nearest choice lacks does.
        findings.differences += min(attempts, key=lambda attempt: len(attempt.differences)).differences
    else:
        findings.differ(path, got, f"one of {', '.join(show(choice) for choice in choices)}")


def _regex(got: Any, pattern: str, path: str, findings: Findings) -> None:
    findings.compared += 1
    if not isinstance(got, str) or re.search(pattern, got) is None:
        findings.differ(path, got, f"a string that matches {pattern}")


def _has(got: Any, members: Mapping[str, Any], path: str, findings: Findings) -> None:
    if isinstance(got, Mapping):
        _compare_objects(got, members, path, findings, whole=False)
    else:
        findings.compared += 1
        findings.differ(path, got, f"an object with {', '.join(members)}")


def _each(got: Any, member: Any, path: str, findings: Findings) -> None:
    findings.compared += 1
    if not isinstance(got, list) or not got:
        findings.differ(path, got, "a list with at least one item")
        return
    for index, item in enumerate(got):
        compare_value(item, member, f"{path}[{index}]", findings)


def _any(got: Any, _argument: bool, path: str, findings: Findings) -> None:
    if got is UNSET:
        findings.differ(path, got, "any value")


def _absent(got: Any, _argument: bool, path: str, findings: Findings) -> None:
    findings.compared += 1
    if got is not UNSET:
        findings.differ(path, got, "nothing (absent)")


_MATCHERS: Mapping[str, Callable[[Any, Any, str, Findings], None]] = {
    "$match": _match,
    "$one_of": _one_of,
    "$regex": _regex,
    "$has": _has,
    "$each": _each,
    "$any": _any,
    "$absent": _absent,
}
