"""What a sandbox says when it is ready: one line for a program, a page for a person."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from sandbox.host import system_module

if TYPE_CHECKING:
    from sandbox.host import Sandbox


def ready_line(sandbox: Sandbox) -> str:
    """One line of JSON. What stands under `variables` is secret and belongs into an environment, not into a file.

    `systems` and `variables` speak of the first instance of each system; `instances` has the same for all of them.
    """
    systems: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for key, instances in sandbox.instances.items():
        name, instance = next(iter(instances.items()))
        systems[key] = system_module(key).table(instance)
        variables |= system_module(key).variables(instance, sandbox.users[key][name])
    every = {
        f"{key}/{name}": {
            "settings": system_module(key).table(instance),
            "variables": system_module(key).variables(instance, sandbox.users[key][name]),
        }
        for key, instances in sandbox.instances.items()
        for name, instance in instances.items()
    }
    line = {
        "ready": True,
        "control_url": sandbox.control_url,
        "systems": systems,
        "variables": variables,
        "faults": sandbox.active_faults(),
        "position": sandbox.wish.position,
        "instances": every,
    }
    return json.dumps(line)


def ready_page(sandbox: Sandbox) -> str:
    """The page for a person: where everything is, who may sign in, what to try."""
    parts = [
        _instance_page(sandbox, key, name, instance)
        for key, instances in sandbox.instances.items()
        for name, instance in instances.items()
    ]
    parts.append(
        "\n".join(
            [
                *_faults_said(sandbox),
                f"Remote control: curl {sandbox.control_url}/state",
                "Ctrl-C ends it; nothing is left behind.",
            ]
        )
    )
    return "\n\n".join(parts)


def _faults_said(sandbox: Sandbox) -> list[str]:
    """Which faults are on, and in position `reference` which ones of the real build are still missing."""
    said = f"Position {sandbox.wish.position}; faults on: {', '.join(sandbox.active_faults()) or 'none'}."
    if sandbox.wish.position == "reference":
        every = [fault for switches in sandbox.switches.values() for fault in switches.registry.values()]
        missing = [fault.name for fault in every if fault.reference and not fault.built]
        said += f" Not built yet: {', '.join(missing)}." if missing else ""
    return textwrap.wrap(said, 78, break_on_hyphens=False)


def _instance_page(sandbox: Sandbox, key: str, name: str, instance: Any) -> str:
    table = system_module(key).table(instance)
    users = sandbox.users[key][name]
    lines = [f"{key} {name} is ready", ""]
    lines += [f"  {label:<11}{table[field]}" for label, field in _ADDRESSES if field in table]
    lines += [f"  {who:<11}{user['email']}  password {user['password']}" for who, user in _named(users)]
    lines += ["", "Paste this into a shell, then try the lines below it:", ""]
    lines += [f"export API={table['api_url']}"]
    values = system_module(key).variables(instance, users)
    lines += [f"export {variable}='{value}'" for variable, value in values.items()]
    lines += ["", *system_module(key).examples(instance)]
    return "\n".join(lines)


_ADDRESSES = (("API", "api_url"), ("Auth", "auth_url"), ("Data API", "data_url"), ("Storage", "storage_url"))


def _named(users: dict[str, dict[str, str]]) -> list[tuple[str, dict[str, str]]]:
    return [(f"User {letter.upper()}", user) for letter, user in users.items()]
