"""Secrets of the server that an answer held: noticed while exchanges are recorded, before they are redacted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rollout_gates.secret_search.finding import Finding
from rollout_gates.secret_search.searching import ANSWERS, Searcher
from rollout_gates.secret_search.values import Known, Registered, Registry, SecretValues, Together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout_gates.environment import SystemSettings
    from rollout_gates.evidence.transcript import Exchange

MOST: Final = 200
"""Sightings that are kept one by one."""
_MOST_BYTES: Final = 2**20


@dataclass(frozen=True)
class Sighting:
    """A secret in the answer of one exchange. *origin* is whom it came from: scheme, host and port."""

    origin: str
    finding: Finding


@dataclass
class Sightings:
    """Looks at every answer for known *values*, and for what looks like a key.

    *searched* and *bodiless* count answers by origin: all of them, and those whose body is no text, or is cut;
    *size_bytes* their bodies.
    """

    values: Known
    searched: Counter[str] = field(default_factory=Counter)
    bodiless: Counter[str] = field(default_factory=Counter)
    size_bytes: Counter[str] = field(default_factory=Counter)
    found: list[Sighting] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.searcher = Searcher(self.values)

    @classmethod
    def of(cls, redactor: Registry, settings: SystemSettings) -> Sightings:
        """Return one that looks for the secrets of the server: the configured ones, and those of playgrounds."""
        names = settings.server_secrets()
        held = {f"secrets.{name}": each.reveal() for name, each in settings.held_secrets.items() if name in names}
        return cls(Together(SecretValues.of(held), Registered(redactor, names, "secrets.{}")))

    def look(self, transcript: str, exchange: Exchange) -> None:
        """Search the answer of *exchange*. What was sent in it is no find: then the answer tells nothing new."""
        if exchange.status is None:
            return
        parts = urlsplit(exchange.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        self.searched[origin] += 1
        self.size_bytes[origin] += len(exchange.response_body)
        texts = self._texts(exchange, origin)
        # Nearly all answers hold nothing, and one look tells.
        if next(self.searcher.search("\n".join(text for _where, text in texts), "", ANSWERS), None) is None:
            return
        asked = f"{exchange.method} {parts.path} as {exchange.actor!r}, exchange {exchange.id} of {transcript}"
        for where, text in texts:
            fresh = [
                Sighting(origin, each) for each in self._fresh(text, f"{where} of the answer to {asked}", exchange)
            ]
            self.found += fresh[: MOST - len(self.found)]

    def _texts(self, exchange: Exchange, origin: str) -> list[tuple[str, str]]:
        body, texts = exchange.response_body, [(f"header {name}", value) for name, value in exchange.response_headers]
        is_text = b"\x00" not in body[:4096]
        if not is_text or len(body) > _MOST_BYTES:
            self.bodiless[origin] += 1
        if body and is_text:
            texts.append(("body", body[:_MOST_BYTES].decode("utf-8", "replace")))
        return texts

    def _fresh(self, text: str, place: str, exchange: Exchange) -> Iterator[Finding]:
        found = list(self.searcher.search(text, place, ANSWERS))
        if not found:
            return
        pairs = " ".join(value for _name, value in exchange.request_headers)
        sent = f"{exchange.url} {pairs} {exchange.request_body.decode('utf-8', 'replace')}"
        known = {each.fingerprint for each in self.searcher.search(sent, "", ANSWERS)}
        fresh = (replace(each, line=None, column=None) for each in found if each.fingerprint not in known)
        yield from dict.fromkeys(fresh)
