"""Reading a golden folder: one JSON file a case, in sorted order, every defect a one-line `GoldenError`.

Layout: `ROOT/payload.schema.json`, `ROOT/counts.json`, `ROOT/<system>/schemas/<name>.json` (answer bodies) and
`ROOT/<system>/<endpoint>/<case-reads-like-a-sentence>.json`, where an endpoint may be nested (`clone/finalize`).
`counts.json` says for each system which modes its cases know and how many files each endpoint has, so that neither
a lost file nor a misspelt mode makes a check disappear.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING, Any

from rollout_gates.golden.matchers import check_matchers, compares_something
from rollout_gates.golden.model import ANY_MODE, UNSET, Case, Expectation, GoldenError, Request
from rollout_gates.golden.render import check_names
from rollout_gates.golden.schemas import PAYLOAD_SCHEMA, compiled, first_problem, read_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

COUNTS = "counts.json"
SCHEMAS = "schemas"
_CASE_FILE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.json")


def load_cases(root: Path, systems: Iterable[str], *, names: Mapping[str, Collection[str]]) -> tuple[Case, ...]:
    """Every case of those of *systems* that `counts.json` has an entry for, sorted by id.

    *names* are the placeholders that each system offers. Raises `GoldenError` as `load` does, and for a folder of
    a system that nobody counts.
    """
    counts = read_json(root / COUNTS)
    for entry in sorted(root.iterdir()):
        if entry.is_dir() and entry.name not in counts:
            raise GoldenError(f"{root / COUNTS}: does not count '{entry.name}', which is a folder of {root}")
        if not entry.is_dir() and entry.name not in (COUNTS, PAYLOAD_SCHEMA, "README.md"):
            raise GoldenError(f"{entry}: stray file; a case is <system>/<endpoint>/<lower-case-words>.json")
    loaded = [load(root, system, names=names.get(system, ())) for system in sorted(systems) if system in counts]
    return tuple(case for cases in loaded for case in cases)


def load(root: Path, system: str, *, names: Collection[str] = frozenset()) -> tuple[Case, ...]:
    """Every case of *system* below *root*, sorted by id.

    *names* are the placeholders that the system offers; an entry `text:*` takes any argument.
    Raises `GoldenError` for the first thing that is wrong: a case, a count, an empty folder, a stray file.
    """
    counted = _counts(root, system)
    modes = counted["modes"]
    files = _case_files(root, system)
    _check_counts(root, system, files, counted["folders"])
    cases = tuple(_case(root, system, file, modes=modes, names=names) for file in sorted(files))
    _check_titles(root, cases)
    _check_twins(root, cases, modes)
    return cases


def _counts(root: Path, system: str) -> Mapping[str, Any]:
    file = root / COUNTS
    counts = read_json(file)
    entry = counts.get(system) if isinstance(counts, dict) else None
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), kind) for key, kind in _COUNT_KEYS.items()):
        raise GoldenError(f'{file}: expected "{system}": {{"modes": [...], "folders": {{"<endpoint>": <files>}}}}')
    return entry


_COUNT_KEYS = {"modes": list, "folders": dict}


def _case_files(root: Path, system: str) -> list[Path]:
    folder = root / system
    if not folder.is_dir():
        raise GoldenError(f"{folder}: there is no such folder")
    return list(_walk(folder, folder))


def _walk(folder: Path, top: Path) -> Iterator[Path]:
    entries = sorted(folder.iterdir())
    if not entries:
        raise GoldenError(f"{folder}: the folder is empty")
    for entry in entries:
        if entry.is_dir():
            if entry == top / SCHEMAS:
                _check_schemas(entry)
            else:
                yield from _walk(entry, top)
        elif folder != top and _CASE_FILE.fullmatch(entry.name):
            yield entry
        else:
            raise GoldenError(f"{entry}: stray file; a case is <endpoint>/<lower-case-words>.json")


def _check_schemas(folder: Path) -> None:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() or not entry.name.endswith(".schema.json"):
            raise GoldenError(f"{entry}: stray file; a body schema is {SCHEMAS}/<name>.schema.json")
        compiled(entry)


def _check_counts(root: Path, system: str, files: Iterable[Path], expected: Mapping[str, Any]) -> None:
    found: dict[str, int] = dict.fromkeys(expected, 0)
    for file in files:
        folder = file.parent.relative_to(root / system).as_posix()
        found[folder] = found.get(folder, 0) + 1
    for folder, number in sorted(found.items()):
        if folder not in expected:
            raise GoldenError(f"{root / COUNTS}: /{system}/folders: does not count '{folder}' with its {number} files")
        if not number:
            raise GoldenError(f"{root / system / folder}: the folder is empty, {expected[folder]} files are expected")
        if number != expected[folder]:
            raise GoldenError(
                f"{root / COUNTS}: /{system}/folders/{folder.replace('/', '~1')}: "
                f"{expected[folder]} files are expected, {number} are there"
            )


def _case(root: Path, system: str, file: Path, *, modes: Collection[str], names: Collection[str]) -> Case:
    data = read_json(file)
    if problem := first_problem(compiled(root / PAYLOAD_SCHEMA), data):
        raise GoldenError(f"{file}: {problem}")
    if _resolved(file.parent, data["$schema"]) != _resolved(root, PAYLOAD_SCHEMA):
        raise GoldenError(f"{file}: /$schema: does not lead to {root / PAYLOAD_SCHEMA}")
    expect = {key: _expectation(root / system, file, key, data["expect"][key], modes) for key in data["expect"]}
    for pointer in ("request", "expect"):
        try:
            check_names(data.get(pointer), names)
        except GoldenError as error:
            raise GoldenError(f"{file}: /{pointer}: {error}") from None
    where = file.relative_to(root).as_posix()
    identifier = where.removesuffix(".json")
    return Case(
        id=identifier,
        file=file,
        system=system,
        folder=where.removeprefix(f"{system}/").rpartition("/")[0],
        title=data["title"],
        made=data["made"],
        clauses=tuple(data["clauses"]),
        archetype=data["archetype"],
        actor=data["as"],
        expect=expect,
        request=_request(data["request"]) if "request" in data else None,
        steps=_listed(data.get("step", [])),
        billable=data.get("billable", False),
        twin=_twin_id(data.get("twin"), identifier.rpartition("/")[0]),
        applies={fact: tuple(values) for fact, values in data.get("applies", {}).items()},
        not_compared=tuple(data.get("not_compared", ())),
    )


@functools.cache
def _resolved(folder: Path, relative: str) -> Path:
    # One answer serves all cases of a folder; each look takes a system call a part of the path.
    return (folder / relative).resolve()


def _request(data: Mapping[str, Any]) -> Request:
    return Request(
        method=data["method"],
        path=data["path"],
        query=tuple(_pairs(data.get("query", {}))),
        headers=data.get("headers", {}),
        json=data.get("json", UNSET),
        raw_body=data.get("raw_body", UNSET),
        multipart=data.get("multipart", UNSET),
    )


def _pairs(query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        for member in _listed(value):
            yield name, member


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _expectation(system: Path, file: Path, key: str, data: Mapping[str, Any], modes: Collection[str]) -> Expectation:
    pointer = f"{file}: /expect/{key}"
    if key != ANY_MODE and key not in modes:
        near = difflib.get_close_matches(key, [ANY_MODE, *modes], n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join([ANY_MODE, *modes])}"
        raise GoldenError(f"{pointer}: unknown mode, {hint}")
    expectation = Expectation(
        key=key,
        status=_listed(data.get("status", [])),
        json=data.get("json", UNSET),
        text=data.get("text", UNSET),
        says=data.get("says", UNSET),
        headers=data.get("headers", {}),
        body_schema=data.get("body_schema"),
        schema=_body_schema(system, data.get("body_schema"), pointer),
    )
    judged = {name: getattr(expectation, name) for name in ("json", "text", "says", "headers")}
    for name, value in judged.items():
        try:
            check_matchers(list(value.values()) if name == "headers" else value)
        except GoldenError as error:
            raise GoldenError(f"{pointer}/{name}: {error}") from None
    values = [value for value in (judged["json"], judged["text"], judged["says"]) if value is not UNSET]
    values += judged["headers"].values()
    if not expectation.status and expectation.schema is None and not any(map(compares_something, values)):
        raise GoldenError(f"{pointer}: compares nothing")
    return expectation


def _body_schema(system: Path, name: str | None, pointer: str) -> Any:
    if name is None:
        return None
    file = system / SCHEMAS / name
    if not file.is_file():
        near = difflib.get_close_matches(name, _schema_names(system / SCHEMAS), n=1, cutoff=0.4)
        hint = f", did you mean '{near[0]}'?" if near else ""
        raise GoldenError(f"{pointer}/body_schema: there is no {file}{hint}")
    return compiled(file)


@functools.cache
def _schema_names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in folder.glob("*.json")))


def _twin_id(twin: str | None, folder: str) -> str | None:
    # A twin in the same folder is named by its file alone.
    return twin if twin is None or "/" in twin else f"{folder}/{twin}"


def _check_titles(root: Path, cases: Iterable[Case]) -> None:
    first: dict[str, Case] = {}
    for case in cases:
        other = first.setdefault(case.title, case)
        if other is not case:
            raise GoldenError(f"{case.file}: /title: is the title of {other.file.relative_to(root)} already")


def _check_twins(root: Path, cases: Iterable[Case], modes: Collection[str]) -> None:
    by_id = {case.id: case for case in cases}
    for case in cases:
        if case.twin is None:
            continue
        twin = by_id.get(case.twin)
        if twin is None or twin is case:
            near = difflib.get_close_matches(case.twin, [other for other in by_id if other != case.id], n=1)
            hint = f", did you mean '{near[0]}'?" if near else ""
            raise GoldenError(f"{case.file}: /twin: there is no other case '{case.twin}'{hint}")
        if missing := set(case.modes(modes)) - set(twin.modes(modes)):
            raise GoldenError(f"{case.file}: /twin: {twin.file.relative_to(root)} has nothing for {sorted(missing)}")
        if twin.applies and twin.applies != case.applies:
            raise GoldenError(f"{case.file}: /twin: {twin.file.relative_to(root)} applies to other configurations")
