"""The limiter: tiers, actors, windows, refusals, and what happens without its counter."""

from __future__ import annotations

import pytest

from tests.sandbox.tts_api.deployed import Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def limited(qwen: Deployed, request: pytest.FixtureRequest) -> Deployed:
    """Three calls a user and tier, five an address, in windows that no other test counts in."""
    limits = {f"RATE_LIMIT_TIER{tier}_USER_LIMIT": "3" for tier in (1, 2)}
    limits |= {f"RATE_LIMIT_TIER{tier}_IP_LIMIT": "5" for tier in (1, 2, 3)}
    window = 100_000 + abs(hash(request.node.nodeid)) % 800_000_000
    qwen.variables(**limits, RATE_LIMIT_WINDOW_SECONDS=str(window))
    return qwen


def statuses(send, count: int) -> list[int]:
    return [send().status_code for _ in range(count)]


def test_all_tier_one_routes_share_the_limit_of_their_user(limited: Deployed):
    user = limited.user()
    paths = ["/clone/upload-url", "/generate", "/voices/design/preview", "/billing/checkout"]
    assert [user.post(path).status_code for path in paths] == [400, 400, 400, 429]


def test_a_refusal_says_when_to_come_back(limited: Deployed):
    user = limited.user()
    limited.variables(RATE_LIMIT_WINDOW_SECONDS="300")
    reply = [user.post("/generate") for _ in range(4)][-1]
    body = reply.json()
    assert list(body) == ["detail", "retry_after_seconds"]
    assert body["detail"] == "Rate limit exceeded. Please retry later."
    assert 1 <= body["retry_after_seconds"] <= 300
    assert "retry-after" not in reply.headers
    assert reply.headers["x-request-id"]
    limited.clock.skip(body["retry_after_seconds"])
    assert user.post("/generate").status_code == 400


def test_windows_are_aligned_to_the_epoch(limited: Deployed):
    limited.variables(RATE_LIMIT_WINDOW_SECONDS="1000")
    user = limited.user()
    limited.clock.skip(1000 - limited.clock.time() % 1000 + 990)
    reply = [user.post("/generate") for _ in range(4)][-1]
    assert reply.json()["retry_after_seconds"] <= 10


def test_users_do_not_share_their_buckets(limited: Deployed):
    one, two = limited.user(), limited.user()
    assert statuses(lambda: one.post("/generate"), 4)[-1] == 429
    assert two.post("/generate").status_code == 400


def test_tasks_have_a_tier_of_their_own(limited: Deployed):
    user = limited.user()
    assert statuses(lambda: user.get(f"/tasks/{UNKNOWN}"), 4) == [404, 404, 404, 429]
    assert user.post("/generate").status_code == 400


def test_tier_three_counts_the_address_of_everybody(limited: Deployed):
    users = [limited.user() for _ in range(3)]
    calls = [user.get("/voices").status_code for user in (*users, *users)]
    assert calls == [200] * 5 + [429]
    assert limited.http.get("/health").status_code == 200


def test_callers_without_a_good_token_are_counted_by_address(limited: Deployed):
    headers = {"Authorization": "Bearer x"}
    assert statuses(lambda: limited.http.post("/generate", headers=headers), 6) == [401] * 5 + [429]
    assert limited.user().post("/generate").status_code == 400


def test_rotating_addresses_in_headers_buys_nothing(limited: Deployed):
    calls = [limited.http.get("/languages", headers={"x-forwarded-for": f"10.0.0.{n}"}).status_code for n in range(6)]
    assert calls == [200] * 5 + [429]


def test_a_forged_subject_does_not_drain_the_bucket_of_a_user(limited: Deployed):
    user = limited.user()
    head, payload, _ = user.token.split(".")
    forged = {"Authorization": f"Bearer {head}.{payload}.AAAA"}
    assert statuses(lambda: limited.http.post("/generate", headers=forged), 6)[-1] == 429
    assert user.post("/generate").status_code == 400


def test_a_head_counts_in_tier_three(limited: Deployed):
    user = limited.user()
    assert statuses(lambda: user.send("HEAD", f"/tasks/{UNKNOWN}"), 6) == [404] * 5 + [429]


def test_refused_calls_are_logged_and_counted(limited: Deployed):
    user = limited.user()
    statuses(lambda: user.post("/generate"), 5)
    lines = [(line["decision"], line["status_code"]) for line in limited.instance.log.lines if "decision" in line]
    assert lines == [("allow", 400)] * 3 + [("deny", 429)] * 2
    counted = limited.row("select request_count from public.rate_limit_counters where actor_key = %s", user.id)
    assert counted["request_count"] == 5


def test_without_the_counter_only_what_costs_money_is_closed(qwen: Deployed):
    user = qwen.user()
    qwen.breaking("rpc:rate_limit_check_and_increment")
    reply = user.post("/generate")
    assert (reply.status_code, detail(reply)) == (503, "Rate limiter unavailable. Retry shortly.")
    assert user.get(f"/tasks/{UNKNOWN}").status_code == 404
    assert user.get("/voices").status_code == 200
    decisions = [line["decision"] for line in qwen.instance.log.lines if "decision" in line]
    assert decisions == ["error_deny", "error_allow", "error_allow"]


def test_parallel_calls_are_counted_exactly(limited: Deployed):
    from concurrent.futures import ThreadPoolExecutor

    user: User = limited.user()
    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(lambda _: user.post("/generate").status_code, range(12)))
    assert answers == [400] * 3 + [429] * 9
