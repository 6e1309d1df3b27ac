"""Pages of a list: `page`, `per_page`, and the `pagination` object of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tts.api.text import trimmed, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PER_PAGE = 20
MAX_PER_PAGE = 100
# `offset` is a bigint in the database.
MAX_OFFSET = 2**62


@dataclass(frozen=True)
class Page:
    """One page, counted from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Rows before the page; a page beyond the end is simply empty."""
        return min((self.number - 1) * self.size, MAX_OFFSET)

    def answer(self, total: int) -> dict[str, int]:
        """`pagination` for a list of *total* rows."""
        pages = max(1, -(-total // self.size))
        return {"page": self.number, "per_page": self.size, "total": total, "pages": pages}


def page_of(query: Mapping[str, str]) -> Page:
    """The page that *query* asks for. What is no number, or below 1, falls back to the default."""
    number = whole_number(query.get("page"))
    size = whole_number(query.get("per_page"))
    return Page(
        number=number if number is not None and number >= 1 else 1,
        size=min(size, MAX_PER_PAGE) if size is not None and size >= 1 else DEFAULT_PER_PAGE,
    )


def search_pattern(query: Mapping[str, str]) -> str | None:
    """The `ilike` pattern of `search`, None without one. `%` and `_` act as wildcards, and so does `*`."""
    search = trimmed(query.get("search"))
    return None if search is None else f"%{search.replace('*', '%')}%"
