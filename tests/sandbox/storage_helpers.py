"""Helpers for tests of object storage."""

from __future__ import annotations

STORAGE = "/storage/v1"
WAV = b"RIFF" + bytes(range(200))


def key_of(user, name="v/reference.wav") -> str:
    return f"{user.id}/{name}"


def put(platform, bucket, key, data=WAV, kind="audio/wav", **more):
    return platform.run(platform.storage.put(bucket, key, data, kind, **more))


def refusal(reply):
    """What the body says; the HTTP status is always 400, as on the hosted service."""
    assert reply.status_code == 400, reply.text
    return reply.json()["statusCode"], reply.json()["error"]


def sign(actor, path, seconds=60):
    return actor.send("POST", f"{STORAGE}/object/sign/{path}", json={"expiresIn": seconds})


def names_in(actor, bucket, prefix):
    reply = actor.send("POST", f"{STORAGE}/object/list/{bucket}", json={"prefix": prefix})
    assert reply.status_code == 200, reply.text
    return [entry["name"] for entry in reply.json()]
