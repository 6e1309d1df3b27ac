"""A deployment of a scenario's own in the sandbox: to configure, break, script, hold and age without harm to others.

    async with playground(context, mode="qwen", variables={"QWEN_MAX_TEXT_CHARS": "50"}) as ground:
        user = await ground.session.user_a()
        ground.providers ...

It takes some 20 ms, has users, database, keys, providers and clock of its own, and is gone with the block.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rollout_gates.environment import Secret
from rollout_gates.systems.tts.books import all_books
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.playground_control import GroundDatabase, GroundProviders, RemoteControl
from rollout_gates.systems.tts.session import Session, session_of
from rollout_gates.systems.tts.settings import Settings
from rollout_gates.wire import Journal, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.wire import Wire

# A scenario makes as many calls as it needs. One that is about the limits sets its own.
_LIMITS = ("TIER1_USER", "TIER1_IP", "TIER2_USER", "TIER2_IP", "TIER3_IP")
NO_LIMITS: Mapping[str, str] = {f"RATE_LIMIT_{which}_LIMIT": "100000" for which in _LIMITS}


class FreeBudget:
    """Nothing in a playground costs anything."""

    async def spend(self, *_what: Any, **_how: Any) -> int:
        """Count nothing."""
        return 0

    async def allow(self, *_what: Any, **_how: Any) -> None:
        """Allow everything."""


@dataclass(frozen=True)
class Playground:
    """A running playground. *context* is what flows and their helpers take: its session, settings and wire are ours."""

    name: str
    context: Context
    session: Session
    settings: Settings
    providers: GroundProviders
    database: GroundDatabase
    control: RemoteControl

    async def break_(self, what: str) -> None:
        """Break `storage_write`, `storage_write:BUCKET`, `rpc:NAME`, or `insert|update|select|delete:TABLE`."""
        await self.control.call("POST", "break", {"what": what, "on": True})

    async def mend(self, what: str) -> None:
        """Undo `break_`."""
        await self.control.call("POST", "break", {"what": what, "on": False})

    async def skip(self, seconds: float) -> None:
        """Let *seconds* pass for tokens, signed URLs, provider URLs and rate windows, at once."""
        await self.control.call("POST", "clock", {"skip_s": seconds})

    async def kill_worker(self) -> int:
        """End all background work, as with its isolate; return how much there was."""
        return int((await self.control.call("POST", "kill_worker"))["killed"])

    async def set_variables(self, **changes: str | None) -> None:
        """Deploy again with changed variables; None removes one. Work that is running goes on."""
        await self.control.call("POST", "variables", changes)

    async def log(self) -> list[dict[str, Any]]:
        """Return the log lines of the API so far."""
        return list((await self.control.call("GET", "log"))["lines"])

    async def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that have fired so far."""
        return list((await self.control.call("GET", "alerts"))["alerts"])

    async def state(self) -> dict[str, Any]:
        """Return what the sandbox knows of the playground."""
        return dict(await self.control.call("GET", "state"))

    def facing(self, **changes: Any) -> Client:
        """Return the anonymous client under changed settings, for example after `set_variables` flipped the mode."""
        return replace(self.session.anon, settings=self.settings.model_copy(update=changes))


@contextlib.asynccontextmanager
async def playground(
    context: Context,
    mode: str | None = None,
    lane: str | None = None,
    variables: Mapping[str, str | None] | None = None,
    build: str | None = None,
) -> AsyncIterator[Playground]:
    """Start a playground, in the mode and lane of *context* unless said otherwise; end it with the block.

    *variables* are those of the deployment (`QWEN_MAX_TEXT_CHARS`); None removes one. *build* `old` is the one before
    the adapter, on the schema before it. Nobody is limited in rate, and
    nothing costs anything, unless they say so. Raises `NotConfigured` where there is no sandbox.
    """
    if context.sandbox_url is None:
        raise NotConfigured("this clause needs a sandbox: set sandbox = true in an environment of kind 'local'")
    wire = context.wire.unpaced()
    maker = RemoteControl(wire, f"{context.sandbox_url}/{KEY}/instances")
    wish = {
        "mode": mode or context.settings.provider_mode,
        "lane": lane or context.settings.lane,
        "variables": {**NO_LIMITS, **(variables or {})},
        **({"build": build} if build is not None else {}),
    }
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(maker.close)
        made = await maker.quietly("POST", "", wish)
        stack.push_async_callback(maker.call, "DELETE", made["name"])
        ground = _ground(context, wire, made)
        stack.push_async_callback(ground.control.close)
        yield ground
        await _close_books(context, ground)


async def _close_books(context: Context, ground: Playground) -> None:
    """Keep what users had at the end, for who adds up the whole run; not of users whose balance was set by hand."""
    books = await all_books(ground.settings, ground.name)
    by_hand = ground.database.set_by_hand
    context.session.closed_books.extend(found for found in books if found.user_id not in by_hand)


def _ground(context: Context, wire: Wire, made: Mapping[str, Any]) -> Playground:
    settings = _settings(context, made)
    for name, secret in settings.held_secrets.items():
        wire.recorder.redactor.register(secret.reveal(), name)
    own = replace(
        context,
        settings=settings,
        wire=wire,
        budget=FreeBudget(),
        pace=None,
        journal=Journal(_unwritten),
        golden={},
        stage=None,
    )
    own.session = session_of(own)
    control = RemoteControl(wire, made["control"])
    return Playground(
        name=made["name"],
        context=own,
        session=own.session,
        settings=settings,
        providers=GroundProviders(control),
        database=GroundDatabase(wire, settings),
        control=control,
    )


def _unwritten(_kind: str, /, **_fields: Any) -> None:
    """What is made in a playground ends with it, so nobody has to know of it later."""


def _settings(context: Context, made: Mapping[str, Any]) -> Settings:
    """The playground's settings, with their secrets."""
    told, variables = made["settings"], made["variables"]
    ours = {name: getattr(context.settings, name) for name in sorted(Settings.of_the_run)}
    settings = Settings.model_validate({**told, **ours})
    held = {name: Secret(variables[variable]) for name, variable in told["secrets"].items()}
    return settings.with_secrets(held)
