"""A sandbox as a whole: the cluster, the systems asked for, and remote control over them."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.clock import Clock
from sandbox.faults import Fault, FaultError, Switches, find, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.postgres import Cluster


@dataclass(frozen=True)
class Wish:
    """What a person asked for. *options*: for each system, what its own `options.parse` made of the settings."""

    options: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()
    position: str = "fixed"
    verbose: bool = False


def wanted_faults(names: list[str], options: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The faults of *names*. Raises FaultError for one that is unknown, not built, or invisible in what is started.

    A fault that cannot show is refused rather than ignored: a proof that ran without it would prove nothing.
    """
    registries = {system: load(system) for system in options}
    found = []
    for name in names:
        fault = find(name, registries)
        chosen = options[fault.system]
        for kind, only, running in (("mode", fault.modes, chosen.modes), ("lane", fault.lanes, chosen.lanes)):
            if only and not set(only) & set(running):
                raise FaultError(f"{fault.name} shows only in {kind} {' or '.join(only)}, not in {', '.join(running)}")
        found.append(fault)
    return tuple(found)


@dataclass
class Sandbox:
    """Everything that runs.

    `start` returns when all of it answers; `close` leaves nothing behind, however far `start` came.
    """

    wish: Wish
    clock: Clock = field(default_factory=Clock)
    switches: dict[str, Switches] = field(default_factory=dict)
    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, dict[str, dict[str, str]]]] = field(default_factory=dict)
    makers: dict[str, Any] = field(default_factory=dict)
    control_url: str = ""

    def __post_init__(self) -> None:
        self._cluster: asyncio.Future[Cluster] | None = None
        self._server: Any = None

    async def start(self) -> None:
        """Start the cluster and, while it comes up, all that needs no database."""
        # Imported here, in this order: the cluster takes longest, and comes up while the rest is still loading.
        from sandbox.postgres import Cluster  # noqa: PLC0415

        self._cluster = asyncio.get_running_loop().run_in_executor(None, Cluster.start)
        await asyncio.sleep(0)
        from sandbox.control import PREFIX, Control  # noqa: PLC0415
        from sandbox.serving import Server  # noqa: PLC0415

        for key, options in self.wish.options.items():
            self._outline(key, options)
        control = Control(self.clock, self.switches, self.instances, self.makers)
        self._server = Server()
        await self._server.start(control.handle)
        self.control_url = f"{self._server.url}{PREFIX}"
        cluster = await asyncio.shield(self._cluster)
        for key, instances in self.instances.items():
            system = system_module(key)
            await system.start(list(instances.values()), cluster)
            self.users[key] = {name: await system.users(instance) for name, instance in instances.items()}
            self.makers[key] = importlib.import_module(f"sandbox.{key}.playgrounds").Playgrounds(
                cluster, self.wish.options[key], self.switches[key], instances, verbose=self.wish.verbose
            )

    def _outline(self, key: str, options: Any) -> None:
        faults = [fault.id for fault in self.wish.faults if fault.system == key]
        switches = Switches(load(key), faults, position=self.wish.position)
        self.switches[key] = switches
        outlined = system_module(key).outline(options, self.clock, switches, verbose=self.wish.verbose)
        self.instances[key] = {instance.name: instance for instance in outlined}

    async def close(self) -> None:
        """End everything. A cluster that is still starting is waited for, so that it can be ended too."""
        if self._server is not None:
            await self._server.close()  # first, so that nobody asks for one more instance
        every = [instance for instances in self.instances.values() for instance in instances.values()]
        await asyncio.gather(*(instance.close() for instance in every))
        if self._cluster is not None:
            outcome = (await asyncio.gather(self._cluster, return_exceptions=True))[0]
            if not isinstance(outcome, BaseException):
                await asyncio.to_thread(outcome.stop)

    def active_faults(self) -> list[str]:
        """Names of all faults that are on."""
        return [name for switches in self.switches.values() for name in switches.active()]


def system_module(key: str) -> Any:
    """The module `sandbox.<key>.system`."""
    return importlib.import_module(f"sandbox.{key}.system")
