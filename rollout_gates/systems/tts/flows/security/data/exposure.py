"""Tables for the report: who got at what through the data API, its functions and storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollout_gates.matrix import Cell, Matrix, Outcome, worst
from rollout_gates.systems.tts.flows.security import overview
from rollout_gates.systems.tts.flows.security.data.objects import BUCKETS, INSERTS, REFERENCES, Way
from rollout_gates.systems.tts.flows.security.data.tables import TABLES, Verb, Whose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rollout_gates.systems.tts.flows.security.data.functions import Call
    from rollout_gates.systems.tts.flows.security.data.rows import Attempt
    from rollout_gates.systems.tts.flows.security.data.signed import Forgery, SignedUrl, SignedUrls
    from rollout_gates.systems.tts.flows.security.data.storage import ObjectTry
    from rollout_gates.systems.tts.flows.security.data.tampering import Tamper

_ROWS_NOTE: Final = (
    "Acted out over the data API. Another's: two users at each other's rows. Own inserts and changes must be refused "
    "as well; own voices and generations may be deleted."
)
_FUNCTIONS_NOTE: Final = "Called by the names of their arguments, for users who do not exist."
_TAMPERING_NOTE: Final = "A user at own rows. Values were read before and after; what is not offered is not applicable."
_OBJECTS_NOTE: Final = (
    "Acted out in both buckets. The twin is what an owner may do: read, list and sign own objects, and store in "
    "references."
)
_SIGNED_NOTE: Final = "URLs that the API handed out, opened without a login. Each opens its own object first."
_WAYS: Final = {
    Way.READ: overview.STORAGE_READ,
    Way.PUBLIC: overview.STORAGE_READ,
    Way.LIST: overview.STORAGE_LIST,
    Way.SIGN: overview.STORAGE_SIGN,
    Way.SIGN_MANY: overview.STORAGE_SIGN,
}
_WHO: Final = {"anon": "anon"}


def of_rows(attempts: Iterable[Attempt], judged: Callable[[Attempt], Cell]) -> Matrix:
    """Return the tables of the data API, and who did what with them."""
    cells = worst(attempts, lambda one: (one.table, f"{one.whose}: {one.verb}"), judged)
    columns = tuple(f"{whose}: {verb}" for whose in Whose for verb in Verb)
    allowed = Cell(Outcome.NOT_APPLICABLE, "it is allowed, and there was nothing of the run's own to try it with")
    for table in TABLES:
        if table.deletable:
            cells.setdefault((table.name, f"{Whose.OWN}: {Verb.DELETE}"), allowed)
    return Matrix("Data API: rows", _ROWS_NOTE, tuple(table.name for table in TABLES), columns, cells)


def of_functions(calls: Iterable[Call], judged: Callable[[Call], Cell]) -> Matrix:
    """Return the functions, and who may execute which."""
    found = list(calls)
    cells = worst(found, lambda one: (one.function, _WHO.get(one.who, "a user")), judged)
    names = tuple(dict.fromkeys(call.function for call in found))
    return Matrix("Data API: functions", _FUNCTIONS_NOTE, names, ("anon", "a user"), cells)


def of_tampering(tries: Iterable[Tamper], judged: Callable[[Tamper], Cell]) -> Matrix:
    """Return the columns that are not a client's to write, and by which ways it was tried."""
    found = list(tries)
    cells = worst(found, lambda one: (f"{one.table}.{one.column}", one.way), judged)
    rows = tuple(dict.fromkeys(f"{one.table}.{one.column}" for one in found))
    # Two of them share a heading, and so stand side by side.
    ways = tuple(sorted(dict.fromkeys(one.way for one in found)))
    nothing = Cell(Outcome.NOT_APPLICABLE, "this way does not offer it")
    whole = {(row, way): cells.get((row, way), nothing) for row in rows for way in ways}
    return Matrix("Protected columns", _TAMPERING_NOTE, rows, ways, whole)


def of_objects(tries: Iterable[ObjectTry], judged: Callable[[ObjectTry], Cell]) -> Matrix:
    """Return the ways to get at stored objects, by bucket and by whose they are."""
    found = list(tries)
    cells = worst(found, lambda one: (one.way, f"{one.bucket}: {one.whose}"), judged)
    columns = tuple(f"{bucket}: {whose}" for bucket in BUCKETS for whose in Whose)
    allowed = Cell(Outcome.NOT_APPLICABLE, "it is allowed, and nobody here could remove it again")
    for way in INSERTS:
        cells.setdefault((way, f"{REFERENCES}: {Whose.OWN}"), allowed)
    for bucket in BUCKETS:
        cells.setdefault((Way.PUBLIC, f"{bucket}: {Whose.OWN}"), Cell(Outcome.NOT_APPLICABLE, "it takes no login"))
    return Matrix("Storage", _OBJECTS_NOTE, tuple(map(str, Way)), columns, cells)


def of_signed_urls(seen: SignedUrls, expiry: Callable[[SignedUrl], Cell], judged: Callable[[Forgery], Cell]) -> Matrix:
    """Return what each signed URL opened when it was over, and when it was forged."""
    rows = tuple(url.title for url in seen.urls)
    over = worst(seen.urls, lambda one: (one.title, "when it is over"), expiry)
    forged = worst(seen.forgeries, lambda one: _apart(one.title), judged)
    columns = tuple(dict.fromkeys(column for _, column in (*over, *forged)))
    own = {(row, f"token of {row}"): Cell(Outcome.NOT_APPLICABLE, "that is its own") for row in rows}
    cells = {place: cell for place, cell in {**own, **over, **forged}.items() if place[1] in columns}
    return Matrix("Signed URLs", _SIGNED_NOTE, rows, columns, cells)


def _apart(title: str) -> tuple[str, str]:
    """Return the two halves of the name of a forgery."""
    row, _, column = title.partition(": ")
    return row, column


def overview_of_rows(attempts: Iterable[Attempt], judged: Callable[[Attempt], Cell]) -> Matrix:
    """Return what is told of rows of others where all ways stand together."""
    foreign = [one for one in attempts if one.whose is not Whose.OWN]
    return overview.part(worst(foreign, lambda one: (overview.BY_TABLE[one.table], _way_of(one.verb)), judged))


def _way_of(verb: Verb) -> str:
    return overview.DATA_READ if verb is Verb.SELECT else overview.DATA_WRITE


def overview_of_functions(calls: Iterable[Call], judged: Callable[[Call], Cell]) -> Matrix:
    """Return the same of functions."""
    return overview.part(worst(calls, lambda one: (overview.BY_FUNCTION[one.function], overview.CALL), judged))


def overview_of_objects(tries: Iterable[ObjectTry], judged: Callable[[ObjectTry], Cell]) -> Matrix:
    """Return the same of stored objects."""
    foreign = [one for one in tries if one.whose is not Whose.OWN]
    return overview.part(
        worst(foreign, lambda one: (overview.BY_BUCKET[one.bucket], _WAYS.get(one.way, overview.STORAGE_WRITE)), judged)
    )


def overview_of_signed_urls(seen: SignedUrls, judged: Callable[[Forgery], Cell]) -> Matrix:
    """Return the same of signed URLs."""
    return overview.part(worst(seen.forgeries, lambda one: (_kind_of(one.title), overview.SIGNED_URL), judged))


def _kind_of(title: str) -> str:
    return overview.SPEECH if title.startswith(overview.SPEECH) else overview.CLIP
