"""The data API as a dialect, writing: inserts, updates, deletes and calls of functions."""

from __future__ import annotations

from uuid import uuid4

import pytest

ONE = "application/vnd.pgrst.object+json"
BACK = {"Prefer": "return=representation"}


def refused(reply) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


def test_insert_answers_nothing_unless_asked(platform, a):
    row = {"user_id": a.id, "text": "t"}

    quiet = platform.service.send("POST", "/rest/v1/generations", json=row)
    shown = platform.service.send("POST", "/rest/v1/generations?select=text,status", json=row, headers=BACK)

    assert (quiet.status_code, quiet.content) == (201, b"")
    assert (shown.status_code, shown.json()) == (201, [{"text": "t", "status": "pending"}])


def test_rows_with_different_keys_are_refused_unless_defaults_are_wanted(platform, a):
    rows = [{"user_id": a.id, "text": "t"}, {"user_id": a.id, "text": "u", "language": "English"}]

    plain = platform.service.send("POST", "/rest/v1/generations", json=rows)
    filled = platform.service.send(
        "POST", "/rest/v1/generations", json=rows, headers={"Prefer": "missing=default,return=representation"}
    )

    assert refused(plain) == (400, "PGRST102")
    assert sorted(row["language"] for row in filled.json()) == ["Auto", "English"]


def test_named_columns_cut_the_body(platform, a):
    reply = platform.service.send(
        "POST", '/rest/v1/generations?columns="user_id",text', json={"user_id": a.id, "text": "t", "x": 1}, headers=BACK
    )

    assert reply.json()[0]["text"] == "t"


def test_bulk_insert_is_all_or_nothing(platform, a):
    rows = [{"user_id": a.id, "name": name, "source": "uploaded"} for name in ("good", "")]

    assert refused(platform.service.send("POST", "/rest/v1/voices", json=rows)) == (400, "23514")
    assert a.rows("voices") == []


def test_upsert_merges_on_the_key(platform, a):
    row = platform.make("generations", user_id=a.id, text="one")
    headers = {"Prefer": "resolution=merge-duplicates,return=representation"}

    reply = platform.service.send(
        "POST", "/rest/v1/generations", json={"id": row["id"], "user_id": a.id, "text": "two"}, headers=headers
    )

    assert [found["text"] for found in reply.json()] == ["two"]
    assert len(a.rows("generations")) == 1


def test_upsert_ignores_on_another_key(platform, a):
    event = {"provider_event_id": a.id, "event_type": "x"}
    headers = {"Prefer": "resolution=ignore-duplicates,return=representation"}
    path = "/rest/v1/billing_events?on_conflict=provider_event_id"

    first = platform.service.send("POST", path, json=event, headers=headers)
    second = platform.service.send("POST", path, json={**event, "event_type": "y"}, headers=headers)

    assert (len(first.json()), second.json()) == (1, [])


def test_update_changes_the_filtered_rows(platform, a):
    platform.make("generations", user_id=a.id, text="one")
    platform.make("generations", user_id=a.id, text="two")

    reply = platform.service.send(
        "PATCH",
        f"/rest/v1/generations?user_id=eq.{a.id}&text=eq.two",
        json={"status": "failed", "provider_metadata": {"x": [1]}},
        headers={"Prefer": "return=representation,count=exact"},
    )

    assert (reply.status_code, len(reply.json()), reply.headers["content-range"]) == (200, 1, "*/1")
    assert reply.json()[0]["provider_metadata"] == {"x": [1]}
    assert a.rows("generations?text=eq.one&select=status") == [{"status": "pending"}]


def test_update_of_nothing_is_204(platform):
    reply = platform.service.send("PATCH", f"/rest/v1/voices?id=eq.{uuid4()}", json={"name": "x"})

    assert (reply.status_code, reply.content) == (204, b"")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_write_to_all_rows_at_once_is_refused(platform, method):
    reply = platform.service.send(method, "/rest/v1/voices", json={"name": "x"})

    assert refused(reply) == (400, "21000")


