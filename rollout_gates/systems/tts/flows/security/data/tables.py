"""The tables of section 5.1: what 5.4 lets anon and users do with each, and rows that only a grant could refuse."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]


class Verb(StrEnum):
    """What is tried with a table."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Whose(StrEnum):
    """Whose rows are tried, as columns of the table in the report name it."""

    ANYBODYS = "anon"
    ANOTHERS = "user, another's"
    OWN = "user, own"


class Rule(StrEnum):
    """What section 5.4 says must come of a try."""

    OWN_ROWS = "own rows"
    HIDDEN = "empty or refused"
    REFUSED = "refused"
    DONE = "done, or refused"
    NO_ROW = "no row, or refused"


@dataclass(frozen=True)
class Table:
    """One table: the column of its owner, a whole valid row for an owner, and a change that would be seen.

    Its key is `id` everywhere, in some tables a number.
    """

    name: str
    owner: str | None
    row: Callable[[str, str], Row]
    change: Row
    deletable: bool = False
    numbered: bool = False

    def rule(self, whose: Whose, verb: Verb) -> Rule:
        """Return what must come of *verb*."""
        if verb is Verb.SELECT:
            return Rule.OWN_ROWS if whose is Whose.OWN and self.name in READABLE else Rule.HIDDEN
        if verb is Verb.DELETE and whose is not Whose.ANYBODYS and self.name in ("profiles", "voices", "generations"):
            return Rule.DONE if whose is Whose.OWN and self.deletable else Rule.NO_ROW
        return Rule.REFUSED


def _profile(owner: str, tag: str) -> Row:
    return {"id": owner, "display_name": f"rollout gate {tag}"}


def _voice(owner: str, tag: str) -> Row:
    return {
        "id": str(uuid.uuid4()),
        "user_id": owner,
        "name": f"rollout gate {tag} row",
        "language": "English",
        "source": "uploaded",
        "reference_object_key": f"{owner}/rollout-gate-{tag}/reference.wav",
        "reference_transcript": "A row of a release check.",
    }


def _generation(owner: str, tag: str) -> Row:
    said = f"Row {tag} of a release check."
    return {"id": str(uuid.uuid4()), "user_id": owner, "text": said, "language": "English", "status": "completed"}


def _task(owner: str, _tag: str) -> Row:
    return {"id": str(uuid.uuid4()), "user_id": owner, "type": "generate", "status": "completed", "metadata": {}}


def _entry(owner: str, tag: str) -> Row:
    return {
        "user_id": owner,
        "event_kind": "grant",
        "operation": "manual_adjustment",
        "amount": 1,
        "signed_amount": 1,
        "balance_after": 1,
        "reference_type": "system",
        "idempotency_key": _name(tag),
        "metadata": {},
    }


def _trial(owner: str, tag: str) -> Row:
    return {
        "user_id": owner,
        "operation": "clone",
        "reference_type": "voice",
        "reference_id": str(uuid.uuid4()),
        "idempotency_key": _name(tag),
        "status": "restored",
        "metadata": {},
    }


def _event(owner: str, tag: str) -> Row:
    return {
        "provider": "stripe",
        "provider_event_id": _name(tag),
        "event_type": "rollout.gate",
        "user_id": owner,
        "status": "ignored",
        "payload": {},
    }


def _counter(owner: str, tag: str) -> Row:
    return {
        "actor_type": "user",
        "actor_key": f"rollout-gate-{tag}-{owner}",
        "tier": "tier3",
        "window_seconds": 60,
        "window_start": datetime.now(UTC).replace(second=0, microsecond=0).isoformat(),
        "request_count": 1,
    }


def _name(tag: str) -> str:
    return f"rollout-gate-{tag}-{uuid.uuid4()}"


TABLES = (
    Table("profiles", "id", _profile, {"display_name": "rollout gate"}),
    Table("voices", "user_id", _voice, {"description": "rollout gate"}, deletable=True),
    Table("generations", "user_id", _generation, {"error_message": "rollout gate"}, deletable=True),
    Table("tasks", "user_id", _task, {"error": "rollout gate"}),
    Table("credit_ledger", "user_id", _entry, {"metadata": {"rollout": "gate"}}, numbered=True),
    Table("trial_consumption", "user_id", _trial, {"metadata": {"rollout": "gate"}}, numbered=True),
    Table("billing_events", "user_id", _event, {"error_detail": "rollout gate"}, numbered=True),
    Table("rate_limit_counters", None, _counter, {"request_count": 0}, numbered=True),
)
BY_NAME = {table.name: table for table in TABLES}
READABLE = ("profiles", "voices", "generations", "tasks", "credit_ledger")
"""Tables whose own rows a user sees."""
