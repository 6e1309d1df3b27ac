"""Removing one thing that a run made: at its end, or later by ``rollout-gates cleanup``."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from rollout_gates.systems.tts.doors import service_of
from rollout_gates.systems.tts.provider.answers import code_of, listed, succeeded
from rollout_gates.systems.tts.provider.rest import CLONES, DESIGNS, ProviderClient, provider_client
from rollout_gates.systems.tts.replies import is_uuid, rows, text
from rollout_gates.wire import CouldNotJudge, Resource, TargetUnreachable, TimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


# Voices at the provider itself, and the service that each kind belongs to. An account holds a thousand at most.
_SERVICES = {"provider_clone": CLONES, "provider_design": DESIGNS}
_MOST_PAGES = 11


class StaysBehind(Exception):
    """The thing cannot be removed; the message says why, in one line."""


async def remove(session: Session, resource: Resource) -> None:
    """Remove *resource*, or make sure that it never came to be.

    Raises `StaysBehind`, or a `CouldNotJudge` kind when the target does not answer.
    """
    if resource.kind == "user":
        await _remove_user(session, resource)
        return
    if resource.kind in _SERVICES:
        await _remove_provider_voice(session, resource)
        return
    if resource.kind in ("row", "object"):
        await _remove_as_service(session, resource)
        return
    owner = await session.identities.known(resource.owner)
    if owner is None:
        await _remove_with_owner(session, resource)
        return
    await _REMOVERS[resource.kind](owner.client, resource)


async def remove_all(session: Session) -> None:
    """Remove what this run made and has not removed: things first, then users; what stays behind is written down."""
    remaining = session.things.remaining()
    things = [resource for resource in remaining if resource.kind != "user"]
    users = [resource for resource in remaining if resource.kind == "user"]
    dead = await _remove_each(session, things, dead=None)
    await _remove_each(session, users, dead=dead)


async def _remove_each(session: Session, resources: list[Resource], *, dead: str | None) -> str | None:
    """Remove *resources* at the same time; return why the target is *dead*, if it is: then the rest is not tried."""
    found: list[object] = [dead] * len(resources)
    if dead is None:
        found = list(await asyncio.gather(*(_why_left(session, resource) for resource in resources)))
    for resource, problem in zip(resources, found, strict=True):
        if problem is None:
            session.things.gone(resource, "removed at the end of the run")
        else:
            session.things.left(resource, str(problem))
    return next((str(problem) for problem in found if isinstance(problem, TargetUnreachable | TimedOut)), dead)


async def _why_left(session: Session, resource: Resource) -> Exception | None:
    try:
        await remove(session, resource)
    except (StaysBehind, CouldNotJudge) as problem:
        return problem
    return None


async def _remove_user(session: Session, resource: Resource) -> None:
    service_role = session.settings.secret("service_role_key")
    if service_role is None or session.kind == "prod":
        raise StaysBehind("a user can only be removed with secrets.service_role_key, and never in prod")
    user_id = resource.id if resource.made else await session.accounts.find(resource.planned_id, service_role)
    if user_id is None:
        return
    reply = await session.accounts.remove(user_id, service_role)
    _refuse(reply, (200, 204, 404))


async def _remove_as_service(session: Session, resource: Resource) -> None:
    """Remove a row (``table?column=eq.value``) or a stored object (``bucket/key``) that no user may remove."""
    service = service_of(session)
    if service is None:
        raise StaysBehind(f"a planted {resource.kind} can only be removed with secrets.service_role_key, never in prod")
    if resource.kind == "row":
        table, _, found_by = resource.id.partition("?")
        column, _, operand = found_by.partition("=")
        _refuse(await service.table("DELETE", table, **{column: operand}), (200, 204))
        return
    bucket, _, key = resource.id.partition("/")
    _refuse(await service.object("DELETE", bucket, body={"prefixes": [key]}), (200, 404))


async def _remove_with_owner(session: Session, resource: Resource) -> None:
    """Remove the owner, with whom all their rows go: their token ended with the run that signed them up."""
    if "@" not in resource.owner:
        raise StaysBehind(f"nobody can act for {resource.owner}: configure the user's secrets")
    await _remove_user(
        session, Resource(resource.system, "user", resource.owner, resource.owner, planned_id=resource.owner)
    )


async def _remove_voice(client: Client, resource: Resource) -> None:
    voice_id: str | None = resource.id
    if not resource.made and not is_uuid(resource.id):
        listing = await client.voices(search=resource.id)
        voice_id = next((text(row, "id") for row in rows(listing, "voices") if row.get("name") == resource.id), None)
    if voice_id is not None:
        _refuse(await client.delete_voice(voice_id), (200, 404))


async def _remove_provider_voice(session: Session, resource: Resource) -> None:
    """Delete a voice at the provider itself; one that was only planned is looked for by the name in its id."""
    client, service = provider_client(session.anon.wire, session.settings), _SERVICES[resource.kind]
    voice: str | None = resource.id
    if not resource.made:
        voice = await _find_provider_voice(client, service, resource.id)
    if voice is None:
        return
    reply = await client.delete_voice(service, voice)
    if not succeeded(reply) and not code_of(reply).endswith("VoiceNotFound"):
        raise StaysBehind(f"the provider answered {reply.status} to its delete (exchange {reply.exchange_id})")


async def _find_provider_voice(client: ProviderClient, service: str, name: str) -> str | None:
    for index in range(_MOST_PAGES):
        reply = await client.list_voices(service, page_index=index, page_size=100)
        if not succeeded(reply):
            raise StaysBehind(f"the provider answered {reply.status} to a list (exchange {reply.exchange_id})")
        found = [str(row.get("voice")) for row in listed(reply)]
        if match := next((voice for voice in found if f"-{name}-voice-" in voice), None):
            return match
        if not found:
            break
    return None


async def _remove_generation(client: Client, resource: Resource) -> None:
    generation_id: str | None = resource.id
    if not resource.made:
        listing = await client.generations(search=resource.id)
        found = (text(row, "id") for row in rows(listing, "generations") if row.get("text") == resource.id)
        generation_id = next(found, None)
    if generation_id is not None:
        _refuse(await client.delete_generation(generation_id), (200, 404))


async def _remove_task(client: Client, resource: Resource) -> None:
    if not resource.made:
        return
    with contextlib.suppress(CouldNotJudge):
        await client.cancel_task(resource.id)
    _refuse(await client.delete_task(resource.id), (200, 404))


def _refuse(reply: Reply, accepted: tuple[int, ...]) -> None:
    if reply.status not in accepted:
        raise StaysBehind(f"{reply.request.method} was answered {reply.status} (exchange {reply.exchange_id})")


_REMOVERS: dict[str, Callable[[Client, Resource], Awaitable[None]]] = {
    "voice": _remove_voice,
    "generation": _remove_generation,
    "task": _remove_task,
}
