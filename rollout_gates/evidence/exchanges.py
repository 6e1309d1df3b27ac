"""The exchanges that ``index.html`` shows: read from the transcripts, cut to what a page can carry.

The transcripts hold all of it; the page says where it shows less than they do. What a failing check saw comes first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from rollout_gates.evidence.text import clip, plain

BUDGET: Final = 4_000_000
"""Bytes of exchanges in one page, all together."""
PER_TRANSCRIPT: Final = 60
"""Exchanges shown of one transcript, besides those that a check names one by one."""
BODY: Final = 6_000
"""Characters shown of one body."""
_HEADER: Final = 600
_URL: Final = 2_000
_CURL: Final = 8_000

Row = Mapping[str, Any]


@dataclass
class Shown:
    """The part of a run's exchanges that stands in the page: *exchanges*, and by transcript which of them are its own.

    ``transcripts[name]`` is ``{"shown": [indexes], "more": bool}``; *more* tells that the file holds others.
    """

    exchanges: list[dict[str, Any]] = field(default_factory=list)
    transcripts: dict[str, dict[str, Any]] = field(default_factory=dict)


def page_json(value: Any) -> Markup:
    """Return *value* as JSON that can stand in a script element: no ``<`` in it ends the element."""
    return htmlsafe_json_dumps(value, separators=(",", ":"), ensure_ascii=False)


def shown_exchanges(document: Row, directory: Path, budget: int = BUDGET) -> Shown:
    """Return what the checks of *document* saw, as far as *budget* bytes reach."""
    shown = Shown()
    for name, ids in _wanted(document).items():
        indexes: list[int] = []
        more = False
        for exchange in _read(directory, name):
            if exchange.get("id") not in ids and (None not in ids or len(indexes) >= PER_TRANSCRIPT):
                more = more or None in ids
                continue
            row = _row(exchange)
            size = _size(row)
            if size > budget:
                more = True
                break
            budget -= size
            indexes.append(len(shown.exchanges))
            shown.exchanges.append(row)
        shown.transcripts[name] = {"shown": indexes, "more": more}
    return shown


def _wanted(document: Row) -> dict[str, set[str | None]]:
    """Return the IDs of the exchanges that checks point at, by transcript; None stands for all that it holds.

    Transcripts of checks that did not pass come before the others.
    """
    wanted: dict[str, set[str | None]] = {}
    for check in sorted(document["checks"], key=lambda check: check["outcome"] == "passed"):
        for item in check["exchanges"]:
            wanted.setdefault(item["transcript"], set()).add(item["id"])
    return wanted


def _read(directory: Path, name: str) -> Iterator[dict[str, Any]]:
    relative = PurePosixPath(name)
    path = directory / relative
    if relative.is_absolute() or ".." in relative.parts or not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                exchange = json.loads(line)
            except ValueError:
                continue
            if isinstance(exchange, dict):
                yield exchange


def _row(exchange: Row) -> dict[str, Any]:
    """Return one exchange as the page's script reads it; every string in it is plain text."""
    return {
        "id": plain(exchange.get("id") or ""),
        "t": plain(exchange.get("t") or ""),
        "actor": plain(exchange.get("actor") or ""),
        "method": plain(exchange.get("method") or ""),
        "url": clip(plain(exchange.get("url") or ""), _URL),
        "status": exchange.get("status") if isinstance(exchange.get("status"), int) else None,
        "s": exchange.get("elapsed_s"),
        "sent": {
            "headers": _headers(exchange.get("request_headers")),
            "body": _body(exchange.get("request_body")),
        },
        "got": {
            "headers": _headers(exchange.get("response_headers")),
            "body": _body(exchange.get("response_body")),
        },
        "remarks": [plain(exchange[key]) for key in ("error", "fault", "note") if exchange.get(key)]
        + ([f"a retry of {plain(exchange['retry_of'])}"] if exchange.get("retry_of") else []),
        "curl": _command(exchange.get("curl")),
    }


def _headers(pairs: Any) -> list[list[str]]:
    if not isinstance(pairs, list):
        return []
    named: Iterable[Any] = (pair for pair in pairs if isinstance(pair, list) and len(pair) == 2)
    return [[plain(name), clip(plain(value), _HEADER)] for name, value in named]


def _body(body: Any) -> str:
    if isinstance(body, Mapping):
        about = f"{body.get('bytes', '?')} bytes, SHA-256 {body.get('sha256', '?')}"
        return f"{clip(plain(body['text']), BODY)}\n[{about}]" if body.get("text") else f"[{about}]"
    return clip(plain(body), BODY) if body else ""


def _command(command: Any) -> str:
    # A command that is cut would do something else than what it says, so it is left out whole.
    text = plain(command or "")
    return text if len(text) <= _CURL else ""


def _size(row: Row) -> int:
    return len(page_json(row).encode("utf-8", "replace"))
