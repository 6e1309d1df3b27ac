"""pytest-html's own front end, fed from the events instead of from a live plugin.

The packaged template, style sheet, script and ``data-jsonblob`` format are used as they are; our parts are put into the
template at fixed places. The plugin itself is never loaded: it would cost three times the run time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from importlib import metadata, util
from pathlib import Path
from typing import Any, Final

import jinja2

from rollout_gates.evidence.text import duration, one_line

_INSERTS: Final = (
    ('<meta charset="utf-8"/>', '<meta charset="utf-8"/>{% include "head.jinja2" %}'),
    ('<body>\n    <h1 id="title">{{ title }}</h1>', '<body>{% include "report.jinja2" %}'),
    ("  </body>", '{% include "tail.jinja2" %}</body>'),
    (' onclick="location.reload()"', ""),
)

# The script knows these seven results and no others; `xfailed` stands for our inconclusive, under our own label.
_RESULTS: Final = {
    "failed": ("failed", "failed"),
    "error": ("errored", "errored"),
    "xfailed": ("inconclusive", "inconclusive"),
    "skipped": ("skipped", "skipped"),
    "passed": ("passed", "passed"),
    "xpassed": ("", ""),
    "rerun": ("not run", "not run"),
}
_RESULT_OF: Final = {outcome: result for result, (outcome, _) in _RESULTS.items() if outcome}

TABLE_HEAD: Final = (
    '<th class="sortable" data-column-type="result">Outcome</th>',
    '<th class="sortable" data-column-type="testId">Check</th>',
    '<th class="sortable" data-column-type="clauses">Clauses</th>',
    '<th class="sortable" data-column-type="duration">Duration</th>',
)


class FrontEndChanged(Exception):
    """The installed pytest-html is laid out differently from the versions that pyproject allows."""


class FrontEndLoader(jinja2.BaseLoader):
    """Loads pytest-html's templates, with our includes put into ``index.jinja2``."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return the source of *template*. Raises `FrontEndChanged` where our parts find no place."""
        del environment
        path = _resources() / template
        if not path.is_file():
            raise jinja2.TemplateNotFound(template)
        source = path.read_text("utf-8")
        if template == "index.jinja2":
            for anchor, replacement in _INSERTS:
                if source.count(anchor) != 1:
                    raise FrontEndChanged(f"pytest-html {version()}: index.jinja2 has no single {anchor!r}")
                source = source.replace(anchor, replacement)
        return source, str(path), lambda: True


@cache
def _resources() -> Path:
    # Found without importing it: the package imports pytest, which this one never does.
    found = util.find_spec("pytest_html")
    if found is None or not found.submodule_search_locations:
        raise FrontEndChanged("pytest-html is not installed; index.html is built from it")
    return Path(found.submodule_search_locations[0]) / "resources"


@cache
def version() -> str:
    """Return the version of pytest-html that is installed."""
    return metadata.version("pytest-html")


def style_sheet() -> str:
    """Return pytest-html's style sheet."""
    return (_resources() / "style.css").read_text("utf-8")


def outcomes(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the filters above the table, with how many checks each of them shows."""
    tally = Counter(check["outcome"] for check in document["checks"])
    return {
        result: {"label": label, "value": tally[outcome] if outcome else 0}
        for result, (outcome, label) in _RESULTS.items()
    }


def data_blob(document: Mapping[str, Any]) -> str:
    """Return the ``data-jsonblob``: a row a check. The script sets its cells as HTML, so all text in them is escaped.

    What a row opens to is an empty place with the number of the check; the report's own script fills it.
    """
    tests = {check["nodeid"]: [_row(number, check)] for number, check in enumerate(document["checks"])}
    return json.dumps(
        {
            "environment": {name: escape(one_line(value)) for name, value in _environment(document)},
            "tests": tests,
            "renderCollapsed": ["all"],
            "initialSort": "result",
            "title": "All checks",
        },
        separators=(",", ":"),
    )


def _row(number: int, check: Mapping[str, Any]) -> dict[str, Any]:
    name, clauses = escape(one_line(check["nodeid"])), escape(" ".join(check["clauses"]))
    took, outcome = duration(check["duration_s"]), check["outcome"]
    return {
        "result": _RESULT_OF[outcome],
        "testId": name,
        "clauses": clauses,
        "duration": _sortable(check["duration_s"]),
        "extras": [],
        "tableHtml": [f'<div class="check-place" data-check="{number}"></div>'],
        "resultsTableRow": [
            f'<td class="col-result" tabindex="0" role="button">{outcome}</td>',
            f'<td class="col-testId">{name}</td>',
            f'<td class="col-clauses">{clauses}</td>',
            f'<td class="col-duration">{took}</td>',
        ],
    }


def _sortable(seconds: float) -> str:
    """Return a duration in the one form that the script sorts by."""
    return f"{round(seconds * 1000)} ms"


def _environment(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    run = document["run"]
    told = [(name, str(value)) for name, value in (run.get("versions") or {}).items()]
    if run.get("environment_digest"):
        told.append(("environment file, SHA-256", run["environment_digest"]))
    return [*told, ("run", run["id"])]
