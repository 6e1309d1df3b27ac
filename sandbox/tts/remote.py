"""What remote control can do to a TTS instance, under `/_control/tts/<instance>/`; an instance is `qwen-task`.

GET    requests ?provider=dashscope        the provider's request log (all providers without the query)
DELETE requests ?provider=dashscope        forget it
POST   script   {"provider": "modal", "call": "submit", "status": 500, "body": ..., "headers": {},
                 "latency_s": 2, "times": 1, "drop": false, "stall": false}
                what is left out stays as the provider computes it; times 0 means for ever; a body of
                {"base64": "..."} is bytes; drop closes the connection without an answer;
                stall sends half of the body and then nothing
DELETE script   ?provider=modal            answers are computed again
                the call realtime_session takes a mishap for a body: {"do": "error", "after": 2}, see realtime_mishaps
POST   options  {"provider": "dashscope", "set": {"synthesis_s": 2}}
POST   hold     {"provider": "dashscope", "call": "synthesis", "count": 1}     without count: until released
POST   release  {"provider": "dashscope", "call": "synthesis", "count": 1}     without count: all, and end the hold
POST   break    {"what": "storage_write" | "rpc:NAME" | "update:TABLE", "on": true}
POST   variables {"TTS_PROVIDER_MODE": "modal", "DASHSCOPE_API_KEY": null}     redeploy; null removes
POST   build    {"build": "old"}           deploy the build before the adapter, or the new one, on the database as it is
POST   migrate                             bring the database to the schema of the new build
POST   clock    {"skip_s": 3600}           the instance's clock; the instances of the start share one
POST   kill_worker                         background work dies, as with its isolate
GET    log                                 log lines of the API; DELETE forgets them
GET    alerts                              alerts that have fired
GET    state
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.control import Refused, take
from sandbox.tts.settings import BUILDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sandbox.tts.instance import Instance
    from sandbox.tts.providers.standin import StandIn

TARGET = {"provider": str, "call": str}
SCRIPT = {
    "status": int,
    "body": object,
    "headers": dict,
    "latency_s": (int, float),
    "times": int,
    "drop": bool,
    "stall": bool,
}


class Remote:
    """Carries out control calls on one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._actions: dict[str, Callable[[Mapping[str, str], dict[str, Any]], Awaitable[Any]]] = {
            "GET requests": self._requests,
            "DELETE requests": self._forget_requests,
            "POST script": self._script,
            "DELETE script": self._forget_scripts,
            "POST options": self._options,
            "POST hold": self._hold,
            "POST release": self._release,
            "POST break": self._break,
            "POST variables": self._variables,
            "POST build": self._build,
            "POST migrate": self._migrate,
            "POST clock": self._clock,
            "POST kill_worker": self._kill_worker,
            "GET log": self._log,
            "DELETE log": self._forget_log,
            "GET alerts": self._alerts,
            "GET state": self._state,
        }

    async def perform(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        """Do *action*. Raises Refused."""
        perform = self._actions.get(f"{method} {action}")
        if perform is None:
            raise Refused(f"no such call: {method} {action}; there are {', '.join(self._actions)}", status=404)
        try:
            return await perform(query, body)
        except (KeyError, ValueError) as error:
            raise Refused(str(error.args[0])) from error

    def _providers(self, query: Mapping[str, str]) -> list[StandIn]:
        providers = self._instance.providers
        return [providers.named(query["provider"])] if "provider" in query else list(providers.all.values())

    async def _requests(self, query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        entries = [entry for provider in self._providers(query) for entry in provider.requests]
        return {"requests": sorted(entries, key=lambda entry: str(entry["t"]))}

    async def _forget_requests(self, query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        for provider in self._providers(query):
            provider.clear_requests()
        return {"ok": True}

    async def _script(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        given = take(body, TARGET, SCRIPT)
        provider = self._instance.providers.named(given.pop("provider"))
        given["times"] = given.get("times", 1) or None
        provider.script(given.pop("call"), **given)
        return provider.state()

    async def _forget_scripts(self, query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        for provider in self._providers(query):
            provider.clear_scripts()
        return {"ok": True}

    async def _options(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        given = take(body, {"provider": str, "set": dict})
        provider = self._instance.providers.named(given["provider"])
        for key, value in given["set"].items():
            provider.set_option(key, value)
        return provider.state()

    async def _hold(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        given = take(body, TARGET, {"count": int})
        provider = self._instance.providers.named(given["provider"])
        provider.hold(given["call"], given.get("count"))
        return provider.state()

    async def _release(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        given = take(body, TARGET, {"count": int})
        provider = self._instance.providers.named(given["provider"])
        return {"released": provider.release(given["call"], given.get("count"))}

    async def _break(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        given = take(body, {"what": str, "on": bool})
        await self._instance.breakage.set(given["what"], on=given["on"])
        return {"broken": sorted(self._instance.breakage.broken)}

    async def _variables(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        wrong = sorted(key for key, value in body.items() if not isinstance(value, str | None) or not key.isupper())
        if wrong:
            raise Refused(f"a variable is an upper-case name and a text or null: {', '.join(wrong)}")
        self._instance.redeploy(body)
        return self._instance.state()

    async def _build(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        build = take(body, {"build": str})["build"]
        if build not in BUILDS:
            raise Refused(f"no such build: {build}; there are {', '.join(BUILDS)}")
        await self._instance.deploy_build(build)
        return self._instance.state()

    async def _migrate(self, _query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        await self._instance.migrate()
        return self._instance.state()

    async def _clock(self, _query: Mapping[str, str], body: dict[str, Any]) -> Any:
        clock = self._instance.clock
        clock.skip(take(body, {"skip_s": (int, float)})["skip_s"])
        return {"now": clock.now().isoformat(), "skipped_s": clock.skipped_s}

    async def _kill_worker(self, _query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        return {"killed": await self._instance.kill_workers()}

    async def _log(self, _query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        return {"lines": self._instance.log.lines}

    async def _forget_log(self, _query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        self._instance.log.lines.clear()
        return {"ok": True}

    async def _alerts(self, _query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        return {"alerts": self._instance.alerts.fired}

    async def _state(self, _query: Mapping[str, str], _body: dict[str, Any]) -> Any:
        return self._instance.state()
