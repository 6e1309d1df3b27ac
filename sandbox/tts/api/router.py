"""From request to answer: CORS, limiter, authentication, route, and errors that keep one form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.tts.api import limiter, log_lines
from sandbox.tts.api.answers import HTML, common_headers, error_answer, text_answer
from sandbox.tts.api.authn import require_user
from sandbox.tts.api.context import Api, Call, request_id_of
from sandbox.tts.api.errors import ApiError, crashed, unknown_route
from sandbox.tts.api.reaper import Reaper
from sandbox.tts.api.routes import match

if TYPE_CHECKING:
    from sandbox.tts.instance import Instance

ROOT = "/api"
# F-09 spares what other clauses read: 401, 404, 429, crashes, and the text of the cap.
SPARED_STATUSES = frozenset({401, 404, 429})
SPARED_TEXT = "Text cannot exceed"


class Function:
    """The deployed function. Call it with a request and the path below `/functions/v1/api`."""

    def __init__(self, instance: Instance) -> None:
        self.api = Api(instance)
        self._reaper = Reaper(self.api)

    async def start(self) -> None:
        """Begin to end overdue tasks. Safe to call twice."""
        self._reaper.start()

    async def close(self) -> None:
        """Leave nothing behind. Background work of answered calls belongs to the instance."""
        await self._reaper.close()
        await self.api.close()

    async def __call__(self, request: web.Request, _route_path: str = "") -> web.StreamResponse:
        """The answer to *request*. The raw path is read from it, since that still shows `//` and `%2F`."""
        self._reaper.start()
        call = Call(
            api=self.api.pinned(),
            request=request,
            method="GET" if request.method == "HEAD" else request.method,
            path=_function_path(request),
            request_id=request_id_of(request),
        )
        if request.method == "OPTIONS":
            return self._finished(call, web.Response(status=204), identified=not self.api.fault("F-10"))
        tier = limiter.tier(call)
        if tier is None:
            return await self._answered(call, None)
        decision = await limiter.decide(call, tier)
        answer = await self._answered(call, decision.refusal)
        log_lines.request_line(call, tier, decision, answer.status)
        return answer

    async def _answered(self, call: Call, refusal: ApiError | None) -> web.StreamResponse:
        """The route's answer, or the error that ended it, with all headers."""
        try:
            return self._refused(call, refusal) if refusal else self._finished(call, await self._routed(call))
        except ApiError as error:
            return self._refused(call, error)
        except web.HTTPException as error:
            return self._refused(call, ApiError(error.status, error.reason))
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer
            log_lines.crash_line(call, error)
            return self._refused(call, crashed())

    async def _routed(self, call: Call) -> web.StreamResponse:
        found = match(call.method, call.path.removeprefix(ROOT), limiter.routed_lane(call))
        if found is None:
            raise unknown_route()
        route, call.parameters = found
        if route.signed_in:
            call.user_id = await require_user(call, cost_route=limiter.tier(call) == 1)
        return await route.handler(call)

    def _refused(self, call: Call, error: ApiError) -> web.StreamResponse:
        """An error as it is shown. F-09: as HTML. F-10: some as text, most without their request id."""
        if self.api.fault("F-10") and error.plain is not None:
            return self._finished(call, text_answer(error.plain, error.status))
        answer = error_answer(error)
        if _may_be_html(error) and (self.api.fault("F-09") or _streams_html(call)):
            page = HTML.format(status=error.status, detail=error.detail)
            answer = text_answer(page, error.status, "text/html")
        return self._finished(call, answer, identified=not self.api.fault("F-10") or error.status in {429, 503})

    def _finished(self, call: Call, answer: web.StreamResponse, *, identified: bool = True) -> web.StreamResponse:
        if not answer.prepared:  # a stream has sent its own
            answer.headers.update(common_headers(call, identified=identified))
        return answer


def _may_be_html(error: ApiError) -> bool:
    spared = error.status in SPARED_STATUSES or error.detail.startswith(SPARED_TEXT)
    return error.plain is None and not spared


def _streams_html(call: Call) -> bool:
    """F-57: errors of the stream route are pages, where there is a stream: mode modal refuses as ever."""
    return call.is_stream and call.api.deployment.mode == "qwen" and call.api.fault("F-57")


def _function_path(request: web.Request) -> str:
    """The path as the function sees it: raw, from `/api` on."""
    raw = request.rel_url.raw_path
    return ROOT + raw.partition(ROOT)[2]
