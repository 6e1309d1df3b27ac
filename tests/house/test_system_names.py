from __future__ import annotations

import pytest

from rollout_gates.registry import system_packages
from tests.house import rules
from tests.house.files import ROOT, ours


def test_systems_are_named_only_where_they_belong() -> None:
    assert [problem for path, text in ours() for problem in rules.no_system_name(path, text)] == []


def test_the_rule_knows_every_system() -> None:
    keys = {*system_packages(), *(path.stem for path in (ROOT / "clauses").glob("*.toml"))}

    assert keys <= set(rules.SYSTEM_NAMES)


@pytest.mark.parametrize(
    "line",
    [
        'KEY = "tts"',
        "tts_voice = None",
        "class TtsClient:",
        "voice_of_qwen = 1",
        "# Modal answers late",
        "full-pass",
        "FULL_PASS = 3",
        "import fixtures.stages",
        "DASHSCOPE_API_KEY",
    ],
)
def test_a_name_in_a_generic_module_is_found(line: str) -> None:
    assert len(rules.no_system_name("rollout_gates/run.py", f"first = 1\n{line}\n")) == 1


@pytest.mark.parametrize("line", ["mottts = 1", "a modality", "--stage N", "staged", "a full passage", "qwens"])
def test_a_word_that_merely_looks_like_a_name_is_none(line: str) -> None:
    assert rules.no_system_name("rollout_gates/run.py", line) == []


@pytest.mark.parametrize("path", ["suites/smoke/test_a.py", "rollout_gates/systems/tts/client.py", "docs/run-it.md"])
def test_a_system_is_named_where_it_belongs(path: str) -> None:
    assert rules.no_system_name(path, 'KEY = "tts"') == []


@pytest.mark.parametrize(("line", "problems"), [('    "dashscope>=2.0,<3",', 0), ('dashscope = ["aiohttp>=3"]', 1)])
def test_a_package_to_install_may_be_called_like_a_provider(line: str, problems: int) -> None:
    assert len(rules.no_system_name("pyproject.toml", line)) == problems