def test_write_that_must_touch_one_row_is_undone_when_it_does_not(platform, a):
    for _ in range(2):
        platform.make("generations", user_id=a.id, text="t")

    reply = platform.service.send(
        "PATCH", f"/rest/v1/generations?user_id=eq.{a.id}", json={"text": "x"}, headers={**BACK, "Accept": ONE}
    )

    assert refused(reply) == (406, "PGRST116")
    assert {row["text"] for row in a.rows("generations")} == {"t"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"unknown": 1}, 400, "PGRST204"),
        ({"user_id": "7f8dd1f1-3c3a-4a57-9f0e-0f6b1c2d3e4f"}, 409, "23503"),
        ({"user_id": "x"}, 400, "22P02"),
        ({"text": None}, 400, "23502"),
        ({"text": "a\u0000b"}, 400, "22P05"),
        ({"status": "done"}, 400, "23514"),
    ],
    ids=str,
)
def test_insert_is_refused_for(platform, a, change, status, code):
    reply = platform.service.send("POST", "/rest/v1/generations", json={"user_id": a.id, "text": "t", **change})

    assert refused(reply) == (status, code)


def test_duplicate_is_a_conflict(platform, a, b):
    handle = f"h{uuid4().hex[:8]}"
    platform.service.send("PATCH", f"/rest/v1/profiles?id=eq.{a.id}", json={"handle": handle})

    reply = platform.service.send("PATCH", f"/rest/v1/profiles?id=eq.{b.id}", json={"handle": handle})

    assert refused(reply) == (409, "23505")
    assert "profiles_handle_key" in reply.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"", b"[1]", b'"text"'])
def test_body_that_is_no_row_is_refused(platform, body):
    assert refused(platform.service.send("POST", "/rest/v1/voices", content=body)) == (400, "PGRST102")


def call(actor, name, **arguments):
    return actor.send("POST", f"/rest/v1/rpc/{name}", json=arguments)


def test_function_with_one_value_answers_it_bare(platform, a):
    task = platform.make("tasks", user_id=a.id, type="generate")
    count = "increment_task_modal_poll_count"

    assert call(platform.service, count, p_task_id=task["id"], p_user_id=a.id).json() == 1
    assert call(platform.service, count, p_task_id=task["id"], p_user_id=str(uuid4())).json() is None


def test_function_with_rows_answers_a_list(platform, a):
    reply = call(platform.service, "credit_usage_window_totals", p_user_id=a.id)

    assert reply.json() == [{"total_debited": 0, "total_credited": 0, "net_signed": 0}]


def test_rows_of_a_function_are_selected_and_made_single(platform, a):
    reply = platform.service.send(
        "POST",
        "/rest/v1/rpc/credit_usage_window_totals?select=net_signed",
        json={"p_user_id": a.id},
        headers={"Accept": ONE},
    )

    assert reply.json() == {"net_signed": 0}


def test_counting_does_not_call_a_function_twice(platform, a):
    event = {
        "p_user_id": a.id,
        "p_event_kind": "debit",
        "p_operation": "generate",
        "p_amount": 10,
        "p_reference_type": "task",
        "p_metadata": {"note": "x"},
    }

    platform.service.send("POST", "/rest/v1/rpc/credit_apply_event", json=event, headers={"Prefer": "count=exact"})

    assert a.rows("profiles?select=credits_remaining") == [{"credits_remaining": 90}]


@pytest.mark.parametrize("arguments", [{}, {"p_user": 1}, {"p_user_id": None, "p_more": 1}])
def test_function_with_other_argument_names_is_not_found(platform, a, arguments):
    for actor in (platform.anonymous, a, platform.service):
        assert refused(call(actor, "credit_usage_window_totals", **arguments)) == (404, "PGRST202")


def test_unknown_function_is_not_found_and_a_near_one_hinted_at(platform):
    reply = call(platform.service, "credit_aply_event")

    assert refused(reply) == (404, "PGRST202")
    assert "public.credit_apply_event" in reply.json()["hint"]


def test_function_that_only_reads_may_be_called_by_get(platform, a):
    reply = platform.service.send("GET", f"/rest/v1/rpc/credit_usage_window_totals?p_user_id={a.id}")

    assert reply.json()[0]["net_signed"] == 0


def test_function_that_writes_may_not_be_called_by_get(platform, a):
    task = platform.make("tasks", user_id=a.id, type="generate")
    query = f"p_task_id={task['id']}&p_user_id={a.id}"

    reply = platform.service.send("GET", f"/rest/v1/rpc/increment_task_modal_poll_count?{query}")

    assert refused(reply) == (405, "25006")


def test_error_of_a_function_is_told(platform):
    arguments = {"p_operation": "clone", "p_idempotency_key": "k", "p_user_id": None}

    assert refused(call(platform.service, "trial_restore", **arguments)) == (400, "22023")
