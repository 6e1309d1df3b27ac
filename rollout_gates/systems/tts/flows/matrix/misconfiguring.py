"""Deployments that are configured wrongly, oddly, or just differently. In the sandbox only."""

from __future__ import annotations

import asyncio
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import Prepared, finalize, prepare, voice_row
from rollout_gates.systems.tts.flows.matrix.designing import INSTRUCT, preview, task_row, wishes
from rollout_gates.systems.tts.flows.matrix.purse import Purse, purse
from rollout_gates.systems.tts.flows.matrix.scene import Asked, Scene
from rollout_gates.systems.tts.flows.settling import settled
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.replies import detail, json_object, text, value
from rollout_gates.systems.tts.samples import LANGUAGE, characters
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.clone import Clone
    from rollout_gates.systems.tts.flows.design import Design
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

WRONG_MODE = "quen"
# What stands in the variable, and the mode that it means; None is no variable at all.
WAYS: Mapping[str | None, str] = {
    None: "modal", "QWEN": "qwen", "Modal": "modal", " qwen ": "qwen", "MODAL": "modal", "Qwen": "qwen",
}  # fmt: skip
_FORM = {"name": "Any name", "text": "A short text.", "language": LANGUAGE, "instruct": INSTRUCT}
_CAP = re.compile(r"Text cannot exceed (\d+) characters")
_FAR = 5000


@dataclass(frozen=True)
class Misconfigured:
    """What the routes say while the mode is none, asked twice each."""

    wrong: str
    answers: Mapping[str, tuple[Reply, Reply]]


@flow("misconfigured")
async def misconfigured(context: Context) -> Misconfigured:
    """Ask languages, generate and design save while the mode is mistyped."""
    async with playground(context, variables={"TTS_PROVIDER_MODE": WRONG_MODE}) as ground:
        client = (await ground.session.identities.get("misconfigured")).client
        answers = {
            "languages": (await client.languages(), await client.languages()),
            "generate": (await _generate(client), await _generate(client)),
            "design save": (await client.design_save(_FORM), await client.design_save(_FORM)),
        }
    return Misconfigured(WRONG_MODE, answers)


async def _generate(client: Client) -> Reply:
    return await client.generate(voice_id=str(uuid.uuid4()), text="A short text.", language="Auto")


@dataclass(frozen=True)
class Expense:
    """What something cost while *wrong* was configured. *reply* began it; *waited* says that its task has ended."""

    title: str
    wrong: str
    reply: Reply
    before: Purse
    after: Purse


@flow("expenses_of_misconfiguration")
async def expenses_of_misconfiguration(context: Context) -> tuple[Expense, ...]:
    """Clone and preview while the mode is mistyped, and with qwen also while the provider's key is missing."""
    mode = context.settings.provider_mode
    wrongs: dict[str, dict[str, str | None]] = {"mode": {"TTS_PROVIDER_MODE": WRONG_MODE}}
    if context.settings.is_qwen:
        wrongs["key"] = {"TTS_PROVIDER_MODE": mode, "DASHSCOPE_API_KEY": None}
    found: list[Expense] = []
    async with playground(context) as ground:
        stage = Scene(ground.context, ground)
        cloner, designer = await asyncio.gather(stage.user("costs_clone"), stage.user("costs_preview"))
        for wrong, changes in wrongs.items():
            prepared = await prepare(stage, cloner, f"costs of {wrong}")
            await ground.set_variables(**changes)
            found += await asyncio.gather(_clone(stage, cloner, prepared, wrong), _preview(stage, designer, wrong))
    return tuple(found)


async def _clone(stage: Scene, user: Identity, prepared: Prepared, wrong: str) -> Expense:
    before = await purse(user.client)
    reply = await finalize(stage, user, prepared)
    return Expense("a clone", wrong, reply, before, await purse(user.client))


async def _preview(stage: Scene, user: Identity, wrong: str) -> Expense:
    before = await purse(user.client)
    reply = await user.client.design_preview(**wishes(stage, f"costs of {wrong}"))
    task_id = text(json_object(reply), "task_id")
    if task_id is not None:
        await watch(user.client, task_id, patience_s=stage.session.settings.latency_budget_s)
    return Expense("a preview", wrong, reply, before, await purse(user.client))


@dataclass(frozen=True)
class Spelling:
    """What a deployment is whose variable holds *raw*: *save* is a design save that lacks what its provider needs."""

    raw: str | None
    means: str
    languages: Reply
    save: Reply


@flow("spellings_of_the_mode")
async def spellings_of_the_mode(context: Context) -> tuple[Spelling, ...]:
    """Deploy with each spelling, and without the variable."""
    found = []
    async with playground(context) as ground:
        client = (await ground.session.identities.get("spellings")).client
        for raw, means in WAYS.items():
            await ground.set_variables(TTS_PROVIDER_MODE=raw)
            found.append(Spelling(raw, means, await client.languages(), await client.design_save(_FORM)))
    return tuple(found)


