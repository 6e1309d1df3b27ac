"""JSON Schemas: the one that cases are written after, and those that answer bodies are judged by (draft 2020-12)."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from rollout_gates.golden.matchers import Difference, show
from rollout_gates.golden.model import UNSET, GoldenError
from rollout_gates.json_schema import InvalidSchema, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import jsonschema

PAYLOAD_SCHEMA = "payload.schema.json"
_SHOWN_CHARACTERS = 600
_CHOICES = frozenset({"oneOf", "anyOf", "not"})


def read_json(file: Path) -> Any:
    """The JSON value in *file*. Raises `GoldenError`, one line, when it holds none or repeats a member."""
    try:
        return json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_unique_members)
    except OSError as error:
        raise GoldenError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GoldenError(f"{file}: is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise GoldenError(f"{file}: is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except ValueError as error:
        raise GoldenError(f"{file}: {error}") from None


@functools.cache
def compiled(file: Path) -> Schema:
    """The schema in *file*; `$ref` may name other files of its folder."""
    schema = read_json(file)
    for name in _neighbours(schema):
        if not (file.parent / name).is_file():
            raise GoldenError(f"{file}: refers to '{name}', which is not beside it")
    try:
        return Schema(schema, lambda name: read_json(file.parent / name))
    except InvalidSchema as error:
        raise GoldenError(f"{file}: {error}") from None


def schema_differences(schema: Schema, value: Any) -> list[Difference]:
    """Each place in *value* that the schema refuses, in order: what is there, and what the schema asks for."""
    errors = sorted(schema.errors(value), key=lambda error: error.json_path)
    # Each missing member is an error of its own, but all of them stand in each.
    return list(dict.fromkeys(difference for error in errors for difference in _differences(error)))


def _differences(error: jsonschema.ValidationError) -> Iterator[Difference]:
    path, value, wanted = f"json{error.json_path.removeprefix('$')}", error.instance, error.validator_value
    if error.validator == "required":
        for name in wanted:
            if name not in value:
                yield Difference(f"{path}.{name}", show(UNSET), "a member that is required")
    elif error.validator == "additionalProperties" and wanted is False and isinstance(error.schema, dict):
        for name in value:
            if name not in error.schema.get("properties", {}):
                yield Difference(f"{path}.{name}", show(value[name]), "nothing (no such member)")
    else:
        yield Difference(path, show(value), f"{error.validator} {show(wanted)}")


def first_problem(schema: Schema, value: Any) -> str | None:
    """The most telling violation as `pointer: message`, or None when *value* is valid."""
    errors = schema.errors(value)
    if not errors:
        return None
    error = _most_telling(errors)
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error.absolute_path)
    message = error.message
    if error.validator in _CHOICES and isinstance(error.schema, dict):
        # The library would quote the whole value here; what a choice means stands in its description.
        message = error.schema.get("description", message)
    return f"{pointer or '/'}: {' '.join(message.split())[:_SHOWN_CHARACTERS]}"


def _most_telling(errors: list[jsonschema.ValidationError]) -> jsonschema.ValidationError:
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - loaded already, since there are errors

    best: jsonschema.ValidationError = best_match(errors)
    return best


def _neighbours(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            yield reference.split("#")[0]
        schema = list(schema.values())
    if isinstance(schema, list):
        for member in schema:
            yield from _neighbours(member)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"member '{twice}' stands twice in one object")
    return members
