"""What can be done to a playground from outside: its providers, its rows, its objects, and the calls behind them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from rollout_gates.wire import Poller
from rollout_gates.wire.transport import Timeouts, Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rollout_gates.systems.tts.settings import Settings
    from rollout_gates.wire import Reply, Wire

_POLLER = Poller(first_s=0.01, factor=1.3, longest_s=0.1)
_PATIENCE_S = 5.0
_MOST_BYTES = 64 * 2**20


class ControlRefused(Exception):
    """The sandbox refused what was asked of it: a mistake of ours. The message is what it said."""


@dataclass(frozen=True)
class RemoteControl:
    """Calls below *url*."""

    wire: Wire
    url: str
    _transport: Transport = field(default_factory=Transport)

    async def call(self, method: str, action: str, body: Any = None, **query: str) -> Any:
        """Do *action* and return the JSON that is answered; it is recorded. Raises `ControlRefused`."""
        content = None if body is None else json.dumps(body)
        reply = await self.wire.send(
            method, self._url(action, query), content=content, actor="sandbox", request_id=False
        )
        return _read(method, action, reply.status, reply.body)

    async def quietly(self, method: str, action: str, body: Any = None) -> Any:
        """The same without a record, for answers that hold secrets, and for asking again and again."""
        content = b"" if body is None else json.dumps(body).encode()
        timeouts = Timeouts.from_limit(self.wire.timeout_s)
        answer = await self._transport.exchange(
            method, self._url(action, {}), [], content, timeouts=timeouts, max_bytes=_MOST_BYTES
        )
        return _read(method, action, answer.status, answer.body)

    async def close(self) -> None:
        """Close the connections that leave no record."""
        await self._transport.aclose()

    def _url(self, action: str, query: Mapping[str, str]) -> str:
        base = f"{self.url}/{action}" if action else self.url
        return f"{base}?{urlencode(query)}" if query else base


def _read(method: str, action: str, status: int, body: bytes) -> Any:
    if status not in (200, 201):
        raise ControlRefused(f"{method} {action}: {body.decode(errors='replace')}")
    return json.loads(body)


@dataclass(frozen=True)
class GroundProviders:
    """The stand-ins of what the system calls: modal, dashscope, audio_host, mistral, stripe."""

    control: RemoteControl

    async def requests(self, provider: str | None = None, call: str | None = None) -> list[dict[str, Any]]:
        """Return what *provider* (all, when None) was asked so far, oldest first; of *call* only, when given."""
        query = {} if provider is None else {"provider": provider}
        listed = (await self.control.call("GET", "requests", **query))["requests"]
        return [entry for entry in listed if call is None or entry["call"] == call]

    async def forget(self, provider: str | None = None) -> None:
        """Empty the request log."""
        await self.control.call("DELETE", "requests", **({} if provider is None else {"provider": provider}))

    async def script(self, provider: str, call: str, **answer: Any) -> None:
        """Say how the next requests of *call* are answered: status, body, headers, latency_s, times, drop.

        *times* is 1 unless said otherwise, 0 is for ever. What is left out stays as the provider computes it.
        """
        await self.control.call("POST", "script", {"provider": provider, "call": call, **answer})

    async def unscript(self, provider: str | None = None) -> None:
        """Forget all scripts."""
        await self.control.call("DELETE", "script", **({} if provider is None else {"provider": provider}))

    async def options(self, provider: str, **changes: Any) -> None:
        """Change habits of *provider*, such as ``synthesis_s``."""
        await self.control.call("POST", "options", {"provider": provider, "set": changes})

    async def hold(self, provider: str, call: str, count: int | None = None) -> None:
        """Keep back the next *count* answers of *call*, all when None, until `release`."""
        counted = {} if count is None else {"count": count}
        await self.control.call("POST", "hold", {"provider": provider, "call": call, **counted})

    async def release(self, provider: str, call: str, count: int | None = None) -> int:
        """Let held answers go, the oldest *count*, or all and end the hold; return how many there were."""
        counted = {} if count is None else {"count": count}
        answer = await self.control.call("POST", "release", {"provider": provider, "call": call, **counted})
        return int(answer["released"])

    async def held(self, provider: str, call: str) -> int:
        """How many answers of *call* are kept back now."""
        state = await self.control.quietly("GET", "state")
        return int(state["providers"][provider]["held"].get(call, 0))

    async def until_held(self, provider: str, call: str, count: int = 1, *, patience_s: float = _PATIENCE_S) -> bool:
        """Wait until *count* answers of *call* are kept back. False: it never came to that."""
        return await _until(lambda: self.held(provider, call), count, patience_s)

    async def until_asked(self, provider: str, call: str, count: int = 1, *, patience_s: float = _PATIENCE_S) -> bool:
        """Wait until *call* was asked for *count* times in all. False: it never was."""

        async def asked() -> int:
            listed = (await self.control.quietly("GET", f"requests?provider={provider}"))["requests"]
            return sum(entry["call"] == call for entry in listed)

        return await _until(asked, count, patience_s)


async def _until(number: Callable[[], Awaitable[int]], wanted: int, patience_s: float) -> bool:
    polled = await _POLLER.until(number, lambda found: found >= wanted, deadline_s=patience_s)
    return polled.ended


@dataclass(frozen=True)
class GroundDatabase:
    """Rows and objects as the service role sees them, through the data API and the storage API.

    Keyword arguments are columns that must be equal. Raises `ControlRefused` for an answer that is no success.
    *set_by_hand* are the ids of profiles that were written here: their ledgers do not add up to their balances.
    """

    wire: Wire
    settings: Settings
    set_by_hand: set[str] = field(default_factory=set)

    async def rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Return the matching rows of *table*, all columns."""
        return cast("list[dict[str, Any]]", await self._data("GET", table, equal))

    async def row(self, table: str, **equal: Any) -> dict[str, Any] | None:
        """Return the first matching row, or ``None``."""
        found = await self.rows(table, **equal)
        return found[0] if found else None

    async def insert(self, table: str, **row: Any) -> dict[str, Any]:
        """Insert one row and return it whole."""
        return dict((await self._data("POST", table, {}, row))[0])

    async def update(self, table: str, changes: Mapping[str, Any], **equal: Any) -> list[dict[str, Any]]:
        """Change the matching rows and return them."""
        changed = cast("list[dict[str, Any]]", await self._data("PATCH", table, equal, dict(changes)))
        if table == "profiles":
            self.set_by_hand.update(str(row["id"]) for row in changed)
        return changed

    async def delete(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Delete the matching rows and return them."""
        return cast("list[dict[str, Any]]", await self._data("DELETE", table, equal))

    async def keys(self, bucket: str, folder: str) -> list[str]:
        """Return the keys of all objects below *folder* of *bucket*; objects begin with their owner's user id."""
        url = f"{self.settings.storage_url}/object/list/{bucket}"
        listed = (await self._send("POST", url, {"prefix": folder, "limit": 1000})).json()
        below = [(f"{folder}/{entry['name']}", entry.get("id") is not None) for entry in listed]
        deeper = [await self.keys(bucket, path) for path, is_object in below if not is_object]
        return [path for path, is_object in below if is_object] + [key for keys in deeper for key in keys]

    async def bytes_of(self, bucket: str, key: str) -> bytes | None:
        """Return the object under *key*, or ``None`` when there is none."""
        url = f"{self.settings.storage_url}/object/authenticated/{bucket}/{quote(key)}"
        reply = await self.wire.send("GET", url, headers=self._headers(), actor="service_role")
        return reply.body if reply.status == 200 else None

    async def _data(self, method: str, table: str, equal: Mapping[str, Any], body: Any = None) -> Any:
        query = urlencode({name: _operand(value) for name, value in equal.items()})
        url = f"{self.settings.data_url}/{table}{'?' if query else ''}{query}"
        return (await self._send(method, url, body)).json()

    async def _send(self, method: str, url: str, body: Any) -> Reply:
        options = {} if body is None else {"json": body}
        headers = {**self._headers(), "prefer": "return=representation"}
        reply = await self.wire.send(method, url, headers=headers, actor="service_role", **options)
        if reply.status not in (200, 201):
            raise ControlRefused(f"{method} {url}: {reply.text}")
        return reply

    def _headers(self) -> dict[str, str]:
        key = self.settings.secret("service_role_key")
        shown = key.reveal() if key is not None else ""
        return {"apikey": shown, "authorization": f"Bearer {shown}"}


def _operand(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return f"is.{'null' if value is None else str(value).lower()}"
    return f"eq.{value}"
