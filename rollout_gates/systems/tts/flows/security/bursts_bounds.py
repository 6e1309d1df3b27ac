"""Fields, texts and files that are too large, sent to every route that bounds them; and what they cost."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.cloning import RefusedUploads
from rollout_gates.systems.tts.flows.matrix.purse import Purse, purse
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.samples import LANGUAGE, characters, voice_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.wire import Reply

NAME, TEXT, AUDIO = 100, 500, 1_000_000
_TOO_LARGE = ("Reference audio must be under 10MB.", "Audio file not uploaded.")


@dataclass(frozen=True)
class Oversize:
    """One thing that is too large: the answer to it, and the texts (any of them) that may refuse it."""

    title: str
    answer: Reply
    details: tuple[str, ...]


@dataclass(frozen=True)
class Bounds:
    """All of *oversizes*, beside the same upload URL asked for with the longest name that is allowed (*twin*).

    *before* and *after* are what the user had. *calls* are the calls to providers, ``None`` where nobody sees them.
    """

    twin: Reply
    oversizes: tuple[Oversize, ...]
    before: Purse
    after: Purse
    calls: tuple[str, ...] | None


@flow("bounds")
async def bounds(context: Context) -> Bounds:
    """Send what is one character, or one byte, too large."""
    uploads: RefusedUploads = await context.observe("refused_uploads")
    async with scene(context) as stage:
        user = await stage.user("bounds")
        async with user.busy:
            before = await purse(user.client)
            name = characters(NAME, start=voice_name(context.run_id, "bounds"))
            twin = await user.client.clone_upload_url(name=name, language=LANGUAGE, transcript="Nobody says this.")
            asked = _asked(user.client, qwen=stage.session.settings.is_qwen)
            found = [Oversize(title, await sent, (detail,)) for (title, detail), sent in asked.items()]
            after = await purse(user.client)
        calls = await stage.calls()
    found.append(Oversize("a clip of more than 10 MiB", uploads.too_large, _TOO_LARGE))
    return Bounds(twin, tuple(found), before, after, None if calls is None else (*calls, *(uploads.calls or ())))


def _asked(client: Client, *, qwen: bool) -> Mapping[tuple[str, str], Awaitable[Reply]]:
    """Return the calls by their title and the text that refuses them."""
    name, text = characters(NAME + 1), characters(TEXT + 1)
    voice = {"name": name, "language": LANGUAGE, "transcript": "Nobody says this."}
    design = {"text": "Nobody says this.", "language": LANGUAGE, "instruct": "A calm voice."}
    form = {**design, "task_id": str(uuid.uuid4())}
    bad_name = "Name must be 1-100 characters."
    calls = {
        ("the name of an upload", bad_name): client.clone_upload_url(**voice),
        ("the name of a clone", bad_name): client.clone_finalize(voice_id=str(uuid.uuid4()), **voice),
        ("the text of a preview", "Preview text must be 500 characters or less."): client.design_preview(
            **{**design, "text": text}
        ),
        ("the description of a preview", "Voice description must be 500 characters or less."): client.design_preview(
            **{**design, "instruct": text}
        ),
        ("the name of a design", bad_name): client.design_save({**form, "name": name}, None if qwen else b"RIFF"),
        ("the name in a profile", "Display name must be 1-100 characters."): client.update_profile(display_name=name),
    }
    if not qwen:
        calls["the audio of a design", "Audio file must be under 1MB."] = client.design_save(
            {**form, "name": "bounds"}, bytes(AUDIO + 1)
        )
    return calls
