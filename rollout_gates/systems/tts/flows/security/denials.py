"""Every protected route, tried by everybody who is nobody; beside it the twin that must be let in.

In the sandbox this plays in deployments of its own, where a user has something of every kind, and where impostors send
the very calls that their owner makes after them. On a deployment impostors send calls that would cost something if they
were let in, about things that are written by the service role or that the smoke gate left; the twins cost nothing. In
prod no call would do anything, whoever is let in.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.environment import Secret
from rollout_gates.matrix import Cell, Matrix, Outcome
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.accounts import claims, granted
from rollout_gates.systems.tts.client import Caller
from rollout_gates.systems.tts.flows.matrix.bench import Bench, calls, set_up
from rollout_gates.systems.tts.flows.matrix.cloning import prepare
from rollout_gates.systems.tts.flows.matrix.designing import preview, wishes
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.security import impostors as who
from rollout_gates.systems.tts.flows.security.doors import Door, doors, marker
from rollout_gates.systems.tts.flows.security.holdings import Eye, Holdings
from rollout_gates.systems.tts.flows.security.impostors import Impostor, Victims
from rollout_gates.systems.tts.flows.security.owned import AT_WORK, Owned, Preview, left_by_smoke, planted
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.replies import detail
from rollout_gates.systems.tts.samples import spoken, tag, voice_name
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.playground import Playground
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

TITLE = "Protected routes without a good token"
_NOTE = "Each call would read, change or cost something if it were let in. Beside each route a user with a token was."
_TOKEN_S = 3600
_RUNS_OUT_S = _TOKEN_S + 60.0


@dataclass(frozen=True)
class Knock:
    """One call of an impostor (*who*) at one *door*, and the texts that may refuse it."""

    who: str
    door: Door
    reply: Reply
    details: tuple[str, ...]

    @property
    def denied(self) -> bool:
        """Whether it was answered 401 for the reason that the contract gives."""
        return self.reply.status == 401 and detail(self.reply) in self.details

    @property
    def let_in(self) -> bool:
        """Whether it was answered as a success, or sent on: whatever the user was answered, that is no denial."""
        return self.reply.status < 400


@dataclass(frozen=True)
class Twin:
    """The call of a user with a good token at one *door*."""

    door: Door
    reply: Reply

    @property
    def let_in(self) -> bool:
        """Whether the answer is one that only who is let in can get."""
        said = detail(self.reply)
        return any(self.reply.status == each.status and each.detail in (None, said) for each in self.door.twin.answers)


@dataclass(frozen=True)
class Trace:
    """What a user had *before* and *after* impostors knocked.

    *later* is what they had when they had made the same calls themselves, ``None`` where they made others; then *names*
    are ids of which each must stand in *before*, or nothing would be seen. *calls* are those to providers meanwhile,
    ``None`` where nobody sees them.
    """

    before: Holdings
    after: Holdings
    later: Holdings | None = None
    names: tuple[str, ...] = ()
    calls: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Denials:
    """All knocks of some impostors. *signed_out* are their answers of `me`, *signed_in* is that to a user.

    *untried* says why somebody could not be played. *trace* is ``None`` where no call would have done anything.
    *once* is the answer of `me` to the token that has run out, when it had not yet; ``None`` where that was not seen.
    """

    knocks: tuple[Knock, ...]
    twins: Mapping[str, Twin]
    signed_out: Mapping[str, Reply]
    signed_in: Reply
    trace: Trace | None
    untried: Mapping[str, str] = field(default_factory=dict)
    once: Reply | None = None
    owned: Owned | None = field(default=None, repr=False)


@flow("denied_without_token")
async def denied_without_token(context: Context) -> Denials:
    """Try every protected route without an authorization header."""
    async with _site(context) as site:
        found = await site.tried((who.nobody(site.session.anon),))
    context.show(table(found))
    return found


@flow("denied_bad_tokens")
async def denied_bad_tokens(context: Context) -> Denials:
    """Try every protected route with whatever may stand in place of a good token."""
    before = None if context.sandbox_url else await context.observe("denied_without_token")
    async with _site(context, before, expiring=True) as site:
        found = await site.tried(tuple(await _bad_tokens(site)))
    found = replace(found, untried=_untried(found))
    context.show(table(found))
    return found


def table(found: Denials) -> Matrix:
    """Return what came of it, for the report."""
    rows, columns = tuple(found.twins), tuple(dict.fromkeys(knock.who for knock in found.knocks))
    cells = {(knock.door.route.name, knock.who): _cell(knock, found.twins) for knock in found.knocks}
    return Matrix(TITLE, _NOTE, rows, columns, cells)


def _cell(knock: Knock, twins: Mapping[str, Twin]) -> Cell:
    twin = twins[knock.door.route.name]
    told = f"{knock.reply.status} {detail(knock.reply) or ''}".strip()
    if not twin.let_in and not knock.let_in:
        return Cell(Outcome.INCONCLUSIVE, f"a user with a token was answered {twin.reply.status}")
    return Cell(Outcome.HELD if knock.denied else Outcome.LEAKED, told)


# --- where it is tried


@dataclass(frozen=True)
class _Site:
    """Where impostors knock, at the doors of *owned*. *user* makes the twins, *expired* is a token that has run out."""

    context: Context
    user: Identity
    owned: Owned | None
    doors: tuple[Door, ...]
    ground: Playground | None = None
    before: Denials | None = None
    expired: Secret | None = None
    once: Reply | None = None

    @property
    def session(self) -> Session:
        session: Session = self.context.session
        return session

    async def tried(self, everybody: tuple[Impostor, ...]) -> Denials:
        """Let *everybody* knock at every door, one after the other, and then the user."""
        eye = self._eye()
        async with self.owned.owner.busy if self.owned else contextlib.nullcontext():
            before = await eye.look() if eye else {}
            asked = len(await self._asked())
            knocks = await self._all_knocked(everybody)
            after = await eye.look() if eye else {}
            calls = (await self._asked())[asked:]
        signed_out = {each.name: await each.call("GET", "/me", **self._noted(each)) for each in everybody}
        twins = self.before.twins if self.before else await self._twins()
        later = await eye.look() if eye and self.ground else None
        names = self.owned.ids if self.owned else ()
        trace = Trace(before, after, later, names, calls if self.ground else None) if eye else None
        signed_in = await self.user.client.me()
        return Denials(tuple(knocks), twins, signed_out, signed_in, trace, once=self.once, owned=self.owned)

    def _eye(self) -> Eye | None:
        if self.owned is None:
            return None
        words = (marker(self.context.run_id), *self.owned.ids)
        return Eye(self.owned.owner, words, alone=self.ground is not None)

    async def _asked(self) -> tuple[str, ...]:
        if self.ground is None:
            return ()
        return tuple(f"{entry['provider']}:{entry['call']}" for entry in await self.ground.providers.requests())

    async def _all_knocked(self, everybody: tuple[Impostor, ...]) -> list[Knock]:
        """Let *everybody* knock. What a faulty system would make for the owner is written down, to be looked for."""
        run, things, owner = self.context.run_id, self.session.things, self.user.owner
        if self.owned is not None:
            owner = self.owned.owner.owner
        names = {"voice": voice_name(run, marker(run)), "generation": spoken(run, marker(run))}
        planned = [things.planned(kind, name, owner, how="by an impostor") for kind, name in names.items()]
        knocks = [knock for each in everybody for knock in await self._knocked(each)]
        for resource in planned if all(400 <= knock.reply.status < 500 for knock in knocks) else ():
            things.gone(resource, "was denied")
        return knocks

    async def _knocked(self, impostor: Impostor) -> list[Knock]:
        noted = self._noted(impostor)
        replies = await asyncio.gather(
            *(impostor.call(door.route.method, door.tried.path, **door.tried.options, **noted) for door in self.doors)
        )
        pairs = zip(self.doors, replies, strict=True)
        return [Knock(impostor.name, door, reply, impostor.details) for door, reply in pairs]

    def _noted(self, impostor: Impostor) -> dict[str, str]:
        """Keep the calls of each impostor together, for who reads the evidence."""
        return self._kept_as(impostor.client.caller.name)

    def _kept_as(self, name: str) -> dict[str, str]:
        return {"transcript": f"{self.context.company}.deny_probes-{name}"}

    async def _twins(self) -> dict[str, Twin]:
        """Go through each door, one after the other: some undo what others need."""
        return {door.route.name: Twin(door, await self._through(door)) for door in self.doors}

    async def _through(self, door: Door) -> Reply:
        options = {**door.twin.options, **self._kept_as("let_in")}
        reply: Reply = await self.user.client.raw(door.route.method, door.twin.path, **options)
        return reply


@contextlib.asynccontextmanager
async def _site(context: Context, before: Denials | None = None, *, expiring: bool = False) -> AsyncIterator[_Site]:
    if context.sandbox_url is None:
        yield await _deployment(context, before)
        return
    async with playground(context) as ground:
        expired, once = await _run_out(ground) if expiring else (None, None)
        bench = await set_up(ground)
        owned = await _owned(bench)
        found = doors(ground.settings, context.run_id, owned, free=True)
        yield _Site(ground.context, bench.user, owned, found, ground=ground, expired=expired, once=once)
        if ground.settings.is_qwen:
            await bench.release(calls(ground.settings)["speak"])


async def _deployment(context: Context, before: Denials | None) -> _Site:
    session: Session = context.session
    owned = before.owned if before else await _there(context)
    user = await session.identities.get("deny_prober")
    expired = session.settings.secret("expired_token")
    found = doors(session.settings, context.run_id, owned, free=False)
    return _Site(context, user, owned, found, before=before, expired=expired)


async def _there(context: Context) -> Owned | None:
    """Return what a user has on a deployment; in prod nothing is reached for."""
    if context.environment.kind == "prod":
        return None
    async with scene(context) as stage:
        if stage.can_plant:
            return await planted(stage, await stage.user("deny_owner"), "denied")
        return await left_by_smoke(stage)


async def _owned(bench: Bench) -> Owned:
    """Have something of every kind made in a playground, a task at work among it."""
    ground, user = bench.ground, bench.user
    stage = Scene(ground.context, ground)
    heard = await bench.begin("heard")
    await bench.end(heard)
    clip = await prepare(stage, user, "uploaded")
    said = wishes(stage, "previewed")
    previewed = await preview(stage, user, said)
    begun = await _at_work(bench)
    if heard.generation_id is None or begun.task_id is None or previewed.status != "completed":
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "a user could not get something of every kind in a playground")
    tasks, made = {AT_WORK: begun.task_id}, Preview(said, previewed.task_id)
    return Owned(user, bench.voice_id, heard.generation_id, tasks, clip, made, spare=True)


async def _at_work(bench: Bench) -> Start:
    """Begin to speak and stay at work: with modal until somebody looks at the task, with qwen until it is let go."""
    if not bench.ground.settings.is_qwen:
        return await bench.begin("at work")
    speak = calls(bench.ground.settings)["speak"]
    await bench.hold(speak)
    begun = await bench.begin("at work")
    await bench.until_held(speak)
    return begun


# --- who knocks with what


async def _bad_tokens(site: _Site) -> list[Impostor]:
    anon, recorder = site.session.anon, site.context.wire.recorder
    key = who.with_the_anon_key(anon)
    found = [*who.tokenless(anon), who.garbage(anon, recorder), *([key] if key else [])]
    found += who.forgers(anon, await _victims(site))
    if site.expired is not None and _has_run_out(site.expired, site.once):
        found.append(who.bearing(anon, who.EXPIRED, "expired_token", site.expired.reveal()))
    return found


async def _victims(site: _Site) -> Victims:
    """Return in whose names tokens are forged: the owner's, or those of users whose rate limits nobody else needs."""
    get = site.session.identities.get
    if site.ground is not None:
        return Victims(site.user, site.user, site.user, await get("deny_other"))
    signature, payload, unsigned = [await get(f"deny_{name}") for name in ("signature", "payload", "unsigned")]
    return Victims(signature, payload, unsigned, site.user)