@dataclass(frozen=True)
class Configured:
    """What is advertised and enforced with a cap of *configured* characters. *enforced* is what a refusal names."""

    configured: str
    expected: int
    languages: Reply
    refused: Reply

    @property
    def enforced(self) -> int | None:
        """The cap that the refusal of a far too long text names."""
        found = _CAP.search(detail(self.refused) or self.refused.text)
        return int(found.group(1)) if found else None


@flow("caps")
async def caps(context: Context) -> tuple[Configured, ...]:
    """Ask for the cap as it is; in the sandbox deploy with others too. In mode modal they make no difference."""
    settings = context.settings
    client = (await context.session.identities.get("caps")).client
    found = [Configured("as configured", settings.cap, await client.languages(), await _far(client, settings.cap))]
    if context.sandbox_url is None:
        return tuple(found)
    given = {"77": 77, "250.9": 250}
    if not settings.is_qwen:
        given = dict.fromkeys(given, settings.modal_text_cap)
    async with playground(context) as ground:
        client = (await ground.session.identities.get("caps")).client
        for raw, expected in given.items():
            await ground.set_variables(QWEN_MAX_TEXT_CHARS=raw)
            found.append(Configured(raw, expected, await client.languages(), await _far(client, expected)))
    return tuple(found)


async def _far(client: Client, cap: int) -> Reply:
    """Send a text that is clearly too long: whether the boundary is exact is asked elsewhere."""
    return await client.generate(voice_id=str(uuid.uuid4()), text=characters(cap + _FAR), language="Auto")


OTHER_MODELS = {"vc": "qwen3-tts-vc-2030-01-01", "vd": "qwen3-tts-vd-2030-01-01"}


@dataclass(frozen=True)
class Modelled:
    """A voice that was made, and its model; *expected* is the configured one, ``None`` with modal."""

    what: str
    found: Any
    expected: str | None


@flow("models")
async def models(context: Context) -> tuple[Modelled, ...]:
    """Look at the models of a clone and of a design; in the sandbox also under other pins.

    Raises `CouldNotJudge` when neither was made.
    """
    settings = context.settings
    vc, vd = (settings.vc_model, settings.vd_model) if settings.is_qwen else (None, None)
    clone: Clone | None = await settled(context, "clone")
    design: Design | None = await settled(context, "design")
    found = [
        Modelled(what, value(row, "provider_target_model"), expected)
        for what, row, expected in (
            ("the cloned voice", clone.row if clone else None, vc),
            ("the designed voice", design.row if design else None, vd),
        )
        if row is not None
    ]
    if context.sandbox_url is not None and settings.is_qwen:
        found += await _repinned(context)
    if not found:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "no voice was made, so no model can be compared")
    return tuple(found)


async def _repinned(context: Context) -> list[Modelled]:
    """Clone and design where other models are pinned."""
    realtime = "-realtime" if context.settings.lane == "realtime" else ""
    pins = {kind: name.replace(f"-{kind}-", f"-{kind}{realtime}-") for kind, name in OTHER_MODELS.items()}
    variables = {f"QWEN_{kind.upper()}_TARGET_MODEL": name for kind, name in pins.items()}
    async with playground(context, variables=variables) as ground:
        stage = Scene(ground.context, ground)
        user = await stage.user("repinned")
        prepared = await prepare(stage, user, "other pins")
        await finalize(stage, user, prepared)
        seen = await preview(stage, user, wishes(stage, "other pins"))
        clone, task = await voice_row(user, prepared.voice_id), await task_row(user, seen.task_id)
    result = (task or {}).get("result") or {}
    return [
        Modelled("a clone under another pin", (clone or {}).get("provider_target_model"), pins["vc"]),
        Modelled("a preview under another pin", result.get("provider_target_model"), pins["vd"]),
    ]


@dataclass(frozen=True)
class Regions:
    """[Q] Where the provider is looked for, and what comes of a key of another region.

    *asked* are the requests that came to the configured host; *row* is the voice of the first clone.
    """

    finalize: Reply
    row: Mapping[str, Any] | None
    asked: Asked
    refused: Reply
    refused_row: Mapping[str, Any] | None
    elsewhere: int


@flow("regions")
async def regions(context: Context) -> Regions:
    """Clone at the configured host, once with the right key and once with one of another region."""
    async with playground(context, variables={"DASHSCOPE_REGION": "cn"}) as ground:
        stage = Scene(ground.context, ground)
        user = await stage.user("regions")
        right, wrong = await prepare(stage, user, "right region"), await prepare(stage, user, "wrong region")
        done = await finalize(stage, user, right)
        asked = await stage.asked("dashscope", "clone_create") or ()
        await ground.set_variables(DASHSCOPE_API_KEY="sk-of-another-region")
        refused = await finalize(stage, user, wrong)
        row, refused_row = await voice_row(user, right.voice_id), await voice_row(user, wrong.voice_id)
        elsewhere = len(await ground.providers.requests("modal"))
    return Regions(done, row, asked, refused, refused_row, elsewhere)
