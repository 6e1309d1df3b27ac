"""Ctrl-C, and the signals by which a pipeline cancels a job: the first ends the run in order, the others wait for that.

In order means: what the run made is removed, the verdict is reached and the evidence is written.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
ADVICE = "interrupted: removing what this run made; further Ctrl-C is ignored, rollout-gates cleanup can do it later"


def take_over() -> Callable[[], None]:
    """Let the first of the signals raise ``KeyboardInterrupt`` and ignore the rest; return a function that undoes it.

    Outside of the main thread nothing is done: signals cannot be handled there.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    # What is ignored already stays so: that is what nohup and the shell's & are for.
    heard = [number for number in _numbers() if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _first) for number in heard}

    def undo() -> None:
        for number, handler in before.items():
            # None: somebody else's handler that Python does not know.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    return undo


def ignore() -> None:
    """From here on none of the signals ends anything."""
    if threading.current_thread() is threading.main_thread():
        for number in _numbers():
            signal.signal(number, signal.SIG_IGN)


def _first(number: int, _frame: FrameType | None) -> NoReturn:
    ignore()
    raise KeyboardInterrupt(signal.Signals(number).name)


def told(problem: BaseException) -> str:
    """Return by whom or what a run was interrupted."""
    return {"": "by Ctrl-C", "SIGINT": "by Ctrl-C"}.get(str(problem), str(problem))


def _numbers() -> list[Any]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
