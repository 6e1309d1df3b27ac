"""Turns pydantic's errors into one line each: key, what is wrong, what was expected."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from rollout_gates.errors import did_you_mean

_SHOWN = 60


def explain(
    problem: ValidationError, model: type[BaseModel], at: Iterable[str] = (), *, skip_missing: bool = False
) -> list[str]:
    """Return a line an error of *problem*, each starting with the dotted key below *at*.

    With *skip_missing* keys that are merely absent are left out; so they are beside an unknown key, which is mostly
    the absent one misspelt. The line never repeats a value of more than 60 characters.
    """
    prefix = tuple(at)
    errors = problem.errors(include_url=False)
    skip_missing = skip_missing or any(error["type"] == "extra_forbidden" for error in errors)
    return [
        f"{_dotted((*prefix, *error['loc']))}: {_sentence(error, model)}"
        for error in errors
        if not (skip_missing and error["type"] == "missing")
    ]


def _sentence(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    *parents, last = error["loc"] or ("",)
    if error["type"] == "extra_forbidden":
        return f"unknown key{did_you_mean(str(last), _fields_at(model, parents))}"
    if error["type"] == "missing":
        return "required key is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    shown = repr(error.get("input"))
    private = "secrets" in error["loc"]
    got = f", got {shown}" if len(shown) <= _SHOWN and not private else ""
    return f"{message[:1].lower()}{message[1:]}{got}"


def _dotted(location: Iterable[Any]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _fields_at(model: type[BaseModel], path: Iterable[Any]) -> list[str]:
    """Return the field names of the model that stands at *path* below *model*."""
    here: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int) or here is None or part not in here.model_fields:
            continue
        here = _model_in(here.model_fields[part].annotation)
    return list(here.model_fields) if here is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as ``Limits``, ``Limits | None`` or ``tuple[Waiver, ...]``."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
