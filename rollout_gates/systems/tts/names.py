"""Names that the whole package uses: its key, and the rate tier that a call belongs to (section 4 of the contract)."""

from __future__ import annotations

import re

KEY = "tts"
TIER_1, TIER_2, TIER_3 = "tier1_user", "tier2_user", "tier3_ip"
# All callers of tier 3 share the counter of the address that the run comes from.
ADDRESS = "address"
STREAM = "/generate/stream"

_TIER_1_PATHS = frozenset(
    {
        "/generate",
        STREAM,
        "/clone/upload-url",
        "/clone/finalize",
        "/voices/design/preview",
        "/voices/design",
        "/billing/checkout",
        "/transcriptions",
    }
)
_TASK = re.compile(r"/tasks/[^/]+")
_TASK_CANCEL = re.compile(r"/tasks/[^/]+/cancel")


def tier_of(method: str, path: str) -> str | None:
    """Return the tier that counts *method* on *path* (relative to the API, with or without a query), or ``None``."""
    method, path = method.upper(), path.split("?", 1)[0]
    if method == "OPTIONS" or path in ("", "/", "/health"):
        return None
    if method == "POST" and path in _TIER_1_PATHS:
        return TIER_1
    if method == "POST" and _TASK_CANCEL.fullmatch(path):
        return TIER_2
    if method in ("GET", "DELETE") and _TASK.fullmatch(path):
        return TIER_2
    return TIER_3
