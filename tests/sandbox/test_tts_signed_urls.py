"""Signed URLs of object storage, for downloads and uploads, and what a download looks like."""

from __future__ import annotations

import pytest

from sandbox.tts.platform.storage import StorageRefused
from tests.sandbox.storage_helpers import STORAGE, WAV, key_of, put, refusal, sign


def test_signed_url_serves_without_headers(platform, a):
    put(platform, "references", key_of(a))

    reply = platform.http.get(platform.storage.signed_download_url("references", key_of(a)))

    assert (reply.status_code, reply.content, reply.headers["content-type"]) == (200, WAV, "audio/wav")


def test_owner_signs_and_others_do_not(platform, a, b):
    put(platform, "generations", key_of(a))
    path = f"generations/{key_of(a)}"

    url = sign(a, path).json()["signedURL"]

    assert platform.http.get(f"{STORAGE}{url}").content == WAV
    assert refusal(sign(b, path)) == ("404", "not_found")
    assert refusal(sign(platform.anonymous, path)) == ("404", "not_found")


def test_signed_url_ends_by_the_clock_of_the_instance(own_platform):
    put(own_platform, "references", "u/a.wav")
    url = own_platform.storage.signed_download_url("references", "u/a.wav")
    own_platform.clock.skip(3590)
    before = own_platform.http.get(url).status_code
    own_platform.clock.skip(11)

    assert (before, refusal(own_platform.http.get(url))) == (200, ("400", "InvalidJWT"))


def test_signed_url_that_was_made_expired_is_refused(platform):
    put(platform, "references", "expired/a.wav")

    url = platform.storage.signed_download_url("references", "expired/a.wav", ttl_s=-1)

    assert refusal(platform.http.get(url)) == ("400", "InvalidJWT")


def test_signed_url_fits_its_object_only(platform):
    put(platform, "references", "fit/a.wav")
    put(platform, "references", "fit/b.wav")
    url = platform.storage.signed_download_url("references", "fit/a.wav")

    assert refusal(platform.http.get(url.replace("a.wav", "b.wav"))) == ("400", "InvalidSignature")
    assert refusal(platform.http.get(url[:-3] + "abc")) == ("400", "InvalidJWT")
    assert refusal(platform.http.get(url.partition("?")[0])) == ("400", "InvalidJWT")


def test_token_of_a_signed_url_opens_nothing_else(platform):
    put(platform, "references", "else/a.wav")
    token = platform.storage.signed_download_url("references", "else/a.wav").partition("token=")[2]
    holder = platform.as_user(token)

    assert holder.send("GET", "/rest/v1/voices").status_code == 401
    assert holder.send("GET", "/auth/v1/user").status_code == 403
    assert holder.download("references/else/a.wav").status_code == 400


def test_access_token_is_no_signature(platform, a):
    put(platform, "references", key_of(a))

    reply = platform.http.get(f"{STORAGE}/object/sign/references/{key_of(a)}", params={"token": a.token})

    assert refusal(reply) == ("400", "InvalidJWT")


def test_many_are_signed_at_once_and_the_foreign_ones_left_out(platform, a, b):
    put(platform, "references", key_of(a))
    put(platform, "references", key_of(b))

    body = {"expiresIn": 60, "paths": [key_of(a), key_of(b)]}
    signed = a.send("POST", f"{STORAGE}/object/sign/references", json=body).json()

    assert [item["signedURL"] is None for item in signed] == [False, True]


def test_lifetime_of_nothing_is_refused(platform, a):
    put(platform, "references", key_of(a))

    assert refusal(sign(a, f"references/{key_of(a)}", 0))[0] == "400"


def test_signed_upload_takes_one_upload_without_headers(platform, a):
    url = platform.storage.signed_upload_url("references", key_of(a))

    first = platform.http.put(url, content=WAV, headers={"Content-Type": "audio/wav"})
    second = platform.http.put(url, content=b"other", headers={"Content-Type": "audio/wav"})

    assert first.json() == {"Key": f"references/{key_of(a)}"}
    assert refusal(second) == ("409", "Duplicate")
    assert a.download(f"references/{key_of(a)}").content == WAV


def test_signed_upload_keeps_the_limits_of_the_bucket(platform, a):
    url = platform.storage.signed_upload_url("references", key_of(a))

    assert refusal(platform.http.put(url, content=WAV, headers={"Content-Type": "text/plain"}))[0] == "415"


def test_signed_upload_fits_its_key_only_and_is_no_download(platform, a):
    url = platform.storage.signed_upload_url("references", key_of(a, "a.wav"))
    audio = {"Content-Type": "audio/wav"}

    assert (
        refusal(platform.http.put(url.replace("a.wav?", "b.wav?"), content=WAV, headers=audio))[1] == "InvalidSignature"
    )
    assert platform.http.put(url, content=WAV, headers=audio).status_code == 200
    assert refusal(platform.http.get(url.replace("/upload/sign/", "/sign/")))[1] == "InvalidJWT"


def test_signed_upload_ends_after_two_hours(own_platform):
    url = own_platform.storage.signed_upload_url("references", "u/late.wav")
    own_platform.clock.skip(7201)

    assert refusal(own_platform.http.put(url, content=WAV, headers={"Content-Type": "audio/wav"}))[1] == "InvalidJWT"


