"""Each protected route of the catalogue is tried with a call and a twin; a new one without them shows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rollout_gates.clause import Route
from rollout_gates.systems.tts.flows.matrix.cloning import Prepared
from rollout_gates.systems.tts.flows.security import doors as module
from rollout_gates.systems.tts.flows.security.doors import Answer, doors, marker
from rollout_gates.systems.tts.flows.security.owned import AT_WORK, ENDED, Owned, Preview
from rollout_gates.systems.tts.routes import protected

RUN = "20261129T080000Z-abc123"
VOICE, GENERATION, TASK, OLD, CLIP, PREVIEW = (f"{number}0000000-0000-4000-8000-000000000000" for number in range(6))
OWNED = Owned(
    SimpleNamespace(),
    VOICE,
    GENERATION,
    {ENDED: OLD, AT_WORK: TASK},
    Prepared(CLIP, "a/b/reference.wav", {"voice_id": CLIP, "name": "n", "language": "English", "transcript": "t"}, b""),
    Preview({"name": "n"}, PREVIEW),
)
PLACES = [(mode, lane) for mode in ("modal", "qwen") for lane in ("task", "realtime")]


def settings(mode, lane):
    return SimpleNamespace(is_qwen=mode == "qwen", facts=lambda: {"mode": mode, "lane": lane})


def test_the_protected_routes_come_from_the_catalogue():
    task, realtime = (protected({"mode": "qwen", "lane": lane}) for lane in ("task", "realtime"))

    assert (len(task), len(realtime)) == (19, 20)
    assert {route.name for route in realtime} - {route.name for route in task} == {"POST /generate/stream"}


def test_a_new_route_is_tried_and_its_twin_is_never_let_in(monkeypatch):
    new = Route(method="POST", path="/voices/:id/rename", auth="required", tier=3)
    monkeypatch.setattr(module, "protected", lambda facts: (*protected(facts), new))

    *_, door = doors(settings("qwen", "task"), RUN, OWNED, free=True)

    assert door.route == new
    assert ":id" not in door.tried.path
    assert door.twin.answers == ()


@pytest.mark.parametrize(("mode", "lane"), PLACES)
@pytest.mark.parametrize("owned", [None, OWNED], ids=["nothing", "something"])
@pytest.mark.parametrize("free", [True, False])
def test_each_protected_route_is_tried(mode, lane, owned, free):
    found = doors(settings(mode, lane), RUN, owned, free=free)

    names = [door.route.name for door in found]
    assert sorted(names) == sorted(route.name for route in protected({"mode": mode, "lane": lane}))
    assert all(door.tried.answers and door.twin.answers for door in found)
    assert all(answer.status not in {401, 403, 429} for door in found for answer in door.twin.answers)


@pytest.mark.parametrize(("mode", "lane"), PLACES)
def test_a_twin_that_is_not_found_says_what_was_looked_for(mode, lane):
    found = doors(settings(mode, lane), RUN, None, free=False)

    texts = {answer.detail for door in found for answer in door.twin.answers if answer.status in {400, 404, 503}}
    assert None not in texts
    assert "404 Not Found" not in texts


def test_calls_are_about_what_is_there():
    found = {door.route.name: door for door in doors(settings("qwen", "realtime"), RUN, OWNED, free=False)}

    assert found["DELETE /tasks/:id"].tried.path == f"/tasks/{TASK}"
    assert found["GET /voices/:id/preview"].tried.path == f"/voices/{VOICE}/preview"
    assert found["POST /clone/finalize"].tried.options["json"]["voice_id"] == CLIP
    assert ("task_id", (None, PREVIEW)) in found["POST /voices/design"].tried.options["files"]
    assert OLD not in str([door.tried for door in found.values()])
    assert VOICE not in str([door.twin for door in found.values()])


def test_what_a_call_would_make_can_be_told_from_all_else():
    made = ("POST /generate", "POST /voices/design/preview", "POST /clone/finalize", "PATCH /profile")
    found = {door.route.name: door for door in doors(settings("qwen", "task"), RUN, OWNED, free=False)}

    assert all(marker(RUN) in str(found[title].tried.options["json"]) for title in made)


def test_an_answer_tells_its_text_where_it_has_one():
    assert (str(Answer(200)), str(Answer(404, "Voice not found"))) == ("200", "404 'Voice not found'")


def test_without_a_clip_the_voice_itself_is_tried():
    bare = Owned(SimpleNamespace(), VOICE, GENERATION, {ENDED: OLD})

    found = {door.route.name: door for door in doors(settings("qwen", "task"), RUN, bare, free=False)}

    assert found["POST /clone/finalize"].tried.options["json"]["voice_id"] == VOICE
    assert bare.ids == (VOICE, GENERATION, OLD)
