"""Remote control of a running sandbox: JSON over HTTP, on loopback, for tests and for a person with curl.

    GET    /_control/state                       systems, instances, faults, clock
    PUT    /_control/faults  {"on": ["tts:F-13"]}   exactly these, everything else off
    POST   /_control/clock   {"skip_s": 3600}       tokens, signed URLs and windows age
    POST   /_control/<system>/instances {...}       one more instance (201), see its `playgrounds.py`
    DELETE /_control/<system>/instances/<name>      end it; nothing of it is left

    A system adds what its instances can do, under /_control/<system>/<instance>/..., see its `remote.py`.

A wrong call is answered with one line: 400 or 404 and `{"detail": ...}`. Unknown keys are refused, so that a misspelt
one cannot pass for an effect.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from sandbox.faults import FaultError, Switches, find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock

PREFIX = "/_control"


class Refused(Exception):
    """A control call that cannot be done. *status* is 400 or 404."""

    def __init__(self, detail: str, *, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status


class Controlled(Protocol):
    """What control needs of an instance."""

    name: str

    def state(self) -> dict[str, Any]:
        """What there is to know about the instance, for a person."""

    async def control(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        """Do *action*. Returns a JSON value. Raises Refused."""


class Maker(Protocol):
    """Makes instances while the sandbox runs."""

    async def make(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Start an instance as *wish* says; returns its `name` and what a client needs. Raises Refused."""

    async def end(self, name: str) -> None:
        """End an instance that `make` started. Raises Refused."""


@dataclass(frozen=True)
class Made:
    """An instance that was just started for *system*."""

    system: str
    instance: dict[str, Any]

    def told(self, control_url: str) -> dict[str, Any]:
        """What its maker said of it, and where it is controlled."""
        return {**self.instance, "control": f"{control_url}/{self.system}/{self.instance['name']}"}


class Control:
    """Answers control calls for all instances of a sandbox. *makers* is read at each call, by system."""

    def __init__(
        self,
        clock: Clock,
        switches: Mapping[str, Switches],
        instances: Mapping[str, Mapping[str, Controlled]],
        makers: Mapping[str, Maker],
    ) -> None:
        self._clock = clock
        self._switches = switches
        self._instances = instances
        self._makers = makers

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one call."""
        try:
            body = _body(await request.read())
            answer = await self._perform(request.method, request.path, request.query, body)
        except Refused as refused:
            return web.json_response({"detail": str(refused)}, status=refused.status)
        if isinstance(answer, Made):
            return web.json_response(answer.told(f"{request.url.origin()}{PREFIX}"), status=201)
        return web.json_response(answer)

    async def _perform(self, method: str, path: str, query: Mapping[str, str], body: dict[str, Any]) -> Any:
        what = f"{method} {path.removeprefix(PREFIX)}"
        if what == "GET /state":
            return self._state()
        if what == "PUT /faults":
            self._set_faults(take(body, {"on": list})["on"])
            return self._state()
        if what == "POST /clock":
            return self._skip(take(body, {"skip_s": (int, float)})["skip_s"])
        parts = path.removeprefix(f"{PREFIX}/").split("/")
        if path.startswith(f"{PREFIX}/") and parts[1:2] == ["instances"]:
            return await self._make_or_end(method, parts[0], parts[2:], body)
        if path.startswith(f"{PREFIX}/") and len(parts) == 3:
            return await self._instance(parts[0], parts[1]).control(method, parts[2], query, body)
        raise Refused(f"no such call: {method} {path}", status=404)

    def _state(self) -> dict[str, Any]:
        systems = {
            system: {name: instance.state() for name, instance in instances.items()}
            for system, instances in self._instances.items()
        }
        faults = [name for switches in self._switches.values() for name in switches.active()]
        return {
            "now": self._clock.now().isoformat(),
            "skipped_s": self._clock.skipped_s,
            "faults": faults,
            "systems": systems,
        }

    def _set_faults(self, names: list[Any]) -> None:
        registries = {system: switches.registry for system, switches in self._switches.items()}
        try:
            wanted = [find(str(name), registries) for name in names]
        except FaultError as error:
            raise Refused(str(error)) from error
        for system, switches in self._switches.items():
            switches.set(fault.id for fault in wanted if fault.system == system)

    def _skip(self, seconds: float) -> dict[str, Any]:
        try:
            self._clock.skip(seconds)
        except ValueError as error:
            raise Refused(str(error)) from error
        return {"now": self._clock.now().isoformat(), "skipped_s": self._clock.skipped_s}

    async def _make_or_end(self, method: str, system: str, named: list[str], body: dict[str, Any]) -> Any:
        maker = self._makers.get(system)
        if maker is None:
            raise Refused(f"no system {system}; there are {', '.join(self._makers) or 'none yet'}", status=404)
        if method == "POST" and not named:
            return Made(system, await maker.make(body))
        if method == "DELETE" and len(named) == 1:
            await maker.end(named[0])
            return {"ended": named[0]}
        raise Refused("instances are made with POST .../instances and ended with DELETE .../instances/NAME", status=404)

    def _instance(self, system: str, name: str) -> Controlled:
        instances = self._instances.get(system, {})
        if name not in instances:
            known = ", ".join(f"{key}/{one}" for key, names in self._instances.items() for one in names)
            raise Refused(f"no instance {system}/{name}; there are {known}", status=404)
        return instances[name]


def take(
    body: Mapping[str, Any], required: Mapping[str, Any], optional: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """*body*, when it has the required keys, no unknown ones, and the types given. Raises Refused."""
    kinds = {**required, **(optional or {})}
    unknown = sorted(set(body) - set(kinds))
    missing = sorted(set(required) - set(body))
    if unknown or missing:
        wrong = f"unknown: {', '.join(unknown)}" if unknown else f"missing: {', '.join(missing)}"
        raise Refused(f"{wrong}; the keys are {', '.join(kinds)}")
    for key, value in body.items():
        numeric = kinds[key] in {int, (int, float)}
        if kinds[key] is not object and (not isinstance(value, kinds[key]) or (numeric and isinstance(value, bool))):
            raise Refused(f"{key} has the wrong type: {type(value).__name__}")
    return dict(body)


def _body(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise Refused("the body is not JSON") from error
    if not isinstance(value, dict):
        raise Refused("the body is not a JSON object")
    return value
