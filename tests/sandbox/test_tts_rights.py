"""Grants and row-level security through the data API: what anon, a user and another user may do with every table."""

from __future__ import annotations

import pytest

OPEN_TABLES = ("profiles", "voices", "generations", "tasks")
CLOSED_TABLES = ("trial_consumption", "billing_events", "rate_limit_counters")
TABLES = (*OPEN_TABLES, "credit_ledger", *CLOSED_TABLES)
OWN_TABLES = (*OPEN_TABLES, "credit_ledger")
FUNCTIONS = {
    "increment_task_modal_poll_count": ("p_task_id", "p_user_id"),
    "rate_limit_check_and_increment": (
        "p_actor_type",
        "p_actor_key",
        "p_tier",
        "p_limit",
        "p_window_seconds",
        "p_now",
    ),
    "credit_apply_event": (
        "p_user_id",
        "p_event_kind",
        "p_operation",
        "p_amount",
        "p_reference_type",
        "p_reference_id",
        "p_idempotency_key",
        "p_metadata",
    ),
    "credit_usage_window_totals": ("p_user_id", "p_since"),
    "trial_or_debit": (
        "p_user_id",
        "p_operation",
        "p_debit_amount",
        "p_reference_type",
        "p_reference_id",
        "p_idempotency_key",
        "p_metadata",
    ),
    "trial_restore": ("p_user_id", "p_operation", "p_idempotency_key", "p_metadata"),
}


def owner_column(table: str) -> str:
    return {"profiles": "id", "rate_limit_counters": "actor_key"}.get(table, "user_id")


def rows_for(platform, user) -> dict[str, dict]:
    """One row of *user* in each table."""
    ledger = platform.service.send(
        "POST",
        "/rest/v1/rpc/credit_apply_event",
        json={
            "p_user_id": user.id,
            "p_event_kind": "grant",
            "p_operation": "manual_adjustment",
            "p_amount": 1,
            "p_reference_type": "system",
        },
    )
    assert ledger.status_code == 200, ledger.text
    made = {
        "voices": {"name": "v", "source": "uploaded"},
        "generations": {"text": "t"},
        "tasks": {"type": "design_preview"},
        "trial_consumption": {"operation": "clone", "reference_type": "voice", "idempotency_key": "k"},
        "billing_events": {"provider_event_id": user.id, "event_type": "x"},
    }
    rows = {table: platform.make(table, user_id=user.id, **values) for table, values in made.items()}
    counter = {"actor_type": "user", "tier": "tier1", "window_seconds": 300, "window_start": "2026-02-26T00:00:00Z"}
    rows["rate_limit_counters"] = platform.make("rate_limit_counters", actor_key=user.id, **counter)
    rows["profiles"] = platform.service.rows(f"profiles?id=eq.{user.id}")[0]
    rows["credit_ledger"] = platform.service.rows(f"credit_ledger?user_id=eq.{user.id}")[0]
    return rows


@pytest.fixture(scope="module")
def owner(platform):
    return platform.user()


@pytest.fixture(scope="module")
def other(platform):
    return platform.user()


@pytest.fixture(scope="module")
def rows(platform, owner, other):
    """One row of the owner in each table, and one of the other user."""
    rows_for(platform, other)
    return rows_for(platform, owner)


def write(actor, method, table, row):
    """A write that would succeed with enough rights."""
    filters = f"?{owner_column(table)}=eq.{row[owner_column(table)]}"
    body = {name: value for name, value in row.items() if name != "id"} if method == "POST" else {}
    match method:
        case "POST":
            return actor.send("POST", f"/rest/v1/{table}", json=body)
        case "PATCH":
            return actor.send("PATCH", f"/rest/v1/{table}{filters}", json={"created_at": "2026-02-26T00:00:00Z"})
    return actor.send("DELETE", f"/rest/v1/{table}{filters}")


def refused(reply) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


@pytest.mark.parametrize("table", TABLES)
def test_service_role_reads_every_row_of(platform, rows, table):
    column = owner_column(table)

    assert platform.service.rows(f"{table}?{column}=eq.{rows[table][column]}") == [rows[table]]


@pytest.mark.parametrize("table", OPEN_TABLES)
def test_anon_reads_nothing_from(platform, rows, table):
    assert platform.anonymous.rows(table) == []


@pytest.mark.parametrize("table", ["credit_ledger", *CLOSED_TABLES])
def test_anon_is_refused_to_read(platform, rows, table):
    assert refused(platform.anonymous.send("GET", f"/rest/v1/{table}")) == (401, "42501")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("table", TABLES)
def test_anon_is_refused_to_write(platform, rows, table, method):
    assert refused(write(platform.anonymous, method, table, rows[table])) == (401, "42501")


@pytest.mark.parametrize("table", OWN_TABLES)
def test_user_reads_own_rows_only_from(owner, rows, table):
    assert owner.rows(table) == [rows[table]]


@pytest.mark.parametrize("table", OWN_TABLES)
def test_rows_of_another_user_are_invisible_in(owner, other, rows, table):
    column = owner_column(table)

    assert other.rows(f"{table}?{column}=eq.{owner.id}") == []


@pytest.mark.parametrize("table", CLOSED_TABLES)
def test_user_is_refused_to_read(owner, rows, table):
    assert refused(owner.send("GET", f"/rest/v1/{table}")) == (403, "42501")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("table", TABLES)
def test_user_is_refused_to_insert_and_update(owner, rows, table, method):
    assert refused(write(owner, method, table, rows[table])) == (403, "42501")


