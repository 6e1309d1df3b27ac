"""What the contract opens in the database, and to whom: sections 5.3 to 5.5."""

from __future__ import annotations

import json
import uuid

from rollout_gates.row_policy import ANON as NOBODY
from rollout_gates.row_policy import EVERYTHING, NONE, OWN, SERVICE, USER, Access, Identity, Intent, Kind

ANON, AUTHENTICATED, SERVICE_ROLE = "anon", "authenticated", "service_role"
READ_ONLY = ("profiles", "tasks", "credit_ledger")
READ_AND_DELETE = ("voices", "generations")
CLOSED = ("trial_consumption", "billing_events", "rate_limit_counters")
TABLES = tuple(f"public.{name}" for name in (*READ_ONLY, *READ_AND_DELETE, *CLOSED))
PROFILES = "public.profiles"
KINDS = {"user": Kind("auth.users", "id", ("user_id",))}

_SHUT = Access(NONE, NONE, NONE, NONE, call=NONE)
_OWN = Access(OWN, NONE, NONE, NONE, call=NONE)
_DELETABLE = Access(OWN, NONE, NONE, OWN, call=NONE)


def identities() -> tuple[Identity, ...]:
    """Return anon, two users who are made up, and the service, with the claims that the platform hands to policies."""
    return (
        Identity("anon", ANON, _claims(ANON), audience=NOBODY),
        _user("user_a"),
        _user("user_b"),
        Identity("service", SERVICE_ROLE, _claims(SERVICE_ROLE), audience=SERVICE),
    )


def intent() -> Intent:
    """Return what is open. Tables beyond the contract are not judged, but what they show of these is."""
    own = dict.fromkeys(READ_ONLY, _OWN) | dict.fromkeys(READ_AND_DELETE, _DELETABLE) | dict.fromkeys(CLOSED, _SHUT)
    access = {f"public.{name}": {USER: user, NOBODY: _SHUT, SERVICE: EVERYTHING} for name, user in own.items()}
    return Intent(KINDS, access=access, functions=NONE, undeclared=EVERYTHING)


def _user(name: str) -> Identity:
    user_id = str(uuid.uuid4())
    return Identity(name, AUTHENTICATED, _claims(AUTHENTICATED, sub=user_id), {"user": user_id})


def _claims(role: str, **more: str) -> dict[str, str]:
    """Return the settings: all claims as one, and each by itself, as older platforms had them."""
    told = {"role": role, **more}
    return {"request.jwt.claims": json.dumps(told)} | {f"request.jwt.claim.{name}": text for name, text in told.items()}
