"""Bodies: JSON as the platform parses it, and multipart forms with files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.tts.api.errors import ApiError
from sandbox.tts.api.text import trimmed

MULTIPART = "multipart/form-data"


class NotAForm(Exception):
    """The body is not a readable multipart form."""


@dataclass(frozen=True)
class Upload:
    """A file of a form."""

    name: str
    content_type: str
    data: bytes


@dataclass
class Form:
    """Text fields and files; the first of a name counts."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """A trimmed text field, None when it is absent, blank or a file."""
        return trimmed(self.fields.get(name))


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body as an object. Raises 400 `Invalid JSON body` for what is not JSON or is falsy.

    A truthy value that is no object has no fields, so it reads as an empty one.
    """
    value = parse_json(await request.read())
    if not value and not isinstance(value, list | dict):
        raise ApiError(400, "Invalid JSON body")
    return value if isinstance(value, dict) else {}


def parse_json(body: bytes) -> Any:
    """*body* as JSON, None when it is not JSON. Bad UTF-8 is replaced, as the platform does."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


async def read_form(request: web.Request) -> Form:
    """The body as a multipart form. Raises NotAForm."""
    if request.content_type != MULTIPART:
        raise NotAForm
    form = Form()
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise NotAForm
            await _take(form, part)
    except (ValueError, AssertionError, RuntimeError, LookupError, web.HTTPException) as error:
        raise NotAForm from error
    return form


async def _take(form: Form, part: BodyPartReader) -> None:
    name = part.name or ""
    data = bytes(await part.read(decode=False))
    if part.filename is None:
        form.fields.setdefault(name, data.decode("utf-8", "replace"))
        return
    content_type = part.headers.get("Content-Type", "application/octet-stream")
    form.files.setdefault(name, Upload(part.filename, content_type.partition(";")[0].strip(), data))


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
