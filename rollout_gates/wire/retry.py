"""When a call may be repeated, and how long to wait for that. Both are bounded."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import Literal

from rollout_gates.wire.errors import CouldNotJudge, TargetUnreachable, TlsFailed
from rollout_gates.wire.reply import Reply

Retry = Literal["never", "idempotent"]
MOST_RETRIES = 2
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_PASSING = frozenset({502, 503, 504})
_FIRST_WAIT_S = 0.25
# A number in an answer may be longer than a float can hold.
_FOREVER_S, _DIGITS = 1e9, 9


@dataclass(frozen=True)
class RetryPolicy:
    """`most` tries after the first one; none unless the call is idempotent and asked for it."""

    most: int

    @classmethod
    def of(cls, method: str, retry: Retry) -> RetryPolicy:
        """Raises ``ValueError`` when a call that is not idempotent asks for repetition."""
        if retry == "never":
            return cls(0)
        if method.upper() not in IDEMPOTENT:
            raise ValueError(f"{method} is not idempotent, so it is never retried")
        return cls(MOST_RETRIES)

    def wait_s(self, tries: int) -> float:
        """Seconds before try number *tries* + 1 (0.25, 0.5)."""
        return _FIRST_WAIT_S * float(2 ** (tries - 1))

    def repeats(self, outcome: Reply | CouldNotJudge, tries: int) -> bool:
        """Say whether *outcome* of try number *tries* (from 1) is to be tried again."""
        if tries > self.most:
            return False
        if isinstance(outcome, Reply):
            return outcome.status in _PASSING
        return isinstance(outcome, TargetUnreachable) and not isinstance(outcome, TlsFailed)


def retry_after_s(reply: Reply, *, longest_s: float, now: float | None = None) -> float:
    """Seconds that a 429 asks to wait: `retry_after_seconds` of its JSON, else Retry-After, else 1.

    At least 0 and at most *longest_s*.
    """
    asked = _from_body(reply)
    if asked is None:
        asked = _from_header(reply.header("retry-after"), time.time() if now is None else now)
    return min(max(asked if asked is not None else 1.0, 0.0), longest_s)


def _from_body(reply: Reply) -> float | None:
    try:
        value = reply.json()
    except Exception:  # noqa: BLE001 - an unreadable body simply asks for nothing
        return None
    seconds = value.get("retry_after_seconds") if isinstance(value, dict) else None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds != seconds:  # noqa: PLR0124 - NaN
        return None
    return float(max(min(seconds, _FOREVER_S), 0))


def _from_header(value: str, now: float) -> float | None:
    if value.strip().isdecimal():
        return float(value.strip()[:_DIGITS])
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError):
        return None
