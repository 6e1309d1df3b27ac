"""The edge function `api` of the TTS system: one router, 24 routes, all business logic and all provider secrets.

`build_api(instance)` gives a `Function`: `await function(request)` answers everything below `/functions/v1/api`,
`start` begins to end overdue tasks (the first request does so too), `close` leaves nothing behind. Work that outlives
an answer goes through `instance.spawn` and dies with the instance's workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tts.api.router import Function

if TYPE_CHECKING:
    from sandbox.tts.instance import Instance

__all__ = ["Function", "build_api"]


def build_api(instance: Instance) -> Function:
    """The handler of *instance* for `/functions/v1/api` and everything below."""
    return Function(instance)
