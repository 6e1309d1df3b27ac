"""What a rule found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One finding. *index* is that of the frame among all frames of its dialogue; None where there is no such frame."""

    got: str
    expected: str
    index: int | None = None
    tolerated: bool = False

    def told(self) -> str:
        """Return it in one line."""
        place = f"frame {self.index}: " if self.index is not None else ""
        return f"{place}got {self.got}, expected {self.expected}"
