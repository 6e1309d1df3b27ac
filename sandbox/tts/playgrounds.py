"""Instances that are made while the sandbox runs, each for one scenario, and ended when it is over.

POST /_control/tts/instances, all keys optional:
    mode, lane   those of the first instance when left out
    build        `new` or `old`, the one before the adapter; the sandbox's own when left out
    migrated     whether it stands on the schema of the new build; that of the build when left out
    variables    as for a redeploy (`QWEN_MAX_TEXT_CHARS`), or keys of the environment file (`text_cap`); null removes

The answer holds `name`, `settings` (the `[tts]` table of an environment file) and `variables` (its secrets). Faults are
those of the whole sandbox. Database, keys, providers and clock are the instance's own.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.clock import Clock
from sandbox.control import Refused, take
from sandbox.tts import system
from sandbox.tts.database.setup import BASE, NEWEST, prepare_template, template_name
from sandbox.tts.instance import Instance
from sandbox.tts.options import Options, parse
from sandbox.tts.settings import BUILDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.faults import Switches
    from sandbox.postgres import Cluster

# What a lane decides: values that were meant for one lane are wrong in the other.
OF_A_LANE = ("QWEN_",)


class Playgrounds:
    """Makes and ends them. *instances* is the sandbox's own table, so that remote control finds each by its name."""

    def __init__(
        self, cluster: Cluster, options: Options, faults: Switches, instances: dict[str, Instance], *, verbose: bool
    ) -> None:
        self._cluster = cluster
        self._options = options
        self._faults = faults
        self._instances = instances
        self._verbose = verbose
        self._made: set[str] = set()
        self._prepared = {NEWEST if options.migrated else BASE}
        self._preparing = asyncio.Lock()
        self._numbers = itertools.count(1)

    async def make(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Start one as *wish* says. Raises Refused."""
        given = take(wish, {}, {"mode": str, "lane": str, "variables": dict, "build": str, "migrated": bool})
        mode, lane = given.get("mode", self._options.modes[0]), given.get("lane", self._options.lanes[0])
        variables = given.get("variables", {})
        options = self._optioned(mode, lane, variables)
        if given.get("build", options.build) not in BUILDS:
            raise Refused(f"no such build: {given['build']}; there are {', '.join(BUILDS)}")
        if "build" in given:
            options = replace(options, build=given["build"], migrated=given["build"] == "new")
        options = replace(options, migrated=given.get("migrated", options.migrated))
        instance = Instance(
            mode=mode,
            lane=lane,
            clock=Clock(),
            faults=self._faults,
            options=options,
            verbose=self._verbose,
            name=f"{mode}-{lane}-{next(self._numbers)}",
        )
        instance.redeploy({name: None for name, value in variables.items() if value is None})
        self._instances[instance.name] = instance
        self._made.add(instance.name)
        try:
            await instance.start(self._cluster, await self._template(options))
        except BaseException:
            await self.end(instance.name)
            raise
        settings = system.table(instance)
        return {
            "name": instance.name,
            "settings": {**settings, "provider_mode": settings["provider_mode"] or mode},
            "variables": system.variables(instance, {}),
        }

    async def _template(self, options: Options) -> str:
        """The template with the schema that is wanted; it is made when it is wanted for the first time."""
        until = NEWEST if options.migrated else BASE
        async with self._preparing:
            if until not in self._prepared:
                await asyncio.to_thread(prepare_template, self._cluster, until)
                self._prepared.add(until)
        return template_name(until)

    async def end(self, name: str) -> None:
        """Close it and drop its database. Raises Refused for one that was not made here."""
        if name not in self._made:
            known = ", ".join(sorted(self._made)) or "none"
            raise Refused(f"no such playground: {name}; there are {known}", status=404)
        self._made.discard(name)
        await self._instances.pop(name).discard(self._cluster)

    def _optioned(self, mode: str, lane: str, variables: Mapping[str, Any]) -> Options:
        """The sandbox's own options, and those of one playground over them. Raises Refused."""
        wrong = sorted(name for name, value in variables.items() if not isinstance(value, str | None))
        if wrong:
            raise Refused(f"a variable is a text or null: {', '.join(wrong)}")
        try:
            wanted = parse({k: v for k, v in variables.items() if v is not None}, modes=(mode,), lanes=(lane,))
        except ValueError as error:
            raise Refused(str(error)) from error
        base = self._options.variables
        if lane not in self._options.lanes:
            base = {name: value for name, value in base.items() if not name.startswith(OF_A_LANE)}
        return replace(
            wanted,
            sign_up=True,
            build=self._options.build,
            migrated=self._options.migrated,
            files={},
            variables={**base, **wanted.variables},
            habits={**self._options.habits, **wanted.habits},
        )
