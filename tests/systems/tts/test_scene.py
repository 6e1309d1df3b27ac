"""A scenario on a deployment: users of its own are free to act, one that all share has room for so many scenarios."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.scene import CALLS, Scene
from rollout_gates.wire import CouldNotJudge
from tests.systems.tts.acting import settings_of
from tests.systems.tts.elsewhere import Elsewhere
from tests.wire.scene import asynchronous


def scene(*, fresh: bool, used: int = 0, ground: object = None, **limits: int) -> Scene:
    there = Elsewhere()
    there.url = "http://127.0.0.1:1"
    settings = settings_of({**there.table(), "rate_limits": {"tier1_user": 2 * CALLS}, **limits})

    async def get(name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name if fresh else "user_a", owner="user_a", fresh=fresh)

    session = SimpleNamespace(settings=settings, identities=SimpleNamespace(get=get), booked={})
    pace = SimpleNamespace(used=lambda _actor, _tier: used)
    return Scene(SimpleNamespace(session=session, pace=pace), ground)


async def admitted(stage: Scene) -> int:
    """How many scenarios of eight are let in."""
    asked = await asyncio.gather(*(stage.user(f"scenario_{number}") for number in range(8)), return_exceptions=True)
    refused = [each for each in asked if isinstance(each, CouldNotJudge)]
    assert {problem.reason for problem in refused} <= {Reason.OUT_OF_BUDGET}
    return len(asked) - len(refused)


@pytest.mark.parametrize(
    ("stage", "count"),
    [
        (scene(fresh=False), 2),
        (scene(fresh=False, used=1), 1),
        (scene(fresh=False, rate_windows=3), 6),
        (scene(fresh=True), 8),
        (scene(fresh=False, ground=object()), 8),
    ],
    ids=["shared", "used before", "more windows", "of their own", "in a playground"],
)
@asynchronous
async def test_scenarios_begin_while_there_is_room_for_them(stage, count):
    assert await admitted(stage) == count
