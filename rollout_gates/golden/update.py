"""`--update-golden`: take over what the system answered, and say which files changed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from rollout_gates.golden.compare import status_fits
from rollout_gates.golden.exchange import Exchange, judge
from rollout_gates.golden.matchers import Findings, compare_value, matcher_of
from rollout_gates.golden.model import UNSET, GoldenError
from rollout_gates.golden.render import fill
from rollout_gates.golden.schemas import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def update(exchanges: Iterable[Exchange], *, variables: Mapping[str, str] = os.environ) -> list[Path]:
    """Rewrite status, json and text of the active expectation of each case whose answer differs; list the files.

    Matchers and placeholders that the answer still satisfies stay as they are. Headers, `says` and the body schema
    are never rewritten: they say what must hold, not what was seen. Refused with `GoldenError` where `CI` is set.
    """
    refuse_in_ci(variables)
    return [exchange.case.file for exchange in sorted(exchanges, key=lambda each: each.case.id) if _rewrite(exchange)]


def refuse_in_ci(variables: Mapping[str, str]) -> None:
    """Raise `GoldenError` where the variable `CI` is set: nobody would look at what was rewritten."""
    if variables.get("CI"):
        raise GoldenError("--update-golden refuses to work in CI (the variable CI is set)")


def _rewrite(exchange: Exchange) -> bool:
    if not judge(exchange).differences:
        return False
    file = exchange.case.file
    data = read_json(file)
    expect = data["expect"][exchange.expectation.key]
    before = json.dumps(expect)
    _rewrite_status(expect, exchange.reply.status)
    body = exchange.reply.body.decode("utf-8", errors="replace")
    if "json" in expect:
        try:
            expect["json"] = merged(expect["json"], json.loads(body), exchange.values)
        except ValueError:
            raise GoldenError(f"{file}: the answer is not JSON, so its expectation cannot be updated") from None
    if "text" in expect:
        expect["text"] = merged(expect["text"], body, exchange.values)
    if json.dumps(expect) == before:
        return False
    file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return True


def _rewrite_status(expect: dict[str, Any], got: int) -> None:
    if "status" not in expect:
        return
    allowed = expect["status"] if isinstance(expect["status"], list) else [expect["status"]]
    if not status_fits(got, tuple(allowed)):
        expect["status"] = got


def merged(expected: Any, got: Any, values: Mapping[str, Any]) -> Any:
    """*got* as an expectation: the parts of *expected* that it satisfies are kept word for word."""
    findings = Findings()
    compare_value(got, fill(expected, values), "", findings)
    if not findings.differences:
        return expected
    name = matcher_of(expected)
    if name == "$has" and isinstance(got, dict):
        kept = {key: _member(member, got.get(key, UNSET), values) for key, member in expected[name].items()}
        return {name: {key: member for key, member in kept.items() if member is not UNSET}}
    if name == "$each" and isinstance(got, list) and got:
        return {name: merged(expected[name], got[0], values)}
    if name is None and isinstance(expected, dict) and isinstance(got, dict):
        kept = {key: merged(expected[key], got[key], values) for key in expected if key in got}
        absent = {key: member for key, member in expected.items() if key not in got and matcher_of(member) == "$absent"}
        return {**kept, **absent, **{key: member for key, member in got.items() if key not in expected}}
    if name is None and isinstance(expected, list) and isinstance(got, list):
        paired = [merged(old, new, values) for old, new in zip(expected, got, strict=False)]
        return paired + got[len(paired) :]
    return got


def _member(expected: Any, got: Any, values: Mapping[str, Any]) -> Any:
    if got is UNSET:
        return expected if matcher_of(expected) == "$absent" else UNSET
    return merged(expected, got, values)
