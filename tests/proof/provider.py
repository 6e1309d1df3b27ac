"""Judges a provider by the real checks of the streaming suite, called one by one with what the flows observed."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from fixtures import tts_provider
from rollout_gates.environment import Secret
from rollout_gates.systems.tts import Settings
from rollout_gates.wire import BadAnswer, CouldNotJudge
from sandbox.tts.settings import VC_MODELS, VD_MODELS
from tests.proof.gate import ROOT
from tests.sandbox.provider_fixtures import Bench, bench
from tests.systems.tts.acting import Acting, acting

SUITE = ROOT / "suites" / "streaming"
# What the deployment itself says is seen in the log of a whole sandbox only.
OWN_CLIENT = SUITE / "test_provider_own_client.py"
MODULES = sorted(path for path in SUITE.glob("test_provider_*.py") if path != OWN_CLIENT)
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Judged:
    """How the checks ended: clause and message of each that failed or could not judge, and the clauses that passed."""

    failed: tuple[tuple[str, str], ...]
    undecided: tuple[tuple[str, str], ...]
    passed: frozenset[str]
    left: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def red(self) -> set[str]:
        return {clause for clause, _ in self.failed}

    @property
    def green(self) -> set[str]:
        return set(self.passed) - self.red - {clause for clause, _ in self.undecided}

    def told(self) -> str:
        return "\n".join(f"{clause}: {text}" for clause, text in (*self.failed, *self.undecided))


def judge(
    folder: Path,
    *faults: str,
    options: dict[str, Any] | None = None,
    models: tuple[str, ...] | None = None,
    timeout_s: float = 3.0,
    billable_calls: int = 100,
) -> Judged:
    """Judge a stand-in with *faults* of the protocol and with other *options*, by all checks of the provider."""

    async def run() -> Judged:
        async with bench(*faults) as running:
            for key, value in (options or {}).items():
                running.providers.dashscope.set_option(key, value)
            settings = settings_for(running, models)
            async with acting(folder, settings, billable_calls=billable_calls, timeout_s=timeout_s) as stage:
                found = await judged(stage)
            left = tuple(running.providers.dashscope.voices.by_id)
            notes = tuple(row["text"] for row in stage.events.of("note"))
            return Judged(found.failed, found.undecided, found.passed, left, notes)

    return asyncio.run(run())


def settings_for(running: Bench, models: tuple[str, ...] | None = None) -> Settings:
    """Settings that point at running stand-ins, and at no deployment."""
    providers = running.providers
    every = (*VC_MODELS.values(), *VD_MODELS.values())
    table = {
        **dict.fromkeys(("api_url", "auth_url", "data_url", "storage_url"), NOWHERE),
        "provider_mode": "qwen",
        "lane": "realtime",
        "provider": {
            "region": "intl",
            "rest_url": f"{providers.dashscope.url}/api/v1",
            "realtime_url": providers.dashscope.realtime_url,
            "other_rest_url": f"{providers.dashscope_elsewhere.url}/api/v1",
            "models": every if models is None else models,
        },
    }
    return Settings.model_validate(table).with_secrets({"dashscope_api_key": Secret(providers.dashscope.api_key)})


async def judged(stage: Acting, modules: Sequence[Path] = MODULES) -> Judged:
    """Run every check of *modules* on what the flows that it asks for observed."""
    cases = [case for module in modules for case in _cases(_loaded(module))]
    names = sorted({name for check, _ in cases for name in _flows_of(check)})
    seen = dict(
        zip(names, await asyncio.gather(*(stage.observe(name) for name in names), return_exceptions=True), strict=True)
    )
    failed, undecided, passed = [], [], set()
    for check, given in cases:
        (clause,) = [name for mark in check.pytestmark if mark.name == "clause" for name in mark.args]
        try:
            check(**{name: given[name] if name in given else _value(name, seen) for name in _parameters(check)})
        except CouldNotJudge as problem:
            undecided.append((clause, f"{problem.reason}: {problem}"))
        except (AssertionError, BadAnswer) as problem:
            failed.append((clause, str(problem)))
        else:
            passed.add(clause)
    return Judged(tuple(failed), tuple(undecided), frozenset(passed))


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"provider_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _cases(module: ModuleType) -> Iterator[tuple[Callable[..., None], dict[str, Any]]]:
    """Yield each check with the values of its parameters."""
    for name, check in vars(module).items():
        if name.startswith("test_"):
            marks = [mark for mark in check.pytestmark if mark.name == "parametrize"]
            choices = [[(mark.args[0], value) for value in mark.args[1]] for mark in marks]
            yield from ((check, dict(chosen)) for chosen in itertools.product(*choices))


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _flows_of(function: Callable[..., Any]) -> set[str]:
    """The flows whose observations *function* asks for, directly or through fixtures."""
    found = set()
    for name in _parameters(function):
        made = getattr(tts_provider, name, None)
        if made is None:
            continue
        inner = made._get_wrapped_function()
        found |= {inner.observes[1]} if hasattr(inner, "observes") else _flows_of(inner)
    return found


def _value(name: str, seen: dict[str, Any]) -> Any:
    """What the fixture *name* hands out, or raises."""
    inner = getattr(tts_provider, name)._get_wrapped_function()
    if not hasattr(inner, "observes"):
        return inner(**{each: _value(each, seen) for each in _parameters(inner)})
    found = seen[inner.observes[1]]
    if isinstance(found, BaseException):
        raise found
    return found
