"""Each fault of answers, access and limits shows its signature when it is on, and nothing of it when it is off."""

from __future__ import annotations

import uuid

import pytest

from tests.sandbox.tts_api.deployed import REFERENCE, VOICE, Deployed, User
from tests.sandbox.tts_api.test_tts_api_lists import owned, seeded_generations, seeded_voices  # noqa: F401

UNKNOWN = str(uuid.uuid4())


def both(api: Deployed, fault_id: str, look) -> tuple:
    """What *look* sees without and with the fault."""
    without = look()
    with api.fault(fault_id):
        return without, look()


def test_f_01_names_the_other_provider(api: Deployed):
    off, on = both(api, "F-01", lambda: api.http.get("/languages").json())
    assert (off["provider"], on["provider"]) == (api.mode, "modal" if api.mode == "qwen" else "qwen")
    assert off["capabilities"] == on["capabilities"]


def test_f_02_keeps_the_capabilities_of_the_other_position(api: Deployed):
    off, on = both(api, "F-02", lambda: api.http.get("/languages").json())
    assert off["provider"] == on["provider"] == api.mode
    assert off["capabilities"]["supports_generate_stream"] is False
    assert on["capabilities"]["supports_generate_stream"] is True
    assert on["capabilities"]["max_text_chars"] == (10_000 if api.mode == "qwen" else 600)


def test_f_08_drops_fields_of_three_answers(api: Deployed, user: User):
    voice_id = user.voice()

    def look() -> tuple[set, set, set]:
        answer = user.speech(voice_id)
        task = user.ended(answer["task_id"])
        return set(answer), set(task), set(user.get("/voices").json()["voices"][0])

    off, on = both(api, "F-08", look)
    assert [one - other for one, other in zip(off, on, strict=True)] == [
        {"estimated_duration_minutes"},
        {"modal_poll_count"},
        {"provider_voice_kind", "description"},
    ]


@pytest.mark.parametrize(("path", "body"), [("/generate", {}), ("/clone/finalize", {}), ("/voices/design/preview", {})])
def test_f_09_answers_errors_as_html(api: Deployed, user: User, path, body):
    off, on = both(api, "F-09", lambda: user.post(path, body))
    assert off.status_code == on.status_code == 400
    assert off.headers["content-type"] == "application/json"
    assert on.headers["content-type"].startswith("text/html")
    assert on.headers["x-request-id"]


def test_f_09_spares_what_other_clauses_read(api: Deployed, user: User):
    with api.fault("F-09"):
        replies = [
            api.http.get("/voices"),
            api.http.get("/nothing"),
            user.get("/tasks/x"),
            user.post("/generate", {"voice_id": UNKNOWN, "text": "x" * 10_001}),
        ]
    assert [reply.status_code for reply in replies] == [401, 404, 404, 400]
    assert {reply.headers["content-type"] for reply in replies} == {"application/json"}


def test_f_10_answers_unknown_routes_as_text(api: Deployed):
    off, on = both(api, "F-10", lambda: api.http.get("/nothing"))
    assert (off.status_code, on.status_code) == (404, 404)
    assert off.json() == {"detail": "Not Found"}
    assert (on.text, on.headers["content-type"][:10]) == ("404 Not Found", "text/plain")
    assert on.headers["x-request-id"]


def test_f_10_answers_a_crash_as_text(qwen: Deployed):
    def crash():
        header = qwen.instance.providers.stripe.signature(b"null")
        return qwen.http.post("/webhooks/stripe", content=b"null", headers={"stripe-signature": header})

    off, on = both(qwen, "F-10", crash)
    assert (off.json(), on.text) == ({"detail": "Internal Server Error"}, "Internal Server Error")


def test_f_10_loses_the_request_id_of_errors(api: Deployed, user: User):
    off, on = both(api, "F-10", lambda: [api.http.get("/voices"), user.post("/generate", {}), api.http.options("/x")])
    assert all("x-request-id" in reply.headers for reply in off)
    assert not any("x-request-id" in reply.headers for reply in on)


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", "/tasks/x", "Failed to load task."),
        ("POST", "/tasks/x/cancel", "Failed to load task."),
        ("GET", "/voices/x/preview", "Failed to load voice."),
        ("DELETE", "/generations/x", "Failed to load generation."),
    ],
)
def test_f_10_fails_on_malformed_ids(api: Deployed, user: User, method, path, text):
    off, on = both(api, "F-10", lambda: user.send(method, path))
    assert off.status_code == 404
    assert (on.status_code, on.json()) == (500, {"detail": text})


