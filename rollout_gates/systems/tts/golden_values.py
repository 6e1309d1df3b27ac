"""Golden cases: the values of their placeholders, and how one of them is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout_gates import golden
from rollout_gates.systems.tts.flows.settling import ending, refuse_for_the_same_reason
from rollout_gates.systems.tts.golden_share import in_turn, is_tier_1, share
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.samples import characters, wide_characters

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.golden import Case, Exchange, Request
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.systems.tts.settings import Settings
    from rollout_gates.wire import Reply

_PADDING = "  \n\t "
_FAR = 5000

_TEXTS: Mapping[str, Callable[[int], str]] = {
    "at_cap": characters,
    "over_cap": lambda cap: characters(cap + 1),
    "far_over_cap": lambda cap: characters(cap + _FAR),
    "padded": lambda cap: f"{_PADDING}{characters(cap)}{_PADDING}",
    "padded_over_cap": lambda cap: f"{_PADDING}{characters(cap + 1)}{_PADDING}",
    "emoji_under_cap": lambda cap: wide_characters(cap - cap % 2),
    "emoji_over_cap": lambda cap: wide_characters(cap + 2),
}
_MADE = ("voice_id", "task_id", "generation_id", "preview_task_id", "user_a_id", "user_b_id")
GOLDEN_NAMES = frozenset({"cap", "mode", "other_mode", "lane", *_MADE, *(f"text:{kind}" for kind in _TEXTS)})


async def golden_values(context: Context, names: Collection[str]) -> Mapping[str, Any]:
    """Return the value of each of *names*, all of them in `GOLDEN_NAMES`; ids come from the flows that made them."""
    return {name: await _value(context, name) for name in sorted(names)}


async def send_golden(context: Context, case: Case) -> Exchange:
    """Act *case* out once. Raises `NotReached` or `CouldNotJudge` where it cannot be."""

    async def supply(names: set[str]) -> Mapping[str, Any]:
        return await golden_values(context, names)

    async def send(case: Case, request: Request) -> Reply:
        if not context.settings.sign_up and is_tier_1(case):
            # Here cases and flows draw on the same two users. What decides the clauses goes first.
            await context.others_ended()
        if case.billable:
            await context.budget.spend(case.id, KEY)
        client = await _actor(context, case)
        async with context.session.crowd:
            return await _sent(client, request)

    problems: list[Exception | None] = []

    async def step(path: str) -> Reply | None:
        flow, _, rest = path.partition(".")
        seen, problem = await ending(context, flow)
        problems.append(problem)
        found: Reply | None = golden.pick(seen, rest)
        return found

    try:
        return await golden.observe(case, context.settings.provider_mode, supply=supply, send=send, step=step)
    except golden.NotReached:
        refuse_for_the_same_reason(problems)
        raise


async def _value(context: Context, name: str) -> Any:
    settings: Settings = context.settings
    if name.startswith("text:"):
        return _TEXTS[name.removeprefix("text:")](settings.cap)
    if name in _MADE:
        return await _made(context, name)
    return {
        "cap": settings.cap,
        "mode": settings.provider_mode,
        "other_mode": "modal" if settings.is_qwen else "qwen",
        "lane": settings.lane,
    }[name]


async def _made(context: Context, name: str) -> str:
    """Return the id *name* of something that a flow made. Raises `NotReached` when it was not made."""
    found: Any
    if name in ("user_a_id", "user_b_id"):
        found = (await context.session.identities.get(name.removesuffix("_id"))).user_id
    elif name == "voice_id":
        found = (await context.observe("voice")).voice_id
    else:
        flow, path = ("design", "watch.task_id") if name == "preview_task_id" else ("speech", f"started.{name}")
        seen, problem = await ending(context, flow)
        refuse_for_the_same_reason([problem])
        found = golden.pick(seen, path)
    if not found:
        raise golden.NotReached(f"nothing was made that ${{{name}}} could stand for")
    return str(found)


async def _actor(context: Context, case: Case) -> Client:
    """Return the client that sends *case*: nobody, user B, or one of the users that stand in for user A."""
    session: Session = context.session
    if case.actor == "anon":
        return session.anon
    if case.actor == "user_b":
        return (await session.user_b()).client
    if _names_what_a_has(case):
        return (await session.user_a()).client
    return (await session.identities.get(_stand_in(context, case))).client


def _names_what_a_has(case: Case) -> bool:
    return bool(golden.needs(case) & set(_MADE))


def _stand_in(context: Context, case: Case) -> str:
    """Return the name of the user who sends *case*: cases of tier 1 are dealt out, so many a user."""
    if not is_tier_1(case):
        return "golden_1"
    return f"golden_{1 + in_turn(context.golden.values()).index(case.id) // share(context.settings)}"


async def _sent(client: Client, request: Request) -> Reply:
    """Send *request* as it stands; nothing is repeated, and an answer of 429 is waited for as everywhere."""
    options: dict[str, Any] = {"headers": dict(request.headers)}
    if request.json is not golden.UNSET:
        options["json"] = request.json
    elif request.raw_body is not golden.UNSET:
        options["content"] = request.raw_body
    elif request.multipart is not golden.UNSET:
        options["files"] = [_part(name, part) for name, part in dict(request.multipart).items()]
    return await client.raw(request.method, request.path, query=request.query or None, **options)


def _part(name: str, part: Any) -> tuple[str, Any]:
    """Return one form field as httpx takes it: a text, or a file of text or zeros."""
    if isinstance(part, str):
        return name, (None, part)
    content = bytes(part["zeros"]) if "zeros" in part else str(part["content"]).encode()
    return name, (part["filename"], content, part["content_type"])
