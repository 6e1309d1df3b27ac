"""Secrets whose values are known, found in the encodings in which values travel."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urlsplit

from rollout_gates.evidence.known_values import KnownValues, named_encodings
from rollout_gates.secret_search.dummies import is_dummy

SHORTEST = 8
_LONG = 16
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.([\w-]{16,})")


@dataclass(frozen=True)
class Hit:
    """A known *value* (under a name that says which, and how it is encoded) at *start* of a text, *size* long."""

    start: int
    size: int
    kind: str
    value: str


class Known(Protocol):
    """Secrets that can be found in a text."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are looked for."""

    @property
    def too_plain(self) -> tuple[str, ...]:
        """The names of those that are not, since ordinary texts hold them by chance."""

    def within(self, text: str) -> Iterator[Hit]:
        """Yield each place of a known value in *text*; what stands within a longer one is not told again."""


class Registry(Protocol):
    """Somebody who knows the secrets of a run, those among them that it got while it went."""

    @property
    def registered(self) -> Mapping[str, str]:
        """Values and their names."""

    @property
    def known(self) -> KnownValues:
        """Their forms and names."""


@dataclass(frozen=True)
class SecretValues:
    """A few secrets, with their parts. Immutable: `plus` makes the next one."""

    names: tuple[str, ...] = ()
    too_plain: tuple[str, ...] = ()
    _known: KnownValues = field(default_factory=KnownValues)
    _values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, secrets: Mapping[str, str]) -> SecretValues:
        """Return the secrets of this mapping from names to values."""
        found = cls()
        for name, value in secrets.items():
            found = found.plus(name, value)
        return found

    def plus(self, name: str, value: str) -> SecretValues:
        """Return these and *value*, called *name*, with its parts that are secrets by themselves."""
        if not _is_searchable(value):
            return SecretValues(self.names, (*self.too_plain, name), self._known, self._values)
        known, values = self._known, dict(self._values)
        for part, secret in ((name, value), *_parts(name, value)):
            for encoding, forms in named_encodings(secret).items():
                kind = f"value of {part}, {encoding}" if encoding else f"value of {part}"
                fresh = {form for form in forms if form not in known.names}
                known = known.plus(sorted(fresh), kind)
                values |= dict.fromkeys(fresh, secret)
        return SecretValues((*self.names, name), self.too_plain, known, values)

    def within(self, text: str) -> Iterator[Hit]:
        """Yield each place of a known value in *text*; what stands within a longer one is not told again."""
        yield from _apart(text, [(form, kind, self._values[form]) for form, kind in self._known.within(text)])


@dataclass(frozen=True)
class Registered:
    """All secrets that *registry* knows at the time, or those called *only*. It costs nothing to make.

    *called* is how a reader knows them, with their names in place of ``{}``.
    """

    registry: Registry
    only: Collection[str] | None = None
    called: str = "{}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are looked for."""
        known = {name for name in self.registry.registered.values() if self._wanted(name)}
        return tuple(self.called.format(name) for name in sorted(known))

    @property
    def too_plain(self) -> tuple[str, ...]:
        """The names of those that are not."""
        return ()

    def within(self, text: str) -> Iterator[Hit]:
        """Yield each place of a known value in *text*; what stands within a longer one is not told again."""
        found = [(form, name) for form, name in self.registry.known.within(text) if self._wanted(name)]
        if found:
            told = [(form, *self._described(form, name)) for form, name in found]
            yield from _apart(text, [each for each in told if _is_searchable(each[2])])

    def _wanted(self, name: str) -> bool:
        return self.only is None or name in self.only

    def _described(self, form: str, name: str) -> tuple[str, str]:
        """Return the kind of a form, and the value behind it."""
        told = f"value of {self.called.format(name)}"
        for value, known in self.registry.registered.items():
            if known == name:
                for encoding, forms in named_encodings(value).items():
                    if form in forms:
                        return f"{told}, {encoding}" if encoding else told, value
        return told, form


@dataclass(frozen=True)
class Together:
    """What *first* and *second* know, by the kinds of the first where both know it."""

    first: Known
    second: Known

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are looked for."""
        return tuple(dict.fromkeys((*self.first.names, *self.second.names)))

    @property
    def too_plain(self) -> tuple[str, ...]:
        """The names of those that are not."""
        return tuple(name for name in self.first.too_plain if name not in self.second.names)

    def within(self, text: str) -> Iterator[Hit]:
        """Yield each place of a known value in *text*."""
        mine = list(self.first.within(text))
        yield from mine
        for hit in self.second.within(text):
            if not any(each.start < hit.start + hit.size and hit.start < each.start + each.size for each in mine):
                yield hit


def _apart(text: str, found: Iterable[tuple[str, str, str]]) -> Iterator[Hit]:
    """Yield where each (form, kind, value) stands, the longest form first."""
    taken: list[tuple[int, int]] = []
    for form, kind, value in found:
        for start in _places(text, form):
            end = start + len(form)
            if not any(begin <= start and end <= stop for begin, stop in taken):
                taken.append((start, end))
                yield Hit(start, len(form), kind, value)


def _is_searchable(value: str) -> bool:
    classes = sum(bool(re.search(pattern, value)) for pattern in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    return len(value) >= _LONG or (len(value) >= SHORTEST and classes >= 2 and not is_dummy(value))


def _parts(name: str, value: str) -> Iterable[tuple[str, str]]:
    """Yield the password of a URL and the signature of a JWT: each gives the whole away."""
    if match := _JWT.fullmatch(value):
        yield f"{name} (its signature)", match[1]
    try:
        password = unquote(urlsplit(value).password or "") if "://" in value else ""
    except ValueError:
        password = ""
    if password and _is_searchable(password):
        yield f"{name} (its password)", password


def _places(text: str, form: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + len(form))