def _has_run_out(token: Secret, once: Reply | None) -> bool:
    """Whether the time of *token* is over: it was good *once*, and the clock was skipped, or it says so itself."""
    expires = claims(token.reveal()).get("exp")
    return once is not None or (isinstance(expires, int | float) and expires < time.time())


def _untried(found: Denials) -> dict[str, str]:
    reasons = {
        who.ANON_KEY: "name secrets.anon_key, so that it can be tried as a token",
        who.EXPIRED: "no token that has run out can be had here: sign in, wait for an hour, export the token, and "
        "name its variable as secrets.expired_token",
    }
    tried = {knock.who for knock in found.knocks}
    return {name: why for name, why in reasons.items() if name not in tried}


async def _run_out(ground: Playground) -> tuple[Secret, Reply]:
    """Return a token whose time is over by the clock of the playground, and what `me` answered before that."""
    session, run = ground.session, tag(ground.context.run_id)
    email, password = f"rollout-gate-{run}-early@{ground.settings.email_domain}", secrets.token_urlsafe(24)
    ground.context.wire.recorder.redactor.register(password, "early_password")
    grant = granted(await session.accounts.sign_up(email, password))
    if grant is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "nobody could sign up in a playground")
    ground.context.wire.recorder.redactor.register(grant.token, "early_token")
    early = Caller("early", Secret(grant.token), user=True)
    once = await session.anon.speaking_as(early).me()
    await ground.skip(_RUNS_OUT_S)
    return Secret(grant.token), once
