"""Callers who are nobody: without a token, or with one that the auth service never gave out, or that has run out."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rollout_gates.environment import Secret
from rollout_gates.systems.tts.client import Caller, Client
from rollout_gates.systems.tts.names import TIER_3, tier_of
from rollout_gates.systems.tts.tokens import unsigned, with_another_payload, with_another_signature

if TYPE_CHECKING:
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Recorder, Reply

NO_HEADER, REJECTED = ("Missing authorization header",), ("Invalid or expired token",)
# A header without a bearer's token is not spoken of: it may be told to be missing, or to be bad.
EITHER = (*NO_HEADER, *REJECTED)

NOBODY = "no header"
EMPTY, OTHER_SCHEME, GARBAGE, ANON_KEY = "a bearer without a token", "another scheme", "garbage", "the anon key"
SIGNATURE, PAYLOAD, UNSIGNED, EXPIRED = "an altered signature", "an altered payload", "alg: none", "an expired token"
WITH_BAD_TOKENS = (EMPTY, OTHER_SCHEME, GARBAGE, ANON_KEY, SIGNATURE, PAYLOAD, UNSIGNED, EXPIRED)
"""All that is tried in place of a good token."""


@dataclass(frozen=True)
class Impostor:
    """A caller whom nobody may take for a user.

    *details* are the texts (any of them) that refuse them, *headers* what they send beside what *client* does. A build
    may count their calls for the user whom they name: *bucket* is that user's.
    """

    name: str
    client: Client
    details: tuple[str, ...]
    headers: Mapping[str, str] | None = None
    bucket: str | None = None

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        """Call the API."""
        tier = tier_of(method, path)
        if self.bucket is not None and tier != TIER_3:
            options.update(bucket=self.bucket, tier=tier)
        return await self.client.raw(method, path, headers=self.headers, **options)


@dataclass(frozen=True)
class Victims:
    """Users in whose names impostors call: one for each kind of forged token, who may all be the same.

    *other* is somebody else, out of whose token one for a victim is made.
    """

    signature: Identity
    payload: Identity
    unsigned: Identity
    other: Identity


def nobody(anon: Client) -> Impostor:
    """Return a caller without an authorization header."""
    return Impostor(NOBODY, anon, NO_HEADER)


def tokenless(anon: Client) -> tuple[Impostor, ...]:
    """Return callers with a header and no token in it."""
    basic = f"Basic {base64.b64encode(b'rollout gate').decode()}"
    named = {EMPTY: ("empty_bearer", "Bearer"), OTHER_SCHEME: ("basic_scheme", basic)}
    return tuple(
        Impostor(name, anon.speaking_as(Caller(actor)), EITHER, {"authorization": header})
        for name, (actor, header) in named.items()
    )


def garbage(anon: Client, recorder: Recorder) -> Impostor:
    """Return a caller whose token is none. It opens nothing, so a reader of the transcript may see it."""
    word = f"not-a-token-{secrets.token_hex(8)}"
    recorder.redactor.allow(word)
    return bearing(anon, GARBAGE, "bad_token", word)


def with_the_anon_key(anon: Client) -> Impostor | None:
    """Return a caller with the key that everybody has; ``None`` where it is not configured."""
    key = anon.settings.secret("anon_key")
    return None if key is None else bearing(anon, ANON_KEY, "anon_key", key.reveal())


def forgers(anon: Client, victims: Victims) -> tuple[Impostor, ...]:
    """Return callers with tokens that name a user and that nobody signed."""
    altered = with_another_signature(_token(victims.signature))
    renamed = with_another_payload(_token(victims.other), victims.payload.user_id)
    bare = unsigned(_token(victims.unsigned), victims.unsigned.user_id)
    return (
        _in_name_of(victims.signature, bearing(anon, SIGNATURE, "altered_signature", altered)),
        _in_name_of(victims.payload, bearing(anon, PAYLOAD, "altered_payload", renamed)),
        _in_name_of(victims.unsigned, bearing(anon, UNSIGNED, "unsigned", bare)),
    )


def bearing(anon: Client, name: str, actor: str, token: str) -> Impostor:
    """Return a caller called *name* with *token*."""
    return Impostor(name, anon.speaking_as(Caller(actor, Secret(token))), REJECTED)


def _in_name_of(victim: Identity, impostor: Impostor) -> Impostor:
    return replace(impostor, bucket=victim.client.caller.name)


def _token(who: Identity) -> str:
    token = who.client.caller.token
    return "" if token is None else token.reveal()
