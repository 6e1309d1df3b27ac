"""What all tests share."""

from __future__ import annotations

import re
import signal
import threading

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def pytest_configure():
    """Let children hear Ctrl-C even if this run was begun where it is ignored, as by ``nohup`` or in a shell's ``&``.

    What is ignored is inherited; what has a handler, even one that does nothing, is not.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_make_parametrize_id(val, argname):
    """Name by their argument what differs from process to process: workers of a parallel run must agree on the ids."""
    if isinstance(val, bytes) or (isinstance(val, str) and _UUID.search(val)):
        return argname
    if isinstance(val, dict) and _UUID.search(repr(val)):
        return argname
    return None
