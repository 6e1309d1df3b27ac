from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import rules
from tests.house.files import ROOT, ours

SLASH = "/"  # joined at run time, so that this file does not break the rule that it tests


def machine_paths(text: str, path: str = "docs/run-it.md") -> list[str]:
    places = {"root": Path(f"{SLASH}data/checkout"), "home": Path(f"{SLASH}people/ann")}
    return rules.no_machine_path(path, text, **places)


def test_no_file_speaks_of_a_machine() -> None:
    found = [line for path, text in ours() for line in rules.no_machine_path(path, text, root=ROOT, home=Path.home())]

    assert found == []


def test_no_file_is_left_unfinished() -> None:
    assert [problem for path, text in ours() for problem in rules.nothing_unfinished(path, text)] == []


def test_files_of_many_kinds_were_read() -> None:
    assert {Path(path).suffix for path, _text in ours()} >= {".py", ".toml", ".md", ".json"}


@pytest.mark.parametrize(
    "text",
    [
        f"cd {SLASH}home/ann/code",
        f"see {SLASH}Users/ann",
        f"{SLASH}data/checkout/reports",
        f'"{SLASH}data"',
        f"({SLASH}people/ann/.venv)",
        "C:" + "\\Users\\ann",
    ],
)
def test_a_path_of_a_machine_is_found(text: str) -> None:
    assert len(machine_paths(f"first\n{text}")) == 1


@pytest.mark.parametrize(
    "text", [f"{SLASH}database", f"GET {SLASH}api{SLASH}home{SLASH}x", f"docs{SLASH}data", f"{SLASH}usr/bin/env bash"]
)
def test_a_path_of_any_machine_or_none_is_fine(text: str) -> None:
    assert machine_paths(text) == []


def test_a_checkout_in_a_usual_place_forbids_no_usual_path() -> None:
    text = f"files go to {SLASH}tmp"

    assert rules.no_machine_path("a.md", text, root=Path(f"{SLASH}tmp/clone"), home=Path(f"{SLASH}people/ann")) == []


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME"])
def test_what_is_left_to_do_is_found(word: str) -> None:
    assert len(rules.nothing_unfinished("sandbox/clock.py", f"# {word}: later\n")) == 1


def test_a_word_that_merely_looks_unfinished_is_fine() -> None:
    assert rules.nothing_unfinished("sandbox/clock.py", "# a todo list, a TODOS table") == []