def test_user_gets_an_upload_url_below_the_own_prefix_only(platform, a, b):
    reply = a.send("POST", f"{STORAGE}/object/upload/sign/references/{key_of(a)}")
    audio = {"Content-Type": "audio/wav"}

    assert platform.http.put(f"{STORAGE}{reply.json()['url']}", content=WAV, headers=audio).status_code == 200
    assert refusal(a.send("POST", f"{STORAGE}/object/upload/sign/references/{key_of(a)}")) == ("409", "Duplicate")
    assert refusal(a.send("POST", f"{STORAGE}/object/upload/sign/references/{key_of(b)}")) == ("403", "Unauthorized")
    assert refusal(a.send("POST", f"{STORAGE}/object/upload/sign/generations/{key_of(a, 'x')}"))[0] == "403"


def test_asking_for_an_upload_url_makes_no_object(platform, a):
    a.send("POST", f"{STORAGE}/object/upload/sign/references/{key_of(a)}")

    assert platform.run(platform.storage.stat("references", key_of(a))) is None


@pytest.mark.parametrize(
    ("asked", "status", "expected", "shown"),
    [
        ("bytes=0-3", 206, WAV[:4], "bytes 0-3/204"),
        ("bytes=200-", 206, WAV[200:], "bytes 200-203/204"),
        ("bytes=-4", 206, WAV[-4:], "bytes 200-203/204"),
        ("bytes=0-9999", 206, WAV, "bytes 0-203/204"),
        ("bytes=204-", 416, b"", "bytes */204"),
        ("lines=1-2", 200, WAV, None),
    ],
)
def test_range_is_served(platform, a, asked, status, expected, shown):  # noqa: PLR0917
    put(platform, "generations", key_of(a))

    reply = a.download(f"generations/{key_of(a)}", Range=asked)

    assert (reply.status_code, reply.content, reply.headers.get("content-range")) == (status, expected, shown)


def test_head_tells_size_and_type_without_the_bytes(platform, a):
    put(platform, "generations", key_of(a))

    reply = a.send("HEAD", f"{STORAGE}/object/authenticated/generations/{key_of(a)}")

    assert (reply.headers["content-length"], reply.headers["content-type"]) == ("204", "audio/wav")
    assert reply.content == b""


def test_info_describes_an_object(platform, a, b):
    put(platform, "generations", key_of(a))

    reply = a.send("GET", f"{STORAGE}/object/info/generations/{key_of(a)}")

    assert (reply.json()["size"], reply.json()["content_type"]) == (204, "audio/wav")
    assert refusal(b.send("GET", f"{STORAGE}/object/info/generations/{key_of(a)}"))[0] == "404"


def test_storage_asks_for_a_key_and_a_good_token(platform, a):
    assert platform.http.get(f"{STORAGE}/object/authenticated/references/{key_of(a)}").status_code == 401
    assert refusal(platform.as_user("garbage").download(f"references/{key_of(a)}")) == ("403", "Unauthorized")


def test_buckets_are_seen_by_the_service_role_only(platform, a):
    seen = platform.service.send("GET", f"{STORAGE}/bucket").json()

    assert [(bucket["id"], bucket["public"]) for bucket in seen] == [("generations", False), ("references", False)]
    assert a.send("GET", f"{STORAGE}/bucket").json() == []
    assert refusal(a.send("GET", f"{STORAGE}/bucket/references"))[1] == "Bucket not found"
    assert refusal(a.send("POST", f"{STORAGE}/bucket", json={"id": "mine", "public": True}))[0] == "403"
    assert refusal(a.send("PUT", f"{STORAGE}/bucket/references", json={"public": True}))[0] == "403"


def test_unknown_route_is_refused(a):
    assert refusal(a.send("GET", f"{STORAGE}/render/image"))[0] == "404"


def test_put_of_the_service_overwrites_only_when_asked(platform, a):
    put(platform, "generations", key_of(a), b"one")
    with pytest.raises(StorageRefused, match="already exists"):
        put(platform, "generations", key_of(a), b"two")

    put(platform, "generations", key_of(a), b"three", "audio/mpeg", upsert=True)

    found = platform.run(platform.storage.get("generations", key_of(a)))
    assert (found.data, found.content_type, found.info.size) == (b"three", "audio/mpeg", 5)


def test_nothing_is_found_where_nothing_is(platform):
    assert platform.run(platform.storage.get("generations", "none/none.wav")) is None
    assert platform.run(platform.storage.stat("generations", "none/none.wav")) is None
    assert platform.run(platform.storage.list("generations", "none/")) == []
    assert platform.run(platform.storage.delete("generations", "none/none.wav")) == []


def test_broken_writes_fail_and_leave_reads_alone(own_platform):
    put(own_platform, "generations", "u/a.wav")
    own_platform.storage.break_writes("generations", True)

    with pytest.raises(StorageRefused, match="Internal Server Error"):
        put(own_platform, "generations", "u/b.wav")
    assert own_platform.service.upload("generations/u/c.wav").status_code == 500
    assert own_platform.run(own_platform.storage.get("generations", "u/a.wav")).data == WAV
    assert put(own_platform, "references", "u/b.wav").size == len(WAV)


def test_mended_writes_work_again(own_platform):
    own_platform.storage.break_writes(None, True)
    own_platform.storage.break_writes(None, False)

    assert put(own_platform, "generations", "u/b.wav").size == len(WAV)
