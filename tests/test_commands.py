"""Commands of the team's: what they may do, they cannot hold a run up, and nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import pytest

from rollout_gates.commands import end_group, run_command
from tests.wire.scene import asynchronous

TWINS = "import os, sys, time; child = os.fork(); print(child or 'child', flush=True); time.sleep(60)"


def python(code):
    return [sys.executable, "-c", code]


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(pids):
    deadline = time.monotonic() + 10
    while any(map(is_there, pids)):
        assert time.monotonic() < deadline, "still there"
        await asyncio.sleep(0.05)


@asynchronous
async def test_status_and_output_are_told():
    seen = []

    ran = await run_command(
        python("import sys; print('out'); sys.exit('no')"), within_s=20, started=seen.append, variables={}
    )

    assert (ran.status, ran.problem) == (1, None)
    assert "out" in ran.output
    assert "no" in ran.output
    assert len(seen) == 1


@asynchronous
async def test_one_that_is_not_there_is_a_problem_and_no_exception():
    ran = await run_command(["./no-such-program"], within_s=5)

    assert ran.status is None
    assert ran.problem == "could not be started: No such file or directory"


@asynchronous
async def test_one_that_takes_too_long_is_ended_with_its_children():
    ran = await run_command(python(f"import signal; signal.signal(15, signal.SIG_IGN); {TWINS}"), within_s=1.5)

    assert (ran.status, ran.problem) == (None, "was still running after 1.5 s, and was ended")
    await gone([int(word) for word in ran.output.split() if word.isdigit()])


@asynchronous
async def test_who_is_cancelled_ends_it_first():
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(run_command(python(TWINS), within_s=60, started=seen.set_result))
    await seen

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await gone([seen.result()])


@asynchronous
async def test_output_without_end_ends_it():
    ran = await run_command(python("while True: print('x' * 100000)"), within_s=60)

    assert (ran.status, ran.problem) == (None, "wrote more than 16 MB, and was ended")
    assert len(ran.output) == 64 << 10


@asynchronous
async def test_a_server_that_it_leaves_behind_holds_nobody_up():
    code = (
        "import os, time\nif os.fork() == 0:\n    print(os.getpid(), flush=True)\n    time.sleep(60)\ntime.sleep(0.5)"
    )
    started = time.monotonic()

    ran = await run_command(python(code), within_s=30)

    assert ran.status == 0
    assert time.monotonic() - started < 15
    left = int(ran.output)
    assert is_there(left), "what a command that ended well leaves behind is its own affair"
    os.kill(left, 9)


@asynchronous
async def test_ending_a_group_that_is_gone_does_nothing():
    ran_as = []
    await run_command(python("pass"), within_s=20, started=ran_as.append)

    await end_group(ran_as[0])
