"""Object storage: who may do what with which object, and the limits of the buckets."""

from __future__ import annotations

import pytest

from sandbox.tts.platform.storage import StorageRefused
from tests.sandbox.storage_helpers import STORAGE, WAV, key_of, names_in, put, refusal


def test_user_uploads_and_downloads_below_the_own_prefix(a):
    path = f"references/{key_of(a)}"

    assert a.upload(path, WAV).json()["Key"] == path
    assert (a.download(path).content, a.download(path).headers["content-type"]) == (WAV, "audio/wav")


def test_upload_as_a_form_is_understood(a):
    files = {"file": ("reference.wav", WAV, "audio/wav")}

    reply = a.send("POST", f"{STORAGE}/object/references/{key_of(a)}", files=files, data={"cacheControl": "60"})

    assert reply.status_code == 200
    assert a.download(f"references/{key_of(a)}").content == WAV


def test_form_without_a_file_is_refused(a):
    reply = a.send("POST", f"{STORAGE}/object/references/{key_of(a)}", files={"x": (None, "text")})

    assert refusal(reply)[0] == "400"


def test_user_cannot_upload_below_another_prefix(a, b):
    assert refusal(a.upload(f"references/{key_of(b)}")) == ("403", "Unauthorized")
    assert refusal(a.upload("references/reference.wav")) == ("403", "Unauthorized")


def test_user_cannot_upload_generations(a):
    assert refusal(a.upload(f"generations/{key_of(a)}")) == ("403", "Unauthorized")


def test_anonymous_cannot_upload(platform, a):
    assert refusal(platform.anonymous.upload(f"references/{key_of(a)}")) == ("403", "Unauthorized")


def test_own_object_cannot_be_overwritten(a):
    path = f"references/{key_of(a)}"
    a.upload(path, WAV)

    assert refusal(a.upload(path, b"other")) == ("409", "Duplicate")
    assert refusal(a.upload(path, b"other", **{"x-upsert": "true"})) == ("403", "Unauthorized")
    assert refusal(a.send("PUT", f"{STORAGE}/object/{path}", content=b"x", headers={"Content-Type": "audio/wav"})) == (
        "403",
        "Unauthorized",
    )
    assert a.download(path).content == WAV


@pytest.mark.parametrize("bucket", ["references", "generations"])
def test_user_reads_only_the_own_prefix(platform, a, b, bucket):
    put(platform, bucket, key_of(a))

    assert a.download(f"{bucket}/{key_of(a)}").content == WAV
    assert refusal(b.download(f"{bucket}/{key_of(a)}")) == ("404", "not_found")
    assert refusal(b.send("GET", f"{STORAGE}/object/{bucket}/{key_of(a)}")) == ("404", "not_found")
    assert refusal(platform.anonymous.download(f"{bucket}/{key_of(a)}")) == ("404", "not_found")


@pytest.mark.parametrize("bucket", ["references", "generations"])
def test_there_is_no_public_url(platform, a, bucket):
    put(platform, bucket, key_of(a))

    assert refusal(platform.http.get(f"{STORAGE}/object/public/{bucket}/{key_of(a)}")) == ("404", "Bucket not found")


def test_list_shows_the_own_prefix_only(platform, a, b):
    put(platform, "references", key_of(a, "v/one.wav"))
    put(platform, "references", key_of(a, "two.wav"))

    assert names_in(a, "references", a.id) == ["two.wav", "v"]
    assert names_in(a, "references", f"{a.id}/v") == ["one.wav"]
    assert names_in(b, "references", a.id) == []
    assert names_in(platform.anonymous, "references", a.id) == []


def test_list_pages_sorts_and_searches(platform, a):
    for name in ("b1.wav", "a1.wav", "b2.wav"):
        put(platform, "generations", key_of(a, name))
    body = {"prefix": a.id, "limit": 1, "offset": 1, "search": "b", "sortBy": {"column": "name", "order": "desc"}}

    reply = a.send("POST", f"{STORAGE}/object/list/generations", json=body)

    assert [(entry["name"], entry["metadata"]["size"]) for entry in reply.json()] == [("b1.wav", len(WAV))]


@pytest.mark.parametrize("bucket", ["references", "generations"])
def test_bulk_delete_removes_nothing_and_says_so(platform, a, b, bucket):
    put(platform, bucket, key_of(a))

    for actor in (a, b, platform.anonymous):
        reply = actor.send("DELETE", f"{STORAGE}/object/{bucket}", json={"prefixes": [key_of(a)]})
        assert (reply.status_code, reply.json()) == (200, [])
    assert a.download(f"{bucket}/{key_of(a)}").content == WAV


