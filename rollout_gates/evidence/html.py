"""``index.html``: one self-contained page, made of pytest-html's front end and our parts. Works from a file, offline.

Jinja escapes everything. What a target sent reaches the page as JSON in a script element that is never executed, and is
shown by setting text, not markup. A content security policy allows the page's own two scripts by their digests and
no request of any kind, so that even a mistake here would not let a target's answer run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from rollout_gates.evidence import bursts, comparisons, front_end, matrices, objectives, text, views
from rollout_gates.evidence.exchanges import page_json, shown_exchanges
from rollout_gates.evidence.pictures import pictures
from rollout_gates.evidence.timeline import timeline

FILE_NAME: Final = "index.html"
SYMBOLS: Final = {
    "GO": "✔", "NO-GO": "✘", "INCONCLUSIVE": "?",
    "green": "✔", "red": "✘", "inconclusive": "?", "waived": "~", "not applicable": "–",
}  # fmt: skip
_TEMPLATES: Final = Path(__file__).parent / "templates"
_SCRIPT: Final = "<script>"
_POLICY: Final = "POLICY-OF-THE-PAGE"

Row = Mapping[str, Any]


def render_html(document: Row, directory: Path, events: Iterable[Row] = ()) -> str:
    """Return the page for *document*; *directory* is where its transcripts lie, *events* tell how its streams came."""
    run = document["run"]
    now = datetime.now(UTC)
    title = f"{document['verdict']} · {run['markers'] or 'all gates'} · {run['env']}"
    page = (
        _environment()
        .get_template("index.jinja2")
        .render(
            title=text.one_line(title),
            document=document,
            run=run,
            blockers=views.blockers(document),
            checks=views.checks_by_node(document),
            clauses=sorted(document["clauses"], key=views.urgency),
            cells=views.cells(document),
            absent_cells=views.absent_cells(document),
            timeline=timeline(document),
            bursts=bursts.charts(document),
            burst_width=bursts.WIDTH,
            objectives=objectives.charts(document),
            matrices=matrices.laid_out(document),
            comparisons=comparisons.laid_out(document),
            comparison_width=comparisons.WIDTH,
            pictures=pictures(events, document["streams"], directory),
            data=page_json(page_data(document, directory)),
            policy=_POLICY,
            script=Markup(_read("report.js")),  # noqa: S704 - ours
            styles=f"{front_end.style_sheet()}\n{_read('report.css')}",
            self_contained=True,
            date=now.strftime("%d-%b-%Y"),
            time=now.strftime("%H:%M:%S UTC"),
            version=front_end.version(),
            run_count=f"{text.count(len(document['checks']), 'check')} took {text.duration(run['duration_s'])}.",
            running_state="finished",
            outcomes=front_end.outcomes(document),
            test_data=front_end.data_blob(document),
            table_head=front_end.TABLE_HEAD,
            additional_summary={"prefix": (), "summary": (), "postfix": ()},
        )
    )
    return _with_policy(page)


def page_data(document: Row, directory: Path) -> dict[str, Any]:
    """Return what the page's script shows on demand: checks by number, the clauses' checks, exchanges."""
    shown = shown_exchanges(document, directory)
    checks = views.checks_by_node(document)
    number_of = {node: number for number, node in enumerate(checks)}
    return {
        "checks": [_check(check) for check in document["checks"]],
        "clauses": {
            clause["id"]: [number_of[node] for node in views.worst_first(clause, checks)]
            for clause in document["clauses"]
        },
        "transcripts": shown.transcripts,
        "exchanges": shown.exchanges,
    }


def _check(check: Row) -> dict[str, Any]:
    return {
        "name": text.plain(check["nodeid"]),
        "outcome": check["outcome"],
        "reason": check["reason"],
        "message": text.plain(check["message"]),
        "took": text.duration(check["duration_s"]),
        "worker": check.get("worker"),
        "assertions": check.get("assertions"),
        "saw": [[item["transcript"], item["id"]] for item in check["exchanges"]],
    }


def _with_policy(page: str) -> str:
    """Allow the two scripts of the page, by their digests, and nothing else."""
    parts = page.split(_SCRIPT)
    if len(parts) != 3:
        raise front_end.FrontEndChanged(f"the page has {len(parts) - 1} scripts where it should have two")
    digests = " ".join(_digest(part.partition("</script>")[0]) for part in parts[1:])
    policy = (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; media-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return page.replace(_POLICY, policy, 1)


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([front_end.FrontEndLoader(), jinja2.FileSystemLoader(_TEMPLATES)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: text.plain(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        plain=text.plain, one_line=text.one_line, duration=text.duration, clip=text.clip, size=text.size
    )
    environment.globals.update(
        symbols=SYMBOLS,
        outcomes_in_order=views.OUTCOMES,
        matrix_signs=matrices.SIGNS,
        matrix_classes=matrices.CLASSES,
        count=text.count,
        views=views,
    )
    return environment


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text("utf-8")
