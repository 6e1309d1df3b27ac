"""The official Python client finds what it expects: auth, data API and storage as the hosted platform has them."""

from __future__ import annotations

import base64
from uuid import uuid4

import httpx
import pytest
from postgrest.exceptions import APIError
from storage3.exceptions import StorageApiError
from supabase import Client, ClientOptions, create_client
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

WAV = b"RIFF" + bytes(range(200))
AUDIO = {"content-type": "audio/wav"}
PASSWORD = "correct horse"


@pytest.fixture
def connect(platform):
    """Make clients with a key of the platform; what they opened is closed in the end."""
    opened = []

    def make(key: str) -> Client:
        http = httpx.Client(timeout=30)
        opened.append(http)
        return create_client(platform.url, key, ClientOptions(auto_refresh_token=False, httpx_client=http))

    yield make
    for http in opened:
        http.close()


@pytest.fixture
def anon(platform, connect) -> Client:
    return connect(platform.keys.anon_key)


@pytest.fixture
def service(platform, connect) -> Client:
    return connect(platform.keys.service_role_key)


@pytest.fixture
def user(anon) -> Client:
    """A client that has signed up and holds a session."""
    anon.auth.sign_up({"email": f"{uuid4().hex}@example.test", "password": PASSWORD})
    return anon


@pytest.fixture
def stranger(platform, connect) -> Client:
    """Another one."""
    client = connect(platform.keys.anon_key)
    client.auth.sign_up({"email": f"{uuid4().hex}@example.test", "password": PASSWORD})
    return client


def id_of(client: Client) -> str:
    return client.auth.get_user().user.id


def voice(user: Client, **more) -> dict:
    return {"user_id": id_of(user), "name": "v", "source": "uploaded", **more}


# Auth


def test_client_signs_up_and_in(anon):
    credentials = {"email": f"{uuid4().hex}@example.test", "password": PASSWORD}
    made = anon.auth.sign_up(credentials)
    anon.auth.sign_out()

    signed_in = anon.auth.sign_in_with_password(credentials)

    assert signed_in.user.id == made.user.id
    assert signed_in.session.expires_in == 3600
    assert anon.auth.get_user().user.email == credentials["email"]


def test_client_refreshes_its_session(user):
    before = user.auth.get_session()

    after = user.auth.refresh_session().session

    assert after.refresh_token != before.refresh_token
    assert user.auth.get_user(after.access_token).user.id == before.user.id


def test_client_is_told_about_wrong_credentials(anon):
    with pytest.raises(AuthApiError, match="Invalid login credentials") as caught:
        anon.auth.sign_in_with_password({"email": "nobody@example.test", "password": PASSWORD})

    assert (caught.value.status, caught.value.code) == (400, "invalid_credentials")


def test_client_is_told_about_a_weak_password(anon):
    with pytest.raises(AuthWeakPasswordError, match="at least 6 characters"):
        anon.auth.sign_up({"email": f"{uuid4().hex}@example.test", "password": "12345"})


def test_client_of_the_service_administers_users(service):
    email = f"{uuid4().hex}@example.test"
    made = service.auth.admin.create_user({"email": email, "password": PASSWORD, "email_confirm": True}).user

    assert service.auth.admin.get_user_by_id(made.id).user.email == email
    assert made.id in {listed.id for listed in service.auth.admin.list_users()}

    service.auth.admin.delete_user(made.id)
    with pytest.raises(AuthApiError, match="User not found"):
        service.auth.admin.get_user_by_id(made.id)


def test_client_of_a_user_administers_nobody(user):
    with pytest.raises(AuthApiError, match="User not allowed"):
        user.auth.admin.list_users()


# Rows


def test_client_reads_its_profile(user):
    found = user.table("profiles").select("credits_remaining,subscription_tier").single().execute()

    assert found.data == {"credits_remaining": 100, "subscription_tier": "free"}


def test_client_of_the_service_writes_rows_that_the_user_reads(user, service):
    made = service.table("voices").insert([voice(user, name="one"), voice(user, name="two")]).execute().data

    found = user.table("voices").select("name", count="exact").order("name", desc=True).limit(1).execute()

    assert (len(made), found.data, found.count) == (2, [{"name": "two"}], 2)


def test_client_filters(user, service):
    service.table("voices").insert([voice(user, name=name) for name in ("Ada", "Bob", "Cy")]).execute()
    table = user.table("voices")

    assert len(table.select("*").ilike("name", "%B%").execute().data) == 1
    assert len(table.select("*").in_("name", ["Ada", "Cy"]).execute().data) == 2
    assert len(table.select("*").or_("name.eq.Ada,name.eq.Bob").execute().data) == 2
    assert len(table.select("*").is_("deleted_at", "null").neq("name", "Cy").range(0, 0).execute().data) == 1
    assert len(table.select("*").contains("provider_metadata", {}).execute().data) == 3


def test_client_deletes_its_own_voice_and_no_other(user, stranger, service):
    made = service.table("voices").insert(voice(user)).execute().data[0]

    assert stranger.table("voices").delete().eq("id", made["id"]).execute().data == []
    assert [row["id"] for row in user.table("voices").delete().eq("id", made["id"]).execute().data] == [made["id"]]
    assert user.table("voices").select("id").execute().data == []


