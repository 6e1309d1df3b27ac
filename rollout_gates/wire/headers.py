"""The headers of an answer: names without case, duplicates kept, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

Raw = Iterable[tuple[bytes, bytes]]


class Headers(Mapping[str, str]):
    """Maps each name, whatever its case, to its value; several values are joined by a comma, as HTTP allows.

    `multi_items` and `get_list` keep them apart. Names are shown in lower case.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple((name.lower(), value) for name, value in pairs)

    @classmethod
    def received(cls, raw: Raw) -> Headers:
        """Return headers from the bytes of an answer: UTF-8 where all of them are, else ISO-8859-1."""
        pairs = list(raw)
        try:
            return cls([(name.decode(), value.decode()) for name, value in pairs])
        except UnicodeDecodeError:
            return cls([(name.decode("iso-8859-1"), value.decode("iso-8859-1")) for name, value in pairs])

    @cached_property
    def _joined(self) -> dict[str, str]:
        joined: dict[str, str] = {}
        for name, value in self._pairs:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    def __getitem__(self, name: str) -> str:
        return self._joined[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._joined)

    def __len__(self) -> int:
        return len(self._joined)

    def __repr__(self) -> str:
        # Shown in tracebacks: a value may be a secret.
        return f"<Headers {', '.join(self._joined) or 'none'}>"

    def multi_items(self) -> list[tuple[str, str]]:
        """Return (name, value) of each header in the order of arrival."""
        return list(self._pairs)

    def get_list(self, name: str) -> list[str]:
        """Return the values of header *name*, each by itself."""
        return [value for own, value in self._pairs if own == name.lower()]
