"""One text, searched in every way that is asked for."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from rollout_gates.secret_search.finding import Finding, Fingerprints
from rollout_gates.secret_search.kinds import NAMES, Match, by_form
from rollout_gates.secret_search.library import COUNT, by_library, by_name
from rollout_gates.secret_search.values import Known

_LONG_LINE = 500
Allowed = Callable[[Match, str], bool]


@dataclass(frozen=True)
class Ways:
    """How a text is searched, beside by value: for *forms* of keys, for keys of the *library*, for *named* values.

    *lasting*: tokens that have not expired count as well; *demo*: the published keys of a local stack do not.
    """

    forms: bool = True
    library: bool = True
    named: bool = False
    lasting: bool = True
    demo: bool = False


ANSWERS = Ways(library=False, lasting=False)
"""Answers and logs: tokens of users stand in many an answer, and rightly so."""
BUILT = Ways()
"""What was built to be public."""
CODE = Ways(named=True, demo=True)
"""Source code."""
VALUES_ONLY = Ways(forms=False, library=False)


@dataclass(frozen=True)
class Searcher:
    """Looks for known *values*, and for what looks like a key."""

    values: Known
    fingerprints: Fingerprints = field(default_factory=Fingerprints)

    def told(self, ways: Ways) -> Iterator[str]:
        """Yield what is looked for, for a reader of the evidence."""
        yield f"by value: {', '.join(self.values.names) or 'no secret is configured'}"
        if self.values.too_plain:
            yield f"not by value, since it is too short or too plain: {', '.join(self.values.too_plain)}"
        kinds = [f"{len(NAMES)} kinds of keys"] if ways.forms else []
        kinds += [f"{COUNT} detectors of detect-secrets"] if ways.library else []
        kinds += ["random values with the name of a secret"] if ways.named else []
        if kinds:
            yield f"by form: {', '.join(kinds)}"

    def search(
        self, text: str, place: str, ways: Ways, *, allowed: Allowed = lambda _match, _line: False
    ) -> Iterator[Finding]:
        """Yield what stands in *text*, by line; what is known by its value is not told again by its form.

        *allowed* says of a match and its line whether somebody accepted it. A known value is never accepted.
        """
        lines, hits = _Lines(text), sorted(self.values.within(text), key=lambda hit: hit.start)
        for hit in hits:
            yield self._finding(place, hit.kind, hit.value, lines.at(hit.start))
        seen = set[tuple[int, str]]()
        for match in self._matches(text, place, ways):
            end = match.start + len(match.value)
            if any(match.start < hit.start + hit.size and hit.start < end for hit in hits):
                continue
            if (match.start, match.value) not in seen and not allowed(match, lines.around(match.start)):
                seen.add((match.start, match.value))
                yield self._finding(place, match.kind, match.value, lines.at(match.start))

    def _matches(self, text: str, place: str, ways: Ways) -> Iterator[Match]:
        if ways.forms:
            yield from by_form(text, lasting=ways.lasting, demo=ways.demo)
        if ways.library:
            yield from by_library(text)
        if ways.named:
            yield from by_name(text, place)

    def _finding(self, place: str, kind: str, value: str, at: tuple[int, int | None]) -> Finding:
        return Finding(place, kind, self.fingerprints.of(value), *at)


class _Lines:
    """Where the lines of a text begin; looked for when somebody asks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []

    def at(self, offset: int) -> tuple[int, int | None]:
        """Return the line of *offset*, and the column where the line is a long one; both count from 1."""
        number = bisect.bisect_right(self._known(), offset)
        start, end = self._span(number)
        return number, offset - start + 1 if end - start > _LONG_LINE else None

    def around(self, offset: int) -> str:
        """Return the line of *offset* and the one before it."""
        number = bisect.bisect_right(self._known(), offset)
        return self._text[self._span(max(1, number - 1))[0] : self._span(number)[1]]

    def _span(self, number: int) -> tuple[int, int]:
        starts = self._known()
        return starts[number - 1], starts[number] if number < len(starts) else len(self._text)

    def _known(self) -> list[int]:
        if not self._starts:
            self._starts = [0, *(match.end() for match in re.finditer("\n", self._text))]
        return self._starts


def without_repeats(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return *findings*, of the same secret on one line one alone."""
    first: dict[tuple[str, int | None, str], Finding] = {}
    for finding in findings:
        first.setdefault((finding.place, finding.line, finding.fingerprint), finding)
    return tuple(first.values())
