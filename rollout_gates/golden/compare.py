"""An answer beside what was expected of it: every difference, readable, and the count of what was compared."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from rollout_gates.golden.matchers import Difference, Findings, compare_value, matcher_of, show
from rollout_gates.golden.model import UNSET, Expectation, GoldenError, Reply
from rollout_gates.golden.schemas import schema_differences
from rollout_gates.json_text import parse

if TYPE_CHECKING:
    from rollout_gates.golden.model import Unset

_BODY_SHOWN = 400


@dataclass(frozen=True)
class Comparison:
    """The result of one comparison. *compared* counts values, so that a comparison of nothing shows."""

    differences: tuple[Difference, ...]
    compared: int

    def __str__(self) -> str:
        if not self.differences:
            return f"no difference ({self.compared} values compared)"
        return "\n".join(map(str, self.differences))


def compare(expectation: Expectation, reply: Reply) -> Comparison:
    """Compare *reply* with *expectation*, whose placeholders are filled already.

    Raises `GoldenError` when nothing was compared: that is a defect of the case, never a pass.
    """
    findings = Findings()
    body = _Body(reply)
    _compare_status(expectation, reply, findings)
    if broken := getattr(reply, "fault", None):
        findings.differences.append(Difference("body", f"a body that broke off: {broken}", "a whole answer"))
    for name, expected in expectation.headers.items():
        _compare_header(reply, name, expected, findings)
    if expectation.json is not UNSET:
        if body.json is UNSET:
            findings.compared += 1
            findings.differences.append(Difference("body", body.description, f"JSON {show(expectation.json)}"))
        else:
            compare_value(body.json, expectation.json, "json", findings)
    if expectation.text is not UNSET:
        compare_value(body.text, expectation.text, "text", findings)
    if expectation.says is not UNSET:
        _compare_words(body, expectation.says, findings)
    if expectation.schema is not None:
        _compare_schema(body, expectation, findings)
    if not findings.differences and not findings.compared:
        raise GoldenError("the expectation compared nothing")
    return Comparison(tuple(findings.differences), findings.compared)


class _Body:
    """The body of an answer in the forms in which it may be judged."""

    def __init__(self, reply: Reply) -> None:
        self.text = reply.body.decode("utf-8", errors="replace")
        self.content_type = header(reply, "content-type")
        try:
            self.json: Any = parse(self.text)
        except ValueError:
            self.json = UNSET

    @property
    def description(self) -> str:
        kind = "no content type" if self.content_type is UNSET else str(self.content_type)
        shown = self.text if len(self.text) <= _BODY_SHOWN else f"{self.text[:_BODY_SHOWN]} ... ({len(self.text)})"
        return f"{kind} {json.dumps(shown, ensure_ascii=False)}"

    def sentences(self) -> Iterator[str]:
        """The texts that a reader finds in the body, whatever its format."""
        if self.json is not UNSET:
            yield from _strings_in(self.json)
            return
        yield from (line.strip() for line in self.text.splitlines())
        if "<" in self.text:
            parser = _TextNodes()
            with contextlib.suppress(AssertionError):  # how html.parser refuses a marked section
                parser.feed(self.text)
            yield from parser.texts


class _TextNodes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        if text := data.strip():
            self.texts.append(text)


def header(reply: Reply, name: str) -> str | Unset:
    """The value of a header of *reply*, whatever the case of its name; several values are joined with a comma."""
    values = [str(value) for key, value in reply.headers.items() if str(key).lower() == name.lower()]
    return ", ".join(values) if values else UNSET


def status_fits(status: int, wanted: tuple[int | str, ...]) -> bool:
    """Whether *status* is one of *wanted*, itself or by its class (`"4xx"`)."""
    return status in wanted or f"{status // 100}xx" in wanted


def _compare_status(expectation: Expectation, reply: Reply, findings: Findings) -> None:
    if not expectation.status:
        return
    findings.compared += 1
    if not status_fits(reply.status, expectation.status):
        findings.differ("status", reply.status, " or ".join(map(str, expectation.status)))


def _compare_header(reply: Reply, name: str, expected: Any, findings: Findings) -> None:
    got = header(reply, name)
    if name.lower() == "content-type" and isinstance(expected, str) and ";" not in expected and got is not UNSET:
        # `; charset=utf-8` is not a difference unless the case names a parameter.
        got = str(got).split(";")[0].strip()
    compare_value(got, expected, f"header {name}", findings)


def _compare_words(body: _Body, expected: Any, findings: Findings) -> None:
    findings.compared += 1
    for sentence in body.sentences():
        attempt = Findings()
        compare_value(sentence, expected, "says", attempt)
        if not attempt.differences:
            return
    words = show(expected) if matcher_of(expected) is None else f"a text like {show(expected)}"
    findings.differences.append(Difference("says", body.description, words))


def _compare_schema(body: _Body, expectation: Expectation, findings: Findings) -> None:
    assert expectation.schema is not None
    findings.compared += 1
    if body.json is UNSET:
        findings.differences.append(Difference("body", body.description, f"JSON after {expectation.body_schema}"))
        return
    for found in schema_differences(expectation.schema, body.json):
        expected = f"{found.expected} ({expectation.body_schema})"
        findings.differences.append(Difference(found.path, found.got, expected))


def _strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _strings_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings_in(member)
