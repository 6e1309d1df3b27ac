"""The auth service: accounts, sessions, tokens, and how it words a refusal."""

from __future__ import annotations

import base64
import json
from uuid import uuid4

import jwt
import pytest

AUTH = "/auth/v1"


def sign_up(platform, email, password="correct horse", **more):
    return platform.anonymous.send("POST", f"{AUTH}/signup", json={"email": email, "password": password, **more})


def token_for(platform, grant, **body):
    return platform.anonymous.send("POST", f"{AUTH}/token?grant_type={grant}", json=body)


def user_of(actor):
    return actor.send("GET", f"{AUTH}/user")


def refusal(reply):
    return reply.status_code, reply.json()["error_code"]


def email_of_nobody() -> str:
    return f"{uuid4().hex}@example.test"


def forged(token: str, secret: str, **changes) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**claims, **changes}, secret, algorithm="HS256")


def test_sign_up_answers_a_session_and_the_user(platform):
    email = email_of_nobody()

    reply = sign_up(platform, email.upper(), data={"name": "A"})

    session = reply.json()
    assert reply.status_code == 200
    assert (session["token_type"], session["expires_in"], session["user"]["email"]) == ("bearer", 3600, email)
    assert session["user"]["user_metadata"] == {"name": "A"}


def test_access_token_carries_subject_role_and_expiry(platform):
    session = sign_up(platform, email_of_nobody()).json()

    claims = jwt.decode(session["access_token"], platform.keys.jwt_secret, ["HS256"], audience="authenticated")

    assert (claims["sub"], claims["role"]) == (session["user"]["id"], "authenticated")
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["exp"] == session["expires_at"]


def test_second_sign_up_with_an_address_is_refused(platform, a):
    assert refusal(sign_up(platform, a.email.upper())) == (422, "user_already_exists")


@pytest.mark.parametrize(
    ("email", "password", "status", "code"),
    [
        ("a@example.test", "12345", 422, "weak_password"),
        ("a@example.test", "", 400, "validation_failed"),
        ("not an address", "123456", 400, "validation_failed"),
        ("", "123456", 400, "validation_failed"),
        ("a\x00b@example.test", "123456", 400, "validation_failed"),
    ],
)
def test_sign_up_is_refused_for(platform, email, password, status, code):
    assert refusal(sign_up(platform, email, password)) == (status, code)


def test_password_of_six_characters_is_enough(platform):
    assert sign_up(platform, email_of_nobody(), "123456").status_code == 200


def test_sign_in_answers_the_same_user(platform, a):
    reply = token_for(platform, "password", email=a.email, password=a.password)

    assert (reply.status_code, reply.json()["user"]["id"]) == (200, a.id)


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"email": "nobody@example.test"}, {"password": None}])
def test_sign_in_with_something_wrong_does_not_say_what(platform, a, change):
    reply = token_for(platform, "password", **{"email": a.email, "password": a.password, **change})

    assert refusal(reply) == (400, "invalid_credentials")
    assert reply.json()["msg"] == "Invalid login credentials"


def test_unknown_grant_type_is_refused(platform, a):
    assert token_for(platform, "magic", email=a.email).status_code == 400


def test_body_that_is_no_json_is_refused(platform):
    reply = platform.anonymous.send("POST", f"{AUTH}/signup", content=b"{")

    assert refusal(reply) == (400, "bad_json")


def test_refresh_token_is_traded_for_a_new_session(platform):
    session = sign_up(platform, email_of_nobody()).json()

    fresh = token_for(platform, "refresh_token", refresh_token=session["refresh_token"])

    assert fresh.status_code == 200
    assert fresh.json()["refresh_token"] != session["refresh_token"]
    assert user_of(platform.as_user(fresh.json()["access_token"])).json()["id"] == session["user"]["id"]


def test_used_refresh_token_ends_its_session(platform):
    session = sign_up(platform, email_of_nobody()).json()
    fresh = token_for(platform, "refresh_token", refresh_token=session["refresh_token"]).json()

    again = token_for(platform, "refresh_token", refresh_token=session["refresh_token"])

    assert refusal(again) == (400, "refresh_token_already_used")
    assert refusal(user_of(platform.as_user(fresh["access_token"]))) == (403, "session_not_found")


def test_unknown_refresh_token_is_refused(platform):
    assert refusal(token_for(platform, "refresh_token", refresh_token="x")) == (400, "refresh_token_not_found")


def test_user_route_answers_the_owner_of_the_token(a):
    assert user_of(a).json()["email"] == a.email


def test_token_expires_by_the_clock_of_the_instance(own_platform):
    user = own_platform.user()
    own_platform.clock.skip(3590)
    before = user_of(user).status_code
    own_platform.clock.skip(11)

    assert (before, refusal(user_of(user))) == (200, (403, "bad_jwt"))
    assert own_platform.run(own_platform.auth.user_for(user.token)) is None


def test_log_out_ends_the_session(platform, a):
    assert a.send("POST", f"{AUTH}/logout").status_code == 204

    assert refusal(user_of(a)) == (403, "session_not_found")
    assert platform.run(platform.auth.user_for(a.token)) is None