@pytest.mark.parametrize("table", ["tasks", "credit_ledger", *CLOSED_TABLES])
def test_user_is_refused_to_delete_from(owner, rows, table):
    assert refused(write(owner, "DELETE", table, rows[table])) == (403, "42501")


@pytest.mark.parametrize("table", ["voices", "generations"])
def test_user_deletes_own_rows_for_good(platform, a, table):
    row = platform.make(
        table, user_id=a.id, **({"name": "v", "source": "uploaded"} if table == "voices" else {"text": "t"})
    )

    reply = a.send("DELETE", f"/rest/v1/{table}?id=eq.{row['id']}", headers={"Prefer": "return=representation"})

    assert (reply.status_code, [gone["id"] for gone in reply.json()]) == (200, [row["id"]])
    assert platform.service.rows(f"{table}?id=eq.{row['id']}") == []


@pytest.mark.parametrize("table", ["voices", "generations", "profiles"])
def test_delete_of_foreign_rows_touches_none(platform, owner, other, rows, table):
    reply = write(other, "DELETE", table, rows[table])

    assert (reply.status_code, reply.content) == (204, b"")
    assert len(platform.service.rows(f"{table}?{owner_column(table)}=eq.{owner.id}")) == 1


def test_delete_of_the_own_profile_touches_none(owner, rows):
    reply = owner.send("DELETE", f"/rest/v1/profiles?id=eq.{owner.id}", headers={"Prefer": "return=representation"})

    assert (reply.status_code, reply.json()) == (200, [])


def test_profile_insert_is_stopped_by_row_level_security(owner, rows):
    reply = owner.send("POST", "/rest/v1/profiles", json={"id": owner.id, "credits_remaining": 10**6})

    assert refused(reply) == (403, "42501")
    assert "row-level security" in reply.json()["message"]


@pytest.mark.parametrize("column", ["credits_remaining", "subscription_tier", "clone_trials_remaining", "handle"])
def test_profile_is_not_writable_by_its_owner(owner, rows, column):
    value = "pro" if column in {"subscription_tier", "handle"} else 1

    reply = owner.send("PATCH", f"/rest/v1/profiles?id=eq.{owner.id}", json={column: value})

    assert refused(reply) == (403, "42501")
    assert owner.rows("profiles") == [rows["profiles"]]


def test_provider_columns_of_own_voices_are_readable(platform, owner, rows):
    assert owner.rows("voices?select=tts_provider,provider_metadata") == [
        {"tts_provider": "modal", "provider_metadata": {}}
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_is_open_to_anon_or_users(platform, owner, name):
    arguments = dict.fromkeys(FUNCTIONS[name])

    assert refused(platform.anonymous.send("POST", f"/rest/v1/rpc/{name}", json=arguments)) == (401, "42501")
    assert refused(owner.send("POST", f"/rest/v1/rpc/{name}", json=arguments)) == (403, "42501")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_service_role_may_call(platform, name):
    reply = platform.service.send("POST", f"/rest/v1/rpc/{name}", json=dict.fromkeys(FUNCTIONS[name]))

    assert reply.status_code == 200 or reply.json()["code"] == "22023", reply.text


@pytest.mark.parametrize("name", ["handle_new_user", "set_updated_at"])
def test_trigger_functions_are_not_exposed(platform, name):
    assert platform.service.send("POST", f"/rest/v1/rpc/{name}", json={}).status_code == 404


@pytest.mark.parametrize("table", ["users", "refresh_tokens", "objects", "object_bytes", "schema_migrations"])
def test_other_schemas_are_out_of_reach(platform, table):
    assert refused(platform.service.send("GET", f"/rest/v1/{table}")) == (404, "PGRST205")


def test_fault_f70_lets_strangers_read_and_write(own_platform):
    user = own_platform.user()
    voice = own_platform.make("voices", user_id=user.id, name="v", source="uploaded")
    own_platform.faults._on = frozenset({"F-70"})
    stranger = own_platform.user()

    assert stranger.rows("voices?select=id") == [{"id": voice["id"]}]
    assert own_platform.anonymous.send("PATCH", f"/rest/v1/voices?id=eq.{voice['id']}", json={"name": "x"}).is_success


def test_fault_f74_lets_anon_call_the_poll_counter(own_platform):
    user = own_platform.user()
    task = own_platform.make("tasks", user_id=user.id, type="generate")
    own_platform.faults._on = frozenset({"F-74"})

    reply = own_platform.anonymous.send(
        "POST",
        "/rest/v1/rpc/increment_task_modal_poll_count",
        json={"p_task_id": task["id"], "p_user_id": user.id},
    )

    assert (reply.status_code, reply.json()) == (200, 1)


def test_fault_f75_lets_users_give_themselves_credits(own_platform):
    user = own_platform.user()
    own_platform.faults._on = frozenset({"F-75"})

    reply = user.send("PATCH", f"/rest/v1/profiles?id=eq.{user.id}", json={"credits_remaining": 10**6})

    assert reply.status_code == 204
    assert user.rows("profiles?select=credits_remaining") == [{"credits_remaining": 10**6}]


def test_switching_a_fault_off_closes_the_door_again(own_platform):
    user = own_platform.user()
    own_platform.faults._on = frozenset({"F-75"})
    user.rows("profiles")
    own_platform.faults._on = frozenset()

    assert refused(user.send("PATCH", f"/rest/v1/profiles?id=eq.{user.id}", json={"credits_remaining": 1})) == (
        403,
        "42501",
    )
