"""Payment and transcription, while their providers refuse or do not understand, in a playground."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.security.failure import canary_of, words
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.samples import reference_clip

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.playground import Playground
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Upstream:
    """One call while its provider failed, beside the same while it works (*twin*)."""

    title: str
    twin: Reply
    answer: Reply
    canaries: tuple[str, ...]


@flow("upstream_errors")
async def upstream_errors(context: Context) -> tuple[Upstream, ...]:
    """Buy credits and have speech written down, with each trouble, and with keys that the provider does not know."""
    canary = canary_of(context.run_id)
    said = {"error": {"message": words(canary), "type": "invalid_request_error"}, "message": words(canary)}
    ways: Mapping[str, Mapping[str, Any]] = {
        "a 400": {"status": 400, "body": said},
        "a 401": {"status": 401, "body": said},
        "a 500": {"status": 500, "body": said},
        "a page": {"status": 502, "body": words(canary)},
        "a reset": {"drop": True},
    }
    found = []
    async with playground(context) as ground:
        client = (await ground.session.user_a()).client
        for provider, call, act in (("stripe", "session_create", _buy), ("mistral", "transcribe", _transcribe)):
            twin = await act(client)
            for title, script in ways.items():
                await ground.providers.script(provider, call, times=0, **script)
                found.append(Upstream(f"{_TITLES[act]} with {title}", twin, await act(client), (canary,)))
                await ground.providers.unscript(provider)
            found.append(await _with_a_bad_key(ground, client, act, twin))
    return tuple(found)


async def _with_a_bad_key(
    ground: Playground, client: Client, act: Callable[[Client], Awaitable[Reply]], twin: Reply
) -> Upstream:
    key = f"sk_test_{canary_of(ground.context.run_id)}"
    await ground.set_variables(**{"STRIPE_SECRET_KEY" if act is _buy else "MISTRAL_API_KEY": key})
    canaries = (key, "Invalid API Key", "Unauthorized")
    return Upstream(f"{_TITLES[act]} with a bad key", twin, await act(client), canaries)


async def _buy(client: Client) -> Reply:
    return await client.raw("POST", "/billing/checkout", json={"pack_id": "pack_150k"})


async def _transcribe(client: Client) -> Reply:
    audio = ("speech.wav", reference_clip().audio, "audio/wav")
    return await client.raw("POST", "/transcriptions", files=[("audio", audio)])


_TITLES: Mapping[Callable[[Client], Awaitable[Reply]], str] = {_buy: "a checkout", _transcribe: "a transcription"}