def test_local_log_out_leaves_other_sessions(platform, a):
    other = token_for(platform, "password", email=a.email, password=a.password).json()["access_token"]

    a.send("POST", f"{AUTH}/logout?scope=local")

    assert user_of(platform.as_user(other)).status_code == 200


def test_user_for_knows_a_valid_token(platform, a):
    assert platform.run(platform.auth.user_for(a.token))["id"] == a.id


def test_token_of_a_skipped_clock_is_good(own_platform):
    own_platform.clock.skip(86400)

    assert user_of(own_platform.user()).status_code == 200


def unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


def altered(token: str) -> str:
    return token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")


@pytest.fixture
def bad_tokens(platform, a) -> dict[str, str]:
    keys = platform.keys
    return {
        "garbage": "garbage",
        "empty": "",
        "anon key": keys.anon_key,
        "service role key": keys.service_role_key,
        "altered signature": altered(a.token),
        "another secret": forged(a.token, "another secret of thirty-two bytes"),
        "alg none": unsigned(a.token),
        "expired": forged(a.token, keys.jwt_secret, exp=1),
        "expiry is no number": forged(a.token, keys.jwt_secret, exp="soon"),
        "user who never was": forged(a.token, keys.jwt_secret, sub=str(uuid4())),
        "sub is no id": forged(a.token, keys.jwt_secret, sub="admin"),
        "session is no id": forged(a.token, keys.jwt_secret, session_id="x"),
    }


BAD_TOKENS = (
    "garbage",
    "anon key",
    "service role key",
    "altered signature",
    "another secret",
    "alg none",
    "expired",
    "expiry is no number",
    "user who never was",
    "sub is no id",
    "session is no id",
)


@pytest.mark.parametrize("name", [*BAD_TOKENS, "empty"])
def test_user_for_rejects(platform, bad_tokens, name):
    assert platform.run(platform.auth.user_for(bad_tokens[name])) is None


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_user_route_refuses_with_403(platform, bad_tokens, name):
    assert user_of(platform.as_user(bad_tokens[name])).status_code == 403


def test_user_route_without_a_token_is_401(platform):
    assert refusal(user_of(platform.anonymous)) == (401, "no_authorization")


def test_request_without_an_api_key_is_401(platform):
    reply = platform.http.get(f"{AUTH}/health")

    assert (reply.status_code, reply.json()["message"]) == (401, "No API key found in request")


def test_request_with_a_wrong_api_key_is_401(platform, a):
    reply = platform.http.get(f"{AUTH}/health", headers={"apikey": a.token})

    assert (reply.status_code, reply.json()["message"]) == (401, "Invalid API key")


def test_api_key_may_stand_in_the_query(platform):
    assert platform.http.get(f"{AUTH}/health", params={"apikey": platform.keys.anon_key}).status_code == 200


def test_admin_makes_reads_and_lists_users(platform):
    email = email_of_nobody()
    body = {"email": email, "password": "123456", "email_confirm": True, "user_metadata": {"x": 1}}
    made = platform.service.send("POST", f"{AUTH}/admin/users", json=body).json()

    read = platform.service.send("GET", f"{AUTH}/admin/users/{made['id']}").json()
    listed = platform.service.send("GET", f"{AUTH}/admin/users?page=1&per_page=1")

    assert (read["email"], read["user_metadata"]) == (email, {"x": 1})
    assert [user["id"] for user in listed.json()["users"]] == [made["id"]]
    assert token_for(platform, "password", email=email, password="123456").status_code == 200


def test_admin_delete_takes_the_rows_of_the_user_along(platform, a):
    platform.make("voices", user_id=a.id, name="v", source="uploaded")

    gone = platform.service.send("DELETE", f"{AUTH}/admin/users/{a.id}")

    assert gone.status_code == 200
    assert platform.service.rows(f"voices?user_id=eq.{a.id}") == []
    assert platform.service.rows(f"profiles?id=eq.{a.id}") == []
    assert platform.run(platform.auth.user_for(a.token)) is None


def test_admin_delete_of_nobody_is_404(platform):
    assert refusal(platform.service.send("DELETE", f"{AUTH}/admin/users/{uuid4()}")) == (404, "user_not_found")


def test_admin_route_with_a_malformed_id_is_404(platform):
    assert platform.service.send("GET", f"{AUTH}/admin/users/nobody").status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_admin_routes_are_closed_to_users_and_anon(platform, a, method):
    anon = platform.as_user(platform.keys.anon_key)

    assert refusal(a.send(method, f"{AUTH}/admin/users")) == (403, "not_admin")
    assert refusal(anon.send(method, f"{AUTH}/admin/users")) == (403, "not_admin")
    assert refusal(platform.anonymous.send(method, f"{AUTH}/admin/users")) == (401, "no_authorization")


def test_user_cannot_delete_another_one(a, b):
    assert refusal(a.send("DELETE", f"{AUTH}/admin/users/{b.id}")) == (403, "not_admin")
    assert user_of(b).status_code == 200


def test_unknown_route_is_404(platform):
    assert platform.anonymous.send("GET", f"{AUTH}/unknown").status_code == 404


def test_preflight_needs_no_key(platform):
    reply = platform.http.options(f"{AUTH}/signup")

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, "*")


def test_path_outside_of_the_services_is_404(platform):
    assert platform.anonymous.send("GET", "/realtime/v1").status_code == 404
