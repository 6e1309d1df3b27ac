"""Rules common to all routes: errors, authentication, request ids, CORS, HEAD, OPTIONS, path ids, log lines."""

from __future__ import annotations

import uuid

import jwt
import pytest

from tests.sandbox.tts_api.deployed import Deployed, User

UNKNOWN = str(uuid.uuid4())
PROTECTED = [
    ("PATCH", "/profile"),
    ("GET", "/credits/usage"),
    ("POST", "/billing/checkout"),
    ("POST", "/clone/upload-url"),
    ("POST", "/clone/finalize"),
    ("GET", "/voices"),
    ("GET", f"/voices/{UNKNOWN}/preview"),
    ("DELETE", f"/voices/{UNKNOWN}"),
    ("POST", "/voices/design/preview"),
    ("POST", "/voices/design"),
    ("POST", "/generate"),
    ("GET", f"/tasks/{UNKNOWN}"),
    ("POST", f"/tasks/{UNKNOWN}/cancel"),
    ("DELETE", f"/tasks/{UNKNOWN}"),
    ("GET", "/generations"),
    ("GET", f"/generations/{UNKNOWN}/audio"),
    ("DELETE", f"/generations/{UNKNOWN}"),
    ("POST", f"/generations/{UNKNOWN}/regenerate"),
    ("POST", "/transcriptions"),
]
BY_ID = [
    ("GET", "/tasks/{}", "Task not found."),
    ("POST", "/tasks/{}/cancel", "Task not found."),
    ("DELETE", "/tasks/{}", "Task not found."),
    ("GET", "/voices/{}/preview", "Voice not found."),
    ("DELETE", "/voices/{}", "Voice not found."),
    ("GET", "/generations/{}/audio", "Generation not found."),
    ("DELETE", "/generations/{}", "Generation not found."),
    ("POST", "/generations/{}/regenerate", "Generation not found"),
]
JSON_ROUTES = ["/clone/upload-url", "/clone/finalize", "/voices/design/preview", "/generate", "/billing/checkout"]


def detail(reply) -> str:
    """The `detail` of an error, which is all that it may hold."""
    assert reply.headers["content-type"] == "application/json", reply.text
    assert set(reply.json()) == {"detail"}
    return reply.json()["detail"]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_a_call_without_a_token_is_refused(qwen: Deployed, method, path):
    reply = qwen.http.request(method, path)
    assert (reply.status_code, detail(reply)) == (401, "Missing authorization header")


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_a_call_with_a_bad_token_is_refused(qwen: Deployed, method, path):
    reply = qwen.http.request(method, path, headers={"Authorization": "Bearer nonsense"})
    assert (reply.status_code, detail(reply)) == (401, "Invalid or expired token")


def forged(qwen: Deployed, kind: str) -> str:
    user = qwen.user()
    claims = jwt.decode(user.token, options={"verify_signature": False})
    if kind == "anon key":
        return qwen.instance.deployment.anon_key
    if kind == "other signature":
        return jwt.encode(claims, "another secret that is long enough for it", algorithm="HS256")
    if kind == "alg none":
        return jwt.encode(claims, None, algorithm="none")
    return jwt.encode({**claims, "exp": 1}, qwen.instance.deployment.jwt_secret, algorithm="HS256")


@pytest.mark.parametrize("kind", ["anon key", "other signature", "alg none", "expired"])
def test_a_token_that_was_not_issued_is_refused(qwen: Deployed, kind):
    reply = qwen.http.get("/voices", headers={"Authorization": f"Bearer {forged(qwen, kind)}"})
    assert (reply.status_code, detail(reply)) == (401, "Invalid or expired token")


def test_a_token_expires_by_the_clock_of_the_sandbox(qwen: Deployed):
    user = qwen.user()
    assert user.get("/voices").status_code == 200
    qwen.clock.skip(3700)
    assert user.get("/voices").status_code == 401


def test_the_token_is_checked_before_the_body_is_read(qwen: Deployed):
    assert qwen.http.post("/generate", content=b"{").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("PUT", "/voices"),
        ("GET", "/voices/"),
        ("GET", "//voices"),
        ("POST", "/generate/stream"),
        ("GET", "/tasks"),
        ("GET", f"/voices/{UNKNOWN}"),
        ("GET", ""),
    ],
)
def test_an_unknown_route_is_json_too(qwen: Deployed, method, path):
    url = f"{qwen.instance.base_url}/functions/v1/api{path}"
    reply = qwen.http.request(method, url)
    assert (reply.status_code, detail(reply)) == (404, "Not Found")


