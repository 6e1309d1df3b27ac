"""JSON Schema (draft 2020-12), fast where a value is as it should be, and telling where it is not.

Two validators share the work. The compiled one (`jsonschema_rs`) says yes or no in microseconds; the interpreted one
(`jsonschema`) takes a thousand times as long, to be loaded as well, and says in full what is wrong. Nearly all values
are fine, so the second is met by few runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    import jsonschema

# The compiled validator wants absolute addresses; this one stands for the place that the schema came from.
_BASE = "schema:///"


class InvalidSchema(ValueError):
    """What was handed in as a schema is none; the message is one line."""


class Schema:
    """One schema. *neighbour* returns the schema that a relative ``$ref`` names.

    Raises `InvalidSchema`.
    """

    def __init__(self, schema: Mapping[str, Any] | bool, neighbour: Callable[[str], Any] | None = None) -> None:
        self._schema = schema if isinstance(schema, bool) else dict(schema)
        self._neighbour = neighbour or _no_neighbour
        try:
            self._compiled = jsonschema_rs.Draft202012Validator(
                self._schema, base_uri=_BASE, retriever=lambda uri: self._neighbour(uri.removeprefix(_BASE))
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as problem:
            raise InvalidSchema(self._why_not(problem)) from None

    def allows(self, value: Any) -> bool:
        """Whether *value* is valid."""
        try:
            return self._compiled.is_valid(value)
        except ValueError:
            # Half a surrogate pair, for example, is more than the compiled validator can read.
            return not list(self._interpreted.iter_errors(value))

    def errors(self, value: Any) -> list[jsonschema.ValidationError]:
        """Return everything that is wrong with *value*, in no order that means anything; nothing when it is valid."""
        if self.allows(value):
            return []
        return list(self._interpreted.iter_errors(value)) or [self._refusal(value)]

    @cached_property
    def _interpreted(self) -> jsonschema.Draft202012Validator:
        import jsonschema  # noqa: PLC0415 - takes a tenth of the start-up, and few runs need it
        from referencing import Registry, Resource  # noqa: PLC0415
        from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

        def retrieve(uri: str) -> Resource[Any]:
            return Resource.from_contents(self._neighbour(uri), default_specification=DRAFT202012)

        registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
        return jsonschema.Draft202012Validator(self._schema, registry=registry)

    def _refusal(self, value: Any) -> jsonschema.ValidationError:
        """What the compiled validator alone objects to, such as NaN where a number is due: it has the last word."""
        import jsonschema  # noqa: PLC0415

        found = next(self._compiled.iter_errors(value))
        # No keyword's name: readers of errors look for what the interpreted validator would say of it.
        return jsonschema.ValidationError(
            found.message,
            validator="schema",
            path=found.instance_path,
            instance=found.instance,
            validator_value=found.message,
            schema=self._schema,
        )

    def _why_not(self, problem: Exception) -> str:
        import jsonschema  # noqa: PLC0415

        try:
            jsonschema.Draft202012Validator.check_schema(self._schema)
        except jsonschema.SchemaError as error:
            return f"{error.json_path}: is not a valid schema: {error.message}"
        return f"is not a valid schema: {' '.join(str(problem).split())}"


def _no_neighbour(uri: str) -> Any:
    raise LookupError(f"there is no schema '{uri}' beside this one")
