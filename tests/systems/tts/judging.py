"""Judges a target by the real checks of the smoke suite, called one by one with what the flows observed."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures import tts as fixtures
from rollout_gates.catalogue import applicability, load
from rollout_gates.wire import BadAnswer, CouldNotJudge
from tests.systems.tts.acting import Acting

ROOT = Path(__file__).parents[3]
SUITE = ROOT / "suites" / "smoke"
CATALOGUE = load(ROOT / "clauses")
DERIVED = {
    "generate_answers": "generates",
    "active_tasks": "active",
    "ended_tasks": "ended",
    "voice_pages": "voice_pages",
}
LISTED = {"voice_list": "voices", "generation_list": "generations"}


def checks() -> dict[str, Callable[..., None]]:
    """The checks of the smoke suite by name, all but the golden ones."""
    found: dict[str, Callable[..., None]] = {}
    for module in pkgutil.iter_modules([str(SUITE)]):
        if module.name == "test_golden_payloads":
            continue
        spec = importlib.util.spec_from_file_location(f"smoke_{module.name}", SUITE / f"{module.name}.py")
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        found |= {name: check for name, check in vars(loaded).items() if name.startswith("test_")}
    return found


def clauses_of(check: Callable[..., None]) -> tuple[str, ...]:
    """The clauses that *check* is marked with."""
    return tuple(name for mark in check.pytestmark for name in mark.args)  # type: ignore[attr-defined]


async def judged(acting: Acting) -> dict[str, str]:
    """Return the outcome of each check that applies: passed, or the reason or message that it ended with."""
    applicable = {name: check for name, check in checks().items() if _applies(check, acting.context.settings.facts())}
    names = sorted({flow for check in applicable.values() for flow in _flows_of(check)})
    seen = await asyncio.gather(*(acting.observe(name) for name in names), return_exceptions=True)
    observed = dict(zip(names, seen, strict=True))
    return {name: _outcome(check, observed, acting) for name, check in applicable.items()}


def _applies(check: Callable[..., None], facts: dict[str, str]) -> bool:
    return any(applicability(CATALOGUE.ids[name], facts, "staging") is None for name in clauses_of(check))


def _flows_of(check: Callable[..., None]) -> set[str]:
    """The flows whose observations *check* asks for, directly or through a fixture."""
    through = {**dict.fromkeys(DERIVED, "answers"), **dict.fromkeys(LISTED, "lists")}
    return {through.get(name, name) for name in inspect.signature(check).parameters if name != "deployment"}


def _outcome(check: Callable[..., None], observed: dict[str, Any], acting: Acting) -> str:
    try:
        wanted = inspect.signature(check).parameters
        check(**{name: _given(name, observed, acting) for name in wanted})
    except CouldNotJudge as problem:
        return f"inconclusive: {problem.reason}: {problem}"
    except (AssertionError, BadAnswer) as problem:
        return f"failed: {problem}"
    return "passed"


def _given(name: str, observed: dict[str, Any], acting: Acting) -> Any:
    if name == "deployment":
        return acting.context.settings
    if name in LISTED:
        return fixtures.holding(getattr(_seen(observed, "lists"), LISTED[name]))
    if name in DERIVED:
        return fixtures.some(getattr(_seen(observed, "answers"), DERIVED[name]), f"no {name}")
    return _seen(observed, name)


def _seen(observed: dict[str, Any], name: str) -> Any:
    if isinstance(observed[name], BaseException):
        raise observed[name]
    return observed[name]


def others_than_passed(outcomes: dict[str, str]) -> dict[str, str]:
    """Return the outcomes that are not passed."""
    return {name: outcome for name, outcome in outcomes.items() if outcome != "passed"}