@pytest.mark.parametrize(("method", "path", "text"), BY_ID)
@pytest.mark.parametrize("bad", ["not-a-uuid", "%00", "a%2Fb", UNKNOWN])
def test_an_id_that_is_malformed_or_unknown_is_not_found(qwen: Deployed, method, path, text, bad):
    reply = qwen.user().send(method, path.format(bad))
    assert (reply.status_code, detail(reply)) == (404, text)


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"0", b"false", b'""', b"NaN"])
def test_a_body_that_is_not_json_or_falsy_is_refused(qwen: Deployed, path, body):
    reply = qwen.user().send("POST", path, content=body)
    assert (reply.status_code, detail(reply)) == (400, "Invalid JSON body")


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"true"])
def test_a_body_that_is_no_object_has_no_fields(qwen: Deployed, body):
    reply = qwen.user().send("POST", "/generate", content=body)
    assert (reply.status_code, detail(reply)) == (400, "Please select a voice")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/health", 200), ("GET", "/voices", 401), ("GET", "/nothing", 404), ("OPTIONS", "/voices", 204)],
)
def test_the_request_id_comes_back_on_every_answer(qwen: Deployed, method, path, status):
    reply = qwen.http.request(method, path, headers={"x-request-id": "my-id 7"})
    assert (reply.status_code, reply.headers["x-request-id"]) == (status, "my-id 7")


@pytest.mark.parametrize("given", [None, ""])
def test_a_request_without_an_id_is_given_one(qwen: Deployed, given):
    reply = qwen.http.get("/health", headers={} if given is None else {"x-request-id": given})
    assert uuid.UUID(reply.headers["x-request-id"])


def test_a_crash_is_json_and_says_nothing(qwen: Deployed):
    body = b"null"
    header = qwen.instance.providers.stripe.signature(body)
    reply = qwen.http.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})
    assert (reply.status_code, detail(reply)) == (500, "Internal Server Error")
    assert any(line.get("event") == "unhandled_exception" for line in qwen.instance.log.lines)


def test_a_preflight_needs_nothing_and_is_not_counted(qwen: Deployed):
    qwen.variables(CORS_ALLOWED_ORIGIN=None)
    before = len(qwen.instance.log.lines)
    reply = qwen.http.options("/generate", headers={"Origin": "https://app.example"})
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-headers"] == "authorization, x-client-info, apikey, content-type"
    assert reply.headers["access-control-allow-methods"] == "GET, POST, PUT, DELETE, PATCH, OPTIONS"
    assert reply.headers["access-control-max-age"] == "86400"
    assert len(qwen.instance.log.lines) == before


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.example", "https://a.example"),
        ("https://b.example", "https://b.example"),
        ("https://evil.example", "https://a.example"),
    ],
)
def test_only_configured_origins_are_reflected(qwen: Deployed, origin, allowed):
    qwen.variables(CORS_ALLOWED_ORIGIN="https://a.example, https://b.example")
    reply = qwen.http.get("/voices", headers={"Origin": origin})
    assert (reply.headers["access-control-allow-origin"], reply.headers["vary"]) == (allowed, "Origin")


def test_everybody_and_a_developer_are_allowed_where_that_is_the_fault(qwen: Deployed):
    allowed, developer = "access-control-allow-origin", "http://localhost:5173"

    with qwen.fault("F-86"):
        local = qwen.http.get("/voices", headers={"Origin": developer})

        assert qwen.http.options("/generate").headers[allowed] == "*"
        assert local.headers[allowed] == qwen.http.get("/languages").headers[allowed] == developer


def test_head_is_answered_like_get_without_the_body(qwen: Deployed):
    user = qwen.user()
    head, get = user.send("HEAD", "/voices"), user.get("/voices")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert user.send("HEAD", "/generate").status_code == 404


def test_a_head_on_a_modal_task_has_its_side_effects(modal: Deployed):
    user = modal.user()
    task_id = user.design()
    user.send("HEAD", f"/tasks/{task_id}")
    modal.idle()
    assert user.task(task_id)["status"] == "completed"


def test_each_counted_request_leaves_one_log_line(api: Deployed, user: User):
    reply = user.get("/voices?search=secret", headers={"x-request-id": "log-me"})
    lines = [line for line in api.instance.log.lines if line.get("request_id") == "log-me"]
    assert len(lines) == 1
    assert lines[0] | {"timestamp": 0, "ip_hash": 0} == {
        "timestamp": 0,
        "request_id": reply.headers["x-request-id"],
        "method": "GET",
        "path": "/api/voices",
        "user_id": user.id,
        "ip_hash": 0,
        "tier": "tier3",
        "decision": "allow",
        "status_code": 200,
        "provider": api.mode,
        "cost_event": None,
        "error_category": None,
    }


def test_health_is_neither_counted_nor_logged(qwen: Deployed):
    assert qwen.http.get("/health").json() == {"ok": True}
    assert qwen.instance.log.lines == []


def test_no_log_line_holds_a_token_a_text_or_an_address(qwen: Deployed):
    user = qwen.user()
    user.speech(user.voice(), "a canary in the text")
    qwen.idle()
    written = str(qwen.instance.log.lines)
    assert user.token not in written
    assert "canary" not in written
    assert "127.0.0.1" not in written
