"""What all tests share."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def pytest_make_parametrize_id(val, argname):
    """Name by their argument what differs from process to process: workers of a parallel run must agree on the ids."""
    if isinstance(val, bytes) or (isinstance(val, str) and _UUID.search(val)):
        return argname
    if isinstance(val, dict) and _UUID.search(repr(val)):
        return argname
    return None
