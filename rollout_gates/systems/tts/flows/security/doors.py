"""Every protected route with a call that would do something if it were let in, and what its twin must be answered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rollout_gates.systems.tts.flows.matrix.designing import INSTRUCT
from rollout_gates.systems.tts.flows.security.owned import AT_WORK, ENDED
from rollout_gates.systems.tts.names import STREAM
from rollout_gates.systems.tts.routes import protected
from rollout_gates.systems.tts.samples import LANGUAGE, TRANSCRIPT, reference_clip, spoken, tag, voice_name

if TYPE_CHECKING:
    from rollout_gates.clause import Route
    from rollout_gates.systems.tts.flows.security.owned import Owned
    from rollout_gates.systems.tts.settings import Settings

_VOICE, _TASK, _GENERATION = "Voice not found.", "Task not found.", "Generation not found."


@dataclass(frozen=True)
class Answer:
    """A status, and the text that must come with it, if any."""

    status: int
    detail: str | None = None

    def __str__(self) -> str:
        return str(self.status) if self.detail is None else f"{self.status} {self.detail!r}"


@dataclass(frozen=True)
class Call:
    """What is sent, and the answers (any of them) that show that its caller was let in."""

    path: str
    answers: tuple[Answer, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """One protected route: the call that impostors try, and its *twin*, which a user with a good token makes."""

    route: Route
    tried: Call
    twin: Call


def doors(settings: Settings, run_id: str, owned: Owned | None, *, free: bool) -> tuple[Door, ...]:
    """Return a door for each protected route, in the order in which their owner may go through them one by one.

    With what is *owned*, calls are such as would change something or cost something. Where nothing costs anything the
    owner makes the very same ones; elsewhere the twins cost nothing. Without *owned*, no call would do anything.

    A route that nobody has written calls for has a twin that no answer lets in: it is not judged, and shows.
    """
    idle = _idle(settings)
    real = idle if owned is None else _real(settings, run_id, owned)
    routes = {route.name: route for route in protected(settings.facts())}
    twins = real if free else idle
    known = [Door(routes[name], real[name], twins[name]) for name in real if name in routes]
    return (*known, *(Door(route, _bare(route), _bare(route)) for name, route in routes.items() if name not in real))


def _bare(route: Route) -> Call:
    return Call(route.path.replace(":id", str(uuid.uuid4())), (), {} if route.method == "GET" else {"json": {}})


def marker(run_id: str) -> str:
    """Return the word that stands in all that these calls would make."""
    return f"deny{tag(run_id)}"


def _idle(settings: Settings) -> dict[str, Call]:
    """Return calls that do nothing for anybody, each with the answer to whoever is let in."""
    unknown, speech = str(uuid.uuid4()), {"text": "Nobody says this.", "language": "Auto"}
    voice = {"name": "rollout gate deny", "language": LANGUAGE, "transcript": "Nobody says this."}
    silent = [("language", (None, LANGUAGE))]
    foreign = {"voice_id": unknown, **speech}
    # 409 where nothing is streamed: with modal, and where an operator switched it off.
    streamed = (*((Answer(404, "Voice not found"),) if settings.is_qwen else ()), Answer(409))
    heard = (Answer(503, "Transcription is not configured on this server."), Answer(400, "Audio file is required"))
    return {
        "POST /clone/upload-url": _ask("/clone/upload-url", 200, json=voice),
        "PATCH /profile": _ask("/profile", 400, "No valid fields to update.", json={}),
        "GET /credits/usage": _ask("/credits/usage", 200),
        "GET /voices": _ask("/voices", 200),
        "GET /generations": _ask("/generations", 200),
        "POST /billing/checkout": _ask("/billing/checkout", 400, "pack_id is required.", json={}),
        "POST /transcriptions": Call("/transcriptions", heard, {"files": silent}),
        "GET /voices/:id/preview": _ask(f"/voices/{unknown}/preview", 404, _VOICE),
        "GET /generations/:id/audio": _ask(f"/generations/{unknown}/audio", 404, _GENERATION),
        "POST /generations/:id/regenerate": _ask(f"/generations/{unknown}/regenerate", 404, "Generation not found"),
        "POST /tasks/:id/cancel": _ask(f"/tasks/{unknown}/cancel", 404, _TASK),
        "GET /tasks/:id": _ask(f"/tasks/{unknown}", 404, _TASK),
        "DELETE /tasks/:id": _ask(f"/tasks/{unknown}", 404, _TASK),
        "POST /voices/design/preview": _ask("/voices/design/preview", 400, "Preview text is required.", json={}),
        "POST /clone/finalize": _ask("/clone/finalize", 400, "voice_id is required.", json={}),
        "POST /voices/design": _ask("/voices/design", 400, "Name must be 1-100 characters.", files=silent),
        f"POST {STREAM}": Call(STREAM, streamed, {"json": foreign}),
        "POST /generate": _ask("/generate", 404, "Voice not found", json=foreign),
        "DELETE /voices/:id": _ask(f"/voices/{unknown}", 404, _VOICE),
        "DELETE /generations/:id": _ask(f"/generations/{unknown}", 404, _GENERATION),
    }


def _real(settings: Settings, run_id: str, owned: Owned) -> dict[str, Call]:
    """Return calls about what is *owned*, each of which reads, makes, changes or removes something for its owner.

    The owner's cancel comes before their look at the task, which with modal may end it, and before they speak again.
    """
    word, voice, generation = marker(run_id), f"/voices/{owned.voice_id}", f"/generations/{owned.generation_id}"
    task = f"/tasks/{owned.tasks.get(AT_WORK) or owned.tasks[ENDED]}"
    name, said = voice_name(run_id, word), spoken(run_id, word)
    clip = ("speech.wav", reference_clip().audio, "audio/wav")
    preview = {"text": said, "language": LANGUAGE, "instruct": INSTRUCT, "name": name}
    speech = {"voice_id": owned.voice_id, "text": said, "language": "Auto"}
    upload = {"name": name, "language": LANGUAGE, "transcript": TRANSCRIPT}
    return {
        "POST /clone/upload-url": _ask("/clone/upload-url", 200, json=upload),
        "PATCH /profile": _ask("/profile", 200, json={"display_name": word}),
        "GET /credits/usage": _ask("/credits/usage", 200),
        "GET /voices": _ask("/voices", 200),
        "GET /generations": _ask("/generations", 200),
        "POST /billing/checkout": _ask("/billing/checkout", 200, json={"pack_id": "pack_150k"}),
        "POST /transcriptions": _ask("/transcriptions", 200, files=[("audio", clip)]),
        "GET /voices/:id/preview": _ask(f"{voice}/preview", 302),
        "GET /generations/:id/audio": _ask(f"{generation}/audio", 302),
        "POST /generations/:id/regenerate": _ask(f"{generation}/regenerate", 200),
        "POST /tasks/:id/cancel": _ask(f"{task}/cancel", 200),
        "GET /tasks/:id": _ask(task, 200),
        "DELETE /tasks/:id": _ask(task, 200),
        "POST /voices/design/preview": _ask("/voices/design/preview", 200, json=preview),
        "POST /clone/finalize": _ask("/clone/finalize", 200, json=_of_the_clip(owned, upload)),
        "POST /voices/design": _ask("/voices/design", 200, files=_form(owned, preview)),
        f"POST {STREAM}": _ask(STREAM, 200 if settings.is_qwen else 409, json=speech),
        "POST /generate": _ask("/generate", 200, json=speech),
        "DELETE /voices/:id": _ask(voice, 200),
        "DELETE /generations/:id": _ask(generation, 200),
    }


def _of_the_clip(owned: Owned, said: Mapping[str, str]) -> dict[str, str]:
    """Return the body that makes a voice of the clip, or tries to with that of a voice."""
    return {**said, "voice_id": owned.voice_id if owned.clip is None else owned.clip.voice_id}


def _form(owned: Owned, preview: Mapping[str, str]) -> list[tuple[str, Any]]:
    """Return the form that saves the preview: its task counts with qwen, the audio with modal."""
    fields: list[tuple[str, Any]] = [(name, (None, value)) for name, value in preview.items()]
    if owned.preview is not None:
        fields.append(("task_id", (None, owned.preview.task_id)))
    return [*fields, ("audio", ("preview.wav", reference_clip().audio, "audio/wav"))]


def _ask(path: str, status: int, detail: str | None = None, **options: Any) -> Call:
    return Call(path, (Answer(status, detail),), options)
