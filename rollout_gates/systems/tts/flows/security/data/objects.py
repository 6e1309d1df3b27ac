"""Ways to get at one stored object, as the calls of section 1.2, and what each answer says."""

from __future__ import annotations

import io
import struct
import uuid
import wave
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from rollout_gates.matrix import Cell, Outcome
from rollout_gates.systems.tts.replies import json_object
from rollout_gates.wire import BadAnswer

if TYPE_CHECKING:
    from rollout_gates.systems.tts.doors import Doors
    from rollout_gates.wire import Reply

Act = Callable[["Doors", "Aim"], "Awaitable[Reply]"]


def samples_as_wav(*samples: int) -> bytes:
    """Return a mono WAV of 24 kHz that holds *samples*."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(24_000)
        sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file.getvalue()


REFERENCES, GENERATIONS = "references", "generations"
BUCKETS: Final = (REFERENCES, GENERATIONS)
REFUSALS: Final = (400, 403, 404)
"""How storage refuses, by version of the platform."""
_OTHER_TROUBLE: Final = frozenset({"409", "413", "415", "429", "500", "503", "544"})
HELD_BYTES: Final = samples_as_wav(0)
"""What is planted: a whole WAV of one sample. What is written over it differs in that sample."""
_FORGED: Final = samples_as_wav(4369)


class Way(StrEnum):
    """One way to get at an object, or at the place where one could be."""

    READ = "read"
    PUBLIC = "public URL"
    LIST = "list"
    SIGN = "sign"
    SIGN_MANY = "sign many"
    INSERT = "insert"
    SIGN_UPLOAD = "sign upload"
    REPLACE = "replace"
    UPSERT = "upsert"
    MOVE = "move"
    BULK_DELETE = "bulk delete"
    DELETE = "delete"


READS: Final = (Way.READ, Way.PUBLIC, Way.LIST, Way.SIGN, Way.SIGN_MANY)
INSERTS: Final = (Way.INSERT, Way.SIGN_UPLOAD)
CHANGES: Final = (Way.REPLACE, Way.UPSERT, Way.MOVE, Way.BULK_DELETE, Way.DELETE)
"""In the order of how little is left for the next."""


@dataclass(frozen=True)
class Aim:
    """An object, its *folder*, and a *fresh* key beside it that nothing has."""

    bucket: str
    key: str
    fresh: str

    @property
    def folder(self) -> str:
        """Where the object lies."""
        return self.key.rpartition("/")[0]

    @property
    def path(self) -> str:
        """Bucket and key."""
        return f"{self.bucket}/{self.key}"


def aim(bucket: str, key: str) -> Aim:
    """Return an aim at *key*, with a fresh key in the same folder."""
    return Aim(bucket, key, f"{key.rpartition('/')[0]}/rollout-gate-{uuid.uuid4()}.wav")


ACTS: Final[Mapping[Way, Act]] = {
    Way.READ: lambda doors, at: doors.object("GET", f"authenticated/{at.path}"),
    Way.PUBLIC: lambda doors, at: doors.object("GET", f"public/{at.path}"),
    Way.LIST: lambda doors, at: doors.object("POST", f"list/{at.bucket}", body={"prefix": at.folder, "limit": 100}),
    Way.SIGN: lambda doors, at: doors.object("POST", f"sign/{at.path}", body={"expiresIn": 60}),
    Way.SIGN_MANY: lambda doors, at: doors.object(
        "POST", f"sign/{at.bucket}", body={"expiresIn": 60, "paths": [at.key]}
    ),
    Way.INSERT: lambda doors, at: doors.put("POST", f"{at.bucket}/{at.fresh}", _FORGED),
    Way.SIGN_UPLOAD: lambda doors, at: doors.object("POST", f"upload/sign/{at.bucket}/{at.fresh}", body={}),
    Way.REPLACE: lambda doors, at: doors.put("PUT", at.path, _FORGED),
    Way.UPSERT: lambda doors, at: doors.put("POST", at.path, _FORGED, **{"x-upsert": "true"}),
    Way.MOVE: lambda doors, at: doors.object(
        "POST", "move", body={"bucketId": at.bucket, "sourceKey": at.key, "destinationKey": at.fresh}
    ),
    Way.BULK_DELETE: lambda doors, at: doors.object("DELETE", at.bucket, body={"prefixes": [at.key]}),
    Way.DELETE: lambda doors, at: doors.object("DELETE", at.path),
}


def judged(way: Way, reply: Reply, *, there: bool, changed: bool) -> Cell:
    """Return what *reply* to *way* says of an object that was *there*, or not known to be, and whether it *changed*."""
    told = " ".join(filter(None, (str(reply.status), _code(reply))))
    if changed:
        return Cell(Outcome.LEAKED, f"{told}, and the object is not what it was")
    if 200 <= reply.status < 300:
        return _of_success(way, reply, told, there=there)
    if reply.status not in REFUSALS or _code(reply) in _OTHER_TROUBLE:
        return Cell(Outcome.INCONCLUSIVE, f"neither done nor refused: {told}")
    if there or way in INSERTS:
        return Cell(Outcome.HELD, told)
    return Cell(Outcome.INCONCLUSIVE, f"{told}, and no object is known to be there")


def _of_success(way: Way, reply: Reply, told: str, *, there: bool) -> Cell:
    if way not in (Way.LIST, Way.SIGN_MANY, Way.BULK_DELETE):
        return Cell(Outcome.LEAKED, f"{told}: it was done")
    found = _entries(reply)
    if found is None:
        return Cell(Outcome.INCONCLUSIVE, f"{told}, and no list")
    if way is Way.SIGN_MANY:
        found = [entry for entry in found if isinstance(entry, dict) and entry.get("signedURL")]
    if found:
        return Cell(Outcome.LEAKED, f"{told} with {len(found)} entries")
    if there:
        return Cell(Outcome.HELD, f"{told}, empty, though an object is there")
    return Cell(Outcome.INCONCLUSIVE, f"{told}, empty, and no object is known to be there")


def _entries(reply: Reply) -> list[Any] | None:
    try:
        found = reply.json()
    except BadAnswer:
        return None
    return found if isinstance(found, list) else None


def _code(reply: Reply) -> str:
    """Return the status that storage says inside of its answer: older versions answer 400 to everything."""
    return str(json_object(reply).get("statusCode") or "")