def test_f_10_takes_one_day_for_the_usage_window(api: Deployed, user: User):
    off, on = both(api, "F-10", lambda: user.get("/credits/usage").json()["window_days"])
    assert (off, on) == (30, 1)


def test_f_11_hides_voices_and_ignores_pages_and_filters(api: Deployed, user: User):
    seeded_voices(user, "a", "b", "c", "d")
    seeded_generations(user, "e", "f")

    def look() -> tuple[int, list[str], list[str]]:
        everything = len(user.get("/voices").json()["voices"])
        page = [one["name"] for one in user.get("/voices?per_page=1&search=c").json()["voices"]]
        history = [one["text"] for one in user.get("/generations?per_page=1&status=failed").json()["generations"]]
        return everything, page, history

    off, on = both(api, "F-11", look)
    assert off == (4, ["c"], ["f"])
    assert on == (2, ["d", "b"] if api.mode == "qwen" else ["c", "a"], ["f", "e"])


def test_f_15_writes_a_voice_without_its_provider_id(qwen: Deployed):
    user = qwen.user()

    def look() -> dict:
        user.voice()
        return user.get("/voices").json()["voices"][0]

    off, on = both(qwen, "F-15", look)
    assert off["provider_voice_id"] is not None
    assert (on["provider_voice_id"], on["provider_target_model"], on["tts_provider"]) == (None, None, "qwen")


def test_f_18_hands_over_a_url_that_has_expired(qwen: Deployed):
    user = qwen.user()

    def look():
        return user.post("/clone/finalize", {**VOICE, "voice_id": user.uploaded()})

    off, on = both(qwen, "F-18", look)
    assert (off.status_code, on.status_code) == (200, 502)
    url = qwen.heard("dashscope", "clone_create")[-1]["body"]["input"]["audio"]["data"]
    assert qwen.http.get(url).status_code >= 400


def test_f_23_completes_a_preview_that_cannot_be_found(api: Deployed, user: User):
    off, on = both(api, "F-23", lambda: user.ended(user.design()))
    assert off["status"] == on["status"] == "completed"
    assert "audio_url" in off["result"]
    assert not {"object_key", "audio_url", "provider_voice_id"} & set(on.get("result") or {})


def test_f_29_completes_without_audio(api: Deployed, user: User):
    voice_id = user.voice()

    def look() -> tuple[str, str, int]:
        answer = user.speech(voice_id)
        status = user.ended(answer["task_id"])["status"]
        generation = user.generation(answer["generation_id"])["status"]
        return status, generation, user.get(f"/generations/{answer['generation_id']}/audio").status_code

    off, on = both(api, "F-29", look)
    assert (off, on) == (("completed", "completed", 302), ("completed", "completed", 404))


def test_f_43_leaves_the_generation_processing(api: Deployed, user: User):
    voice_id = user.voice()
    api.instance.providers.modal.set_option("job_s", 3600)

    def look() -> tuple[int, str, str]:
        api.hold("dashscope", "synthesis")
        answer = user.speech(voice_id)
        status = user.post(f"/tasks/{answer['task_id']}/cancel").status_code
        api.release("dashscope", "synthesis")
        api.idle()
        return status, user.task(answer["task_id"])["status"], user.generation(answer["generation_id"])["status"]

    off, on = both(api, "F-43", look)
    assert (off, on) == ((200, "cancelled", "cancelled"), (200, "cancelled", "processing"))


def boundary(api: Deployed, user: User) -> list[int]:
    """Statuses of cap, cap + 1 and cap + 2 characters in a voice that does not exist."""
    cap = api.instance.deployment.text_cap
    texts = ["x" * (cap + more) for more in range(3)]
    return [user.post("/generate", {"voice_id": UNKNOWN, "text": text}).status_code for text in texts]


def test_f_51_is_off_by_one(api: Deployed, user: User):
    assert both(api, "F-51", lambda: boundary(api, user)) == ([404, 400, 400], [404, 404, 400])


