"""Ends tasks whose worker died, so that none stays active for ever and blocks its user."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, LiteralString

from sandbox.tts.api import log_lines
from sandbox.tts.api import task_states as states
from sandbox.tts.api.errors import StoreFailed
from sandbox.tts.api.provider_errors import TIMEOUT, TIMEOUT_TEXT
from sandbox.tts.api.text import decimal_number

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api

EVERY_S = 1.0
# Workers live 400 s at most on the platform. A modal job is granted twice its own estimate on top.
LIFETIME_S = 600.0
_OVERDUE: LiteralString = (
    "select " + states.TASK + " from public.tasks where status in ('pending', 'processing')"  # noqa: S608
    " and created_at + make_interval(secs => %s + case when provider = 'modal' and type = 'generate'"
    " and jsonb_typeof(metadata -> 'estimated_duration_minutes') = 'number'"
    " then 120 * (metadata ->> 'estimated_duration_minutes')::float else 0 end) < %s"
    " and (%s::uuid is null or user_id = %s) order by created_at limit 100"
)


async def end_overdue(api: Api, user_id: str | None = None) -> int:
    """End active tasks that are past their lifetime, and give their charge back. F-40: nobody does.

    Returns how many were ended. Raises StoreFailed.
    """
    if api.fault("F-40"):
        return 0
    chosen = decimal_number(api.deployment.variables.get("TASK_LIFETIME_SECONDS", ""))
    values = (chosen or LIFETIME_S, api.clock.now(), user_id, user_id)
    ended = 0
    for task in await api.store.rows(_OVERDUE, values):
        with suppress(StoreFailed):  # one that cannot be ended now does not keep the others waiting
            if not await states.fail(api, task, TIMEOUT_TEXT):
                continue
            ended += 1
            facts = {"provider": task["provider"], "error_category": TIMEOUT, "task_id": task["id"]}
            log_lines.provider_line(api, "task_reaped", **facts)
    return ended


class Reaper:
    """Looks for overdue tasks once a second; the routes do so as well before they read or begin a task."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin. Safe to call twice."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End without noise."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            with suppress(StoreFailed):
                await end_overdue(self._api)
