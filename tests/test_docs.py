"""What the documents say is there: links, commands, options, words, clauses, files."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout_gates import cli
from rollout_gates.catalogue import load
from rollout_gates.reasons import Reason
from rollout_gates.selection import GATES
from rollout_gates.verdict import Outcome, Verdict
from tests.documents import DOCS, PAGES, ROOT, blocks, prose, spans, text_of

MOST_BYTES_OF_AN_IMAGE = 200_000
EXAMPLE = "TTS-SMOKE-13"
"""The clause that write-a-check.md makes up, so that no page speaks of it as if it were there."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


# --- links and images


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of *page*, as a forge makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{link}: there is no such heading"


@each_page
def test_every_link_leads_somewhere(page):
    assert list(dead_links(page)) == []


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One thing, here\n[a](#one-thing-here) [b](#two) [c](gone.md) [d](https://example.com)\n")

    assert list(dead_links(page)) == ["#two: there is no such heading", "gone.md: there is no such file"]


def test_every_page_is_on_the_map():
    shown = re.findall(r"\]\(([\w-]+\.md)\)", text_of(DOCS / "index.md"))

    assert {page.name for page in DOCS.glob("*.md")} == {*shown, "index.md"}


@pytest.mark.parametrize("image", sorted((DOCS / "images").glob("*")), ids=lambda image: image.name)
def test_every_image_is_small_and_shown(image):
    assert image.stat().st_size < MOST_BYTES_OF_AN_IMAGE
    assert any(f"images/{image.name})" in text_of(page) for page in PAGES)


# --- commands and their options

_PROGRAM = re.compile(r"(?:^|[\s/])(pytest|rollout-gates (?:\w+))\b")


@functools.cache
def known_options(program: str) -> frozenset[str]:
    """Return the options that the help of *program* shows, such as ``pytest`` or ``rollout-gates verify``."""
    words = program.split()
    module = ["pytest"] if words[0] == "pytest" else ["rollout_gates.cli", *words[1:]]
    done = subprocess.run(
        [sys.executable, "-m", *module, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "PYTEST_ADDOPTS": ""},
        check=True,
    )
    return frozenset(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout))


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of ours in *text* with the options that they are given, longest names first."""
    for line in text.replace("\\\n", " ").splitlines():
        for command in re.split(r"\s(?:&&|\||;)\s|#", line):
            if found := _PROGRAM.search(command):
                rest = command[found.end() :].partition(" -d ")[0]
                yield found[1], re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", rest)


def unknown_options(page: Path) -> Iterator[str]:
    runnable = [*blocks(page, "sh", "console", "yaml"), *spans(page)]
    for text in runnable:
        for program, options in commands(text):
            if program.startswith("rollout-gates") and program.split()[1] not in (*cli._COMMANDS, "sandbox"):
                if program.split()[1] not in NOT_YET:
                    yield f"{program}: there is no such command"
                continue
            yield from (f"{program} {option}" for option in options if option not in known_options(program))


NOT_YET = {"diff", "merge", "ledger"}
PLUGINS = {"--reruns", "--numprocesses"}
"""Options of pytest plugins that may not be installed."""


@each_page
def test_every_option_of_a_command_is_there(page):
    assert list(unknown_options(page)) == []


def test_an_unknown_option_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\n.venv/bin/pytest -m smoke --evn=prod\nrollout-gates verify --fast DIR\n```\n`rollout-gates chek`\n"
    )

    assert list(unknown_options(page)) == [
        "pytest --evn",
        "rollout-gates verify --fast",
        "rollout-gates chek: there is no such command",
    ]


@each_page
def test_every_option_in_the_text_is_one_of_ours(page):
    ours = known_options("pytest") | PLUGINS
    ours |= {option for name in (*cli._COMMANDS, "sandbox") for option in known_options(f"rollout-gates {name}")}
    named = {option for span in spans(page) if span.startswith("--") for option in re.findall(r"--[a-z][\w-]*", span)}

    assert named - ours == set()


def test_the_readme_names_every_command():
    named = set(re.findall(r"^\| `rollout-gates (\w+)", text_of(ROOT / "README.md"), re.MULTILINE))

    assert named == {*cli._COMMANDS, "sandbox"}


def test_the_options_of_a_run_are_all_explained():
    plugin = (ROOT / "rollout_gates" / "plugin.py").read_text(encoding="utf-8")
    ours = re.findall(r'add\(\s*"(--[\w-]+)"', plugin)

    assert len(ours) > 8
    assert [option for option in ours if option not in text_of(DOCS / "run-it.md")] == []


def test_the_options_of_the_sandbox_are_all_explained():
    options = {option for option in known_options("rollout-gates sandbox") if option.startswith("--")} - {"--help"}

    assert sorted(option for option in options if f"`{option}" not in text_of(DOCS / "sandbox.md")) == []


# --- words


def test_every_reason_is_explained_and_no_other():
    words = text_of(DOCS / "words.md")
    part = words[words.index("## Reasons") : words.index("## How a verdict is made")]

    assert re.findall(r"^\| `([^`]+)`", part, re.MULTILINE) == [reason.value for reason in Reason]


def test_every_reason_has_a_remedy():
    report = text_of(DOCS / "read-the-report.md")

    assert [reason.value for reason in Reason if f"`{reason.value}`" not in report] == []


def test_every_outcome_and_verdict_is_explained():
    words = text_of(DOCS / "words.md")

    assert [word.value for word in (*Outcome, *Verdict) if f"`{word.value}`" not in words] == []


def test_the_words_are_sorted():
    words = re.findall(r"^\*\*([\w ]+)\*\*:", text_of(DOCS / "words.md"), re.MULTILINE)

    assert words == sorted(words)


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "in-a-pipeline.md"], ids=lambda page: page.name)
def test_every_exit_status_is_explained(page):
    rows = re.findall(r"^\| (\d) \| ", text_of(page), re.MULTILINE)

    assert sorted(rows) == ["0", "1", "2", "3", "4", "5", "6"]


def test_every_gate_is_named():
    assert [gate for gate in GATES if f"`{gate}`" not in text_of(DOCS / "run-it.md")] == []


# --- numbers and names


def test_the_clauses_that_are_spoken_of_exist():
    catalogue = load(ROOT / "clauses")
    named = {name for page in PAGES for name in re.findall(r"\b(?:TTS|STG|FP)(?:-[A-Z]+)+-\d\d\b", text_of(page))}

    assert named - set(catalogue.ids) <= {EXAMPLE}


def test_the_readme_counts_the_clauses_right():
    catalogue = load(ROOT / "clauses")

    assert f"({len(catalogue.clauses)} clauses)" in text_of(ROOT / "README.md")


FOLDERS = (
    "environments/",
    "clauses/",
    "suites/",
    "fixtures/",
    "golden_payloads/",
    "rollout_gates/",
    "sandbox/",
    "tests/",
)
MADE_UP = {
    "suites/smoke/test_repetition.py",
    "rollout_gates/systems/tts/flows/repetition.py",
    "golden_payloads/tts/generations/a-finished-generation-can-be-asked-for-again.json",
}
"""Files of the example in write-a-check.md."""


def test_the_files_that_are_spoken_of_exist():
    named = {span for page in PAGES for span in spans(page) if re.fullmatch(r"[\w./-]+\.(py|toml|json|md)", span)}
    ours = {name for name in named if name.startswith(FOLDERS) and "NAME" not in name}

    assert {name for name in ours if not (ROOT / name).exists()} <= MADE_UP