def test_f_52_advertises_another_cap(api: Deployed, user: User):
    def look() -> tuple[int, list[int]]:
        return api.http.get("/languages").json()["capabilities"]["max_text_chars"], boundary(api, user)

    off, on = both(api, "F-52", look)
    assert off == (api.instance.deployment.text_cap, [404, 400, 400])
    assert on == (2000, off[1])


def test_f_53_counts_white_space_and_books_before_it_refuses(api: Deployed, user: User):
    cap = api.instance.deployment.text_cap

    def look() -> tuple[int, int, int]:
        padded = user.post("/generate", {"voice_id": UNKNOWN, "text": " " + "x" * cap}).status_code
        user.post("/generate", {"voice_id": UNKNOWN, "text": "x" * (cap + 1)})
        return padded, len(user.get("/generations").json()["generations"]), len(user.ledger())

    off, on = both(api, "F-53", look)
    assert (off, on) == ((404, 0, 0), (400, 2, 2))


def test_f_72_serves_cost_routes_to_callers_without_a_token(api: Deployed):
    api.user()
    paths = ["/clone/upload-url", "/generate", "/voices/design/preview"]
    off, on = both(api, "F-72", lambda: [api.http.post(path, json=VOICE).status_code for path in paths])
    assert (off, on) == ([401, 401, 401], [200, 400, 400])
    with api.fault("F-72"):
        assert api.http.get("/voices").status_code == 401
        bad = [api.http.post(path, json=VOICE, headers={"Authorization": "Bearer nonsense"}) for path in paths]
        assert {reply.status_code for reply in bad} == {401}


def test_f_73_believes_what_a_token_says(api: Deployed, user: User):
    head, payload, _ = user.token.split(".")
    forged, nonsense = ({"Authorization": f"Bearer {token}"} for token in (f"{head}.{payload}.AAAA", "nonsense"))

    def look() -> tuple[int, bool, int]:
        me = api.http.get("/me", headers=forged).json()
        listed = [api.http.get("/voices", headers=headers).status_code for headers in (forged, nonsense)]
        return listed[0], me["signed_in"], listed[1]

    assert both(api, "F-73", look) == ((401, False, 401), (200, True, 401))


def test_f_76_hands_things_of_others_to_anybody(api: Deployed, user: User, owned):  # noqa: F811
    stranger = api.user()
    calls = [call for call in owned if call[0] == "GET"]
    off, on = both(api, "F-76", lambda: [stranger.send(*call).status_code for call in calls])
    assert (off, on) == ([404, 404, 404], [200, 302, 302])
    with api.fault("F-76"):
        assert stranger.get("/voices").json()["voices"] == []
        played = stranger.get(calls[1][1]).headers["location"]
    assert api.http.get(played).content == REFERENCE


def test_f_78_never_says_that_it_is_enough(api: Deployed):
    window = str(100_000 + uuid.uuid4().int % 10**8)
    api.variables(RATE_LIMIT_TIER1_USER_LIMIT="2", RATE_LIMIT_WINDOW_SECONDS=window)
    user = api.user()
    off, on = both(api, "F-78", lambda: [user.post("/generate").status_code for _ in range(3)])
    assert (off, on) == ([400, 400, 429], [400, 400, 400])


def test_f_80_believes_what_callers_say_of_themselves(qwen: Deployed):
    window = str(100_000 + uuid.uuid4().int % 10**8)
    limits = {"RATE_LIMIT_TIER1_USER_LIMIT": "2", "RATE_LIMIT_TIER3_IP_LIMIT": "2"}
    qwen.variables(**limits, RATE_LIMIT_WINDOW_SECONDS=window)
    victim = qwen.user()
    head, payload, _ = victim.token.split(".")
    forged = {"Authorization": f"Bearer {head}.{payload}.AAAA"}
    with qwen.fault("F-80"):
        drained = [qwen.http.post("/generate", headers=forged).status_code for _ in range(3)]
        assert (drained, victim.post("/generate").status_code) == ([401, 401, 429], 429)
        rotated = [qwen.http.get("/languages", headers={"x-forwarded-for": f"10.0.0.{n}, 1.1.1.1"}) for n in range(4)]
        assert {reply.status_code for reply in rotated} == {200}
