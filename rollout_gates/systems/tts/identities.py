"""Who acts in a run: fresh users where the deployment lets them sign up, else the two that are configured."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout_gates.environment import Secret
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.accounts import Accounts, Grant, claims, granted, refuse_expired
from rollout_gates.systems.tts.client import Caller, Client
from rollout_gates.systems.tts.replies import json_object, text, value
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import CouldNotJudge, NotConfigured, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout_gates.systems.tts.settings import Settings
    from rollout_gates.systems.tts.things import Things

USER_A, USER_B = "user_a", "user_b"
# Who stands in for a user of one scenario where nobody can sign up, all others being user A. The calls of tier 1 are
# dealt out so that both stay within one window, and the burst, which comes last, has a bucket that may be drained.
_STAND_INS = dict.fromkeys(
    ("burst", "errors", "golden_2", "golden_4", "golden_6", "deny_payload", "deny_unsigned"), USER_B
)
_TOKEN_CHARACTERS = 8


@dataclass(frozen=True)
class Identity:
    """One user who can act. `owner` is the word for them in the journal; `busy` is held while they spend credits."""

    name: str
    owner: str
    user_id: str
    client: Client
    fresh: bool
    busy: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False, repr=False)


class Identities:
    """Hands out identities by name, each made once."""

    def __init__(
        self,
        client: Client,
        accounts: Accounts,
        things: Things,
        run_id: str,
        *,
        register: Callable[[str, str], object],
        note: Callable[[str], None],
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._things = things
        self._run_id = run_id
        self._register = register
        self._note = note
        self._made: dict[str, asyncio.Task[Identity]] = {}

    @property
    def _settings(self) -> Settings:
        return self._client.settings

    async def get(self, name: str) -> Identity:
        """Return the identity called *name*. Raises `NotConfigured` when there is none and none can be made."""
        if name not in self._made:
            task = asyncio.create_task(self._make(name))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._made[name] = task
        return await asyncio.shield(self._made[name])

    async def made(self) -> tuple[Identity, ...]:
        """Return everybody who was handed out so far, each once, whatever they are called."""
        found = await asyncio.gather(*self._made.values(), return_exceptions=True)
        by_id = {identity.user_id: identity for identity in found if isinstance(identity, Identity)}
        return tuple(by_id.values())

    async def known(self, owner: str) -> Identity | None:
        """Return who is called *owner* in the journal, without ever making anybody up. Used by a later clean-up."""
        for task in self._made.values():
            if task.done() and not task.cancelled() and task.exception() is None and task.result().owner == owner:
                return task.result()
        if owner in (USER_A, USER_B) and self._configured(owner):
            return await self.get(owner)
        return None

    async def _make(self, name: str) -> Identity:
        if self._settings.sign_up:
            return await self._signed_up(name)
        if name in (USER_A, USER_B):
            return await self._signed_in(name)
        wanted = _STAND_INS.get(name, USER_A)
        return await self.get(wanted if self._configured(wanted) else USER_A)

    # --- fresh users

    async def _signed_up(self, name: str) -> Identity:
        email = f"rollout-gate-{tag(self._run_id)}-{name.replace('_', '-')}@{self._settings.email_domain}"
        password = secrets.token_urlsafe(24)
        self._register(password, f"{name}_password")
        planned = self._things.planned("user", email, email, how="signed up for this run")
        reply = await self._accounts.sign_up(email, password)
        grant = granted(reply)
        if grant is None and reply.status in (200, 201):
            reply = await self._accounts.sign_in(email, password)
            grant = granted(reply)
        if grant is None:
            self._things.gone(planned, "was refused")
            return await self._instead_of(name, reply)
        self._things.made(planned, grant.user_id)
        return self._identity(name, email, grant, fresh=True)

    async def _instead_of(self, name: str, reply: Reply) -> Identity:
        """Share user A where the service refuses more users; a run without user A cannot be judged."""
        if name not in (USER_A, USER_B) and reply.status == 429:
            self._note(f"{name} shares user_a: auth_url refused another sign-up with 429")
            return await self.get(USER_A)
        said = _said(reply)
        if reply.status >= 500:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"auth_url answered {reply.status} to a sign-up: {said}")
        raise NotConfigured(
            f"auth_url gave {name} no token at sign-up (status {reply.status}: {said}); "
            "set sign_up = false and name tokens or passwords of two users under secrets"
        )

    # --- configured users

    def _configured(self, user: str) -> bool:
        held = self._settings.held_secrets
        return f"{user}_token" in held or {f"{user}_email", f"{user}_password"} <= held.keys()

    async def _signed_in(self, user: str) -> Identity:
        settings = self._settings
        if token := settings.secret(f"{user}_token"):
            variable = str(getattr(settings.secrets, f"{user}_token"))
            refuse_expired(token.reveal(), variable)
            return self._identity(user, user, Grant(token.reveal(), await self._subject(user, token, variable)))
        email, password = settings.secret(f"{user}_email"), settings.secret(f"{user}_password")
        if email is None or password is None:
            raise NotConfigured(
                f"there is no {user}: name secrets.{user}_token (or {user}_email and {user}_password), "
                "or set sign_up = true"
            )
        reply = await self._accounts.sign_in(email.reveal(), password.reveal())
        grant = granted(reply)
        if grant is None:
            raise NotConfigured(f"auth_url refused to sign {user} in (status {reply.status}): {_said(reply)}")
        return self._identity(user, user, grant)

    async def _subject(self, user: str, token: Secret, variable: str) -> str:
        """Return the user id of a configured token; ask the target when the token does not say it."""
        subject = claims(token.reveal()).get("sub")
        reply = await self._client.speaking_as(Caller(user, token, user=True)).me()
        answer = json_object(reply)
        if reply.status == 200 and answer.get("signed_in") is False:
            raise NotConfigured(f"the target does not accept the token in {variable}; sign in again and export it anew")
        found = value(answer, "user")
        return text(found if isinstance(found, dict) else {}, "id") or str(subject or "")

    def _identity(self, name: str, owner: str, grant: Grant, *, fresh: bool = False) -> Identity:
        if len(grant.token) >= _TOKEN_CHARACTERS:
            self._register(grant.token, f"{name}_token")
        caller = Caller(name, Secret(grant.token), user=True)
        return Identity(name, owner, grant.user_id, self._client.speaking_as(caller), fresh)


def _said(reply: Reply) -> str:
    """Return what an auth service says about a refusal, in its several dialects."""
    answer = json_object(reply)
    words = (text(answer, name) for name in ("msg", "message", "error_description", "error", "detail"))
    return next((word for word in words if word), "no reason given")
