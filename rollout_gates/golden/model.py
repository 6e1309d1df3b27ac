"""What a golden case is, once read: plain frozen values, no behaviour of any system."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rollout_gates.json_schema import Schema

ANY_MODE = "any"


class GoldenError(Exception):
    """A case, a folder or a use of them is wrong; the message is one line and names the file."""


class NotReached(GoldenError):
    """No flow got as far as the answer that a case judges: nothing can be said about it."""


class Unset(enum.Enum):
    """The type of `UNSET`: a JSON null is a value, so absence needs one of its own."""

    UNSET = "unset"


UNSET = Unset.UNSET


class Reply(Protocol):
    """What the library reads of an answer; the wire client's reply fits, and so does a test's stand-in."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Any: ...
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True)
class Request:
    """One request as the case writes it; placeholders are still in it until `render.fill_request`.

    *path* is relative to the system's API address and is sent as it stands, doubled slashes included.
    A header of None is left out although the client would send it. At most one of *json*, *raw_body* and *multipart*
    is set.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str | None] = field(default_factory=dict)
    json: Any = UNSET
    raw_body: str | Unset = UNSET
    multipart: Mapping[str, Any] | Unset = UNSET


@dataclass(frozen=True)
class Expectation:
    """What an answer must be, in one mode. *key* is the key of `expect` that it stood under.

    *status* is a tuple of integers and of classes such as `"4xx"`; empty means: not judged.
    *schema* is the compiled body schema that *body_schema* names.
    """

    key: str
    status: tuple[int | str, ...] = ()
    json: Any = UNSET
    text: Any = UNSET
    says: Any = UNSET
    headers: Mapping[str, Any] = field(default_factory=dict)
    body_schema: str | None = None
    schema: Schema | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Case:
    """One golden case, one check. *id* is the path below the golden folder without its suffix.

    Either *request* is sent, or the answer is the first of *steps* (`flow.attribute`) that a flow got to.
    """

    id: str
    file: Path
    system: str
    folder: str
    title: str
    made: str
    clauses: tuple[str, ...]
    archetype: str
    actor: str
    expect: Mapping[str, Expectation]
    request: Request | None = None
    steps: tuple[str, ...] = ()
    billable: bool = False
    twin: str | None = None
    applies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_compared: tuple[str, ...] = ()

    @property
    def observes(self) -> tuple[str, str]:
        """The system and the name of the flow that sends the case; what a conductor is asked for."""
        return self.system, f"golden:{self.id}"

    def expectation(self, mode: str) -> Expectation | None:
        """What must hold in *mode*: the entry of that name, else `any`, else nothing."""
        return self.expect.get(mode) or self.expect.get(ANY_MODE)

    def collected(self, mode: str, facts: Mapping[str, str]) -> bool:
        """Whether the case is a check in this configuration. Decided from configuration alone."""
        return self.expectation(mode) is not None and all(
            facts.get(fact) in values for fact, values in self.applies.items()
        )

    def modes(self, known: Iterable[str]) -> tuple[str, ...]:
        """Those of the *known* modes in which the case has an expectation."""
        return tuple(mode for mode in known if self.expectation(mode) is not None)