def test_client_of_the_service_updates_and_upserts(user, service):
    made = service.table("voices").insert(voice(user)).execute().data[0]

    updated = service.table("voices").update({"language": "English"}).eq("id", made["id"]).execute().data
    merged = service.table("voices").upsert({**voice(user, name="w"), "id": made["id"]}).execute().data

    assert updated[0]["language"] == "English"
    assert [(row["id"], row["name"]) for row in merged] == [(made["id"], "w")]


def test_client_of_a_user_is_refused_to_write(user):
    with pytest.raises(APIError) as caught:
        user.table("voices").insert(voice(user)).execute()

    assert caught.value.code == "42501"


def test_client_is_told_that_nothing_was_found(user):
    assert user.table("voices").select("*").maybe_single().execute() is None
    with pytest.raises(APIError) as caught:
        user.table("voices").select("*").single().execute()

    assert caught.value.code == "PGRST116"


def test_client_of_the_service_calls_a_function(user, service):
    arguments = {
        "p_user_id": id_of(user),
        "p_event_kind": "debit",
        "p_operation": "generate",
        "p_amount": 30,
        "p_reference_type": "generation",
        "p_idempotency_key": "k",
        "p_metadata": {"note": "x"},
    }

    event = service.rpc("credit_apply_event", arguments).execute().data[0]

    assert (event["applied"], event["balance_remaining"]) == (True, 70)
    with pytest.raises(APIError) as caught:
        user.rpc("credit_apply_event", arguments).execute()
    assert caught.value.code == "42501"


# Objects


def test_client_uploads_and_downloads_below_its_prefix(user, stranger):
    key = f"{id_of(user)}/v/reference.wav"
    bucket = user.storage.from_("references")

    assert bucket.upload(key, WAV, AUDIO).full_path == f"references/{key}"
    assert bucket.download(key) == WAV
    assert bucket.exists(key) is True
    assert stranger.storage.from_("references").exists(key) is False
    with pytest.raises(StorageApiError, match="Object not found"):
        stranger.storage.from_("references").download(key)


def test_client_uploads_through_a_signed_url(user):
    key = f"{id_of(user)}/v/signed.wav"
    bucket = user.storage.from_("references")

    ticket = bucket.create_signed_upload_url(key)
    bucket.upload_to_signed_url(key, ticket["token"], WAV, AUDIO)

    assert bucket.download(key) == WAV
    with pytest.raises(StorageApiError, match="already exists"):
        bucket.upload_to_signed_url(key, ticket["token"], b"other", AUDIO)


def test_client_signs_a_download(user):
    key = f"{id_of(user)}/a.wav"
    bucket = user.storage.from_("references")
    bucket.upload(key, WAV, AUDIO)

    one = bucket.create_signed_url(key, 60)["signedURL"]
    many = bucket.create_signed_urls([key, "none/none.wav"], 60)

    assert httpx.get(one).content == WAV
    assert [item["error"] is None for item in many] == [True, False]


def test_client_lists_what_it_uploaded(user):
    owner = id_of(user)
    bucket = user.storage.from_("references")
    bucket.upload(f"{owner}/v/a.wav", WAV, AUDIO)

    assert [entry["name"] for entry in bucket.list(owner)] == ["v"]
    assert [entry["metadata"]["size"] for entry in bucket.list(f"{owner}/v")] == [len(WAV)]


def test_client_of_a_user_removes_nothing(user, service):
    key = f"{id_of(user)}/a.wav"
    user.storage.from_("references").upload(key, WAV, AUDIO)

    assert user.storage.from_("references").remove([key]) == []
    assert [gone["name"] for gone in service.storage.from_("references").remove([key])] == [key]


def test_client_is_told_about_the_limits_of_a_bucket(user):
    key = f"{id_of(user)}/a.txt"

    with pytest.raises(StorageApiError, match="mime type text/plain is not supported"):
        user.storage.from_("references").upload(key, b"text", {"content-type": "text/plain"})
    with pytest.raises(StorageApiError, match="row-level security"):
        user.storage.from_("generations").upload(key, WAV, AUDIO)


def test_client_of_the_service_moves_and_copies(user, service):
    owner = id_of(user)
    bucket = service.storage.from_("generations")
    bucket.upload(f"{owner}/a.wav", WAV, AUDIO)

    bucket.copy(f"{owner}/a.wav", f"{owner}/b.wav")
    bucket.move(f"{owner}/a.wav", f"{owner}/c.wav")

    assert [entry["name"] for entry in user.storage.from_("generations").list(owner)] == ["b.wav", "c.wav"]


def test_client_of_the_service_sees_the_buckets(service, user):
    assert {bucket.id: bucket.public for bucket in service.storage.list_buckets()} == {
        "references": False,
        "generations": False,
    }
    assert user.storage.list_buckets() == []


def test_binary_bytes_survive_the_round_trip(service):
    data = base64.b64decode("AAECAwQF/wD+") * 1000

    service.storage.from_("generations").upload("u/raw.bin", data, {"content-type": "application/octet-stream"})

    assert service.storage.from_("generations").download("u/raw.bin") == data
