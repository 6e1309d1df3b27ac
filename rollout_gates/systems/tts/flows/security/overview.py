"""One table of all kinds of things and all ways in, filled by every flow that reaches for what is another's.

Each flow shows its part; the report puts parts of one title together. What nobody tried is missing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollout_gates.matrix import Cell, Matrix, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE: Final = "Whose things, by which way"
_NOTE: Final = (
    "Anon and two users, each at what is another's. The worst of all tries counts; the other tables have each. "
    "Through the API a clip is read by its voice, and speech by its generation."
)
VOICE, GENERATION, TASK, PROFILE, ENTRY = "voice", "generation", "task", "profile", "ledger entry"
TRIAL, EVENT, COUNTER, CLIP, SPEECH, PREVIEW = "trial", "billing event", "rate counter", "clip", "speech", "preview"
KINDS: Final = (VOICE, GENERATION, TASK, PROFILE, ENTRY, TRIAL, EVENT, COUNTER, CLIP, SPEECH, PREVIEW)
BY_TABLE: Final = {
    "voices": VOICE,
    "generations": GENERATION,
    "tasks": TASK,
    "profiles": PROFILE,
    "credit_ledger": ENTRY,
    "trial_consumption": TRIAL,
    "billing_events": EVENT,
    "rate_limit_counters": COUNTER,
}
BY_FUNCTION: Final = {
    "increment_task_modal_poll_count": TASK,
    "rate_limit_check_and_increment": COUNTER,
    "credit_apply_event": ENTRY,
    "credit_usage_window_totals": ENTRY,
    "trial_or_debit": TRIAL,
    "trial_restore": TRIAL,
}
BY_BUCKET: Final = {"references": CLIP, "generations": SPEECH}
API_READ, API_WRITE, DATA_READ, DATA_WRITE = "API: read", "API: write", "data API: read", "data API: write"
CALL, SIGNED_URL = "functions: call", "signed URL: read"
STORAGE_READ, STORAGE_LIST, STORAGE_SIGN, STORAGE_WRITE = (
    f"storage: {what}" for what in ("read", "list", "sign", "write")
)
_STORED: Final = (CLIP, SPEECH)
_OFFERED: Final[Mapping[str, tuple[str, ...]]] = {
    API_READ: (VOICE, GENERATION, TASK),
    API_WRITE: (VOICE, GENERATION, TASK, CLIP, PREVIEW),
    DATA_READ: tuple(BY_TABLE.values()),
    DATA_WRITE: tuple(BY_TABLE.values()),
    CALL: tuple(dict.fromkeys(BY_FUNCTION.values())),
    STORAGE_READ: _STORED,
    STORAGE_LIST: _STORED,
    STORAGE_SIGN: _STORED,
    STORAGE_WRITE: _STORED,
    SIGNED_URL: _STORED,
}
"""Which kinds each way leads to at all: no route names the profile of another, no table holds a clip."""


def part(cells: Mapping[tuple[str, str], Cell]) -> Matrix:
    """Return the table with *cells*, by kind and way. Raises ``ValueError`` for a way that does not lead there."""
    if astray := [place for place in cells if place[0] not in _OFFERED[place[1]]]:
        raise ValueError(f"{astray[0][1]} does not lead to a {astray[0][0]}")
    nothing = Cell(Outcome.NOT_APPLICABLE, "this way does not lead there")
    closed = {(kind, way): nothing for way, offered in _OFFERED.items() for kind in KINDS if kind not in offered}
    return Matrix(TITLE, _NOTE, KINDS, tuple(_OFFERED), {**closed, **cells})
