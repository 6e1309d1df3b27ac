"""Reads the documents: pages, their blocks, and what stands between backticks."""

from __future__ import annotations

import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]


@functools.cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    """Return the fenced blocks of *page* in one of *languages*."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL)
    return [block for language, block in found if language in languages]


def prose(page: Path) -> str:
    """Return *page* without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


def spans(page: Path) -> list[str]:
    """Return what stands between single backticks."""
    return re.findall(r"`([^`\n]+)`", prose(page))