def test_single_delete_is_refused(a):
    a.upload(f"references/{key_of(a)}")

    assert refusal(a.send("DELETE", f"{STORAGE}/object/references/{key_of(a)}")) == ("404", "not_found")


def test_service_role_deletes_objects_and_their_bytes(platform, a):
    put(platform, "generations", key_of(a))

    reply = platform.service.send("DELETE", f"{STORAGE}/object/generations", json={"prefixes": [key_of(a), "none"]})

    assert [entry["name"] for entry in reply.json()] == [key_of(a)]
    assert (
        platform.sql(
            "select * from storage.object_bytes as b where not exists "
            "(select from storage.objects as o where o.id = b.object_id)"
        )
        == []
    )


def test_own_object_cannot_be_moved(a):
    a.upload(f"references/{key_of(a)}")
    body = {"bucketId": "references", "sourceKey": key_of(a), "destinationKey": key_of(a, "moved.wav")}

    assert refusal(a.send("POST", f"{STORAGE}/object/move", json=body)) == ("404", "not_found")


def test_foreign_object_cannot_be_copied(a, b):
    a.upload(f"references/{key_of(a)}")
    body = {"bucketId": "references", "sourceKey": key_of(a), "destinationKey": key_of(b)}

    assert refusal(b.send("POST", f"{STORAGE}/object/copy", json=body)) == ("404", "not_found")


def test_service_role_moves_and_copies(platform, a):
    put(platform, "generations", key_of(a))
    move = {"bucketId": "generations", "sourceKey": key_of(a), "destinationKey": key_of(a, "m.wav")}
    copy = {**move, "sourceKey": key_of(a, "m.wav"), "destinationKey": key_of(a, "c.wav")}

    assert platform.service.send("POST", f"{STORAGE}/object/move", json=move).status_code == 200
    assert platform.service.send("POST", f"{STORAGE}/object/copy", json=copy).status_code == 200
    assert [info.name for info in platform.run(platform.storage.list("generations", a.id))] == [
        key_of(a, "c.wav"),
        key_of(a, "m.wav"),
    ]


@pytest.mark.parametrize(
    "kind", ["audio/wav", "audio/x-wav", "audio/mpeg", "audio/mp4", "audio/m4a", "Audio/WAV; rate=1"]
)
def test_references_take_audio_of_type(a, kind):
    assert a.upload(f"references/{key_of(a)}", kind=kind).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "audio/ogg", "application/octet-stream", ""])
def test_references_refuse_type(a, kind):
    assert refusal(a.upload(f"references/{key_of(a)}", kind=kind)) == ("415", "invalid_mime_type")


def test_references_take_ten_mebibytes_and_not_a_byte_more(a):
    limit = 10 * 1024 * 1024

    assert a.upload(f"references/{key_of(a, 'fits.wav')}", bytes(limit)).status_code == 200
    assert refusal(a.upload(f"references/{key_of(a, 'over.wav')}", bytes(limit + 1))) == ("413", "Payload too large")


def test_generations_have_the_global_limit_of_fifty_mebibytes(platform, a):
    with pytest.raises(StorageRefused, match="exceeded the maximum allowed size"):
        put(platform, "generations", key_of(a), bytes(50 * 1024 * 1024 + 1))


@pytest.mark.parametrize("key", ["../x.wav", "a/../b.wav", "a//b.wav", "a\x00b", "ä.wav", ""])
def test_key_is_refused(platform, key):
    with pytest.raises(StorageRefused, match="Invalid key"):
        put(platform, "generations", key)


def test_unknown_bucket_is_refused(platform, a):
    assert refusal(a.upload(f"other/{key_of(a)}")) == ("404", "Bucket not found")


def test_fault_f77_opens_buckets_prefixes_and_signed_urls(own_platform):
    a, b = own_platform.user(), own_platform.user()
    put(own_platform, "references", key_of(a))
    own_platform.faults._on = frozenset({"F-77"})
    url = own_platform.storage.signed_download_url("references", key_of(a))
    own_platform.clock.skip(86400)

    assert own_platform.http.get(url).status_code == 200
    assert own_platform.http.get(f"{STORAGE}/object/public/references/{key_of(a)}").content == WAV
    b = own_platform.as_user(own_platform.run(own_platform.auth.sign_in(b.email, b.password)).access_token)
    assert b.download(f"references/{key_of(a)}").content == WAV
    assert b.upload(f"generations/{key_of(a)}").status_code == 200
