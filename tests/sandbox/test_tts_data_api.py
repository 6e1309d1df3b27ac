"""The data API as a dialect, reading: filters, columns, order, paging, tokens, and how each mistake is told."""

from __future__ import annotations

import jwt
import psycopg
import pytest

ONE = "application/vnd.pgrst.object+json"


def refused(reply) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


def get(actor, query, **headers):
    return actor.send("GET", f"/rest/v1/{query}", headers=headers)


@pytest.fixture(scope="module")
def reader(platform):
    """A user with five voices, v0 to v4."""
    user = platform.user()
    rows = [
        {
            "user_id": user.id,
            "name": f"v{number}",
            "source": "designed" if number % 2 else "uploaded",
            "description": None if number else 'first, "quoted" (voice)',
            "provider_metadata": {"usage": {"count": number}, "tags": ["a", "b"]},
        }
        for number in range(5)
    ]
    assert platform.service.send("POST", "/rest/v1/voices", json=rows).status_code == 201
    return user


def names(actor, query) -> str:
    """The last letters of the names that a query finds, in order."""
    return "".join(row["name"][-1] for row in actor.rows(f"voices?order=name&{query}"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "01234"),
        ("name=eq.v1", "1"),
        ("name=neq.v1", "0234"),
        ("name=gt.v2", "34"),
        ("name=gte.v2", "234"),
        ("name=lt.v2", "01"),
        ("name=lte.v2", "012"),
        ("name=like.v*", "01234"),
        ("name=like.V*", ""),
        ("name=ilike.V*", "01234"),
        ("name=ilike.%253", "3"),
        ("name=match.^v[01]$", "01"),
        ("name=in.(v1,v3)", "13"),
        ('name=in.("v1","v,3")', "1"),
        ("name=in.()", ""),
        ("name=not.in.(v1,v3)", "024"),
        ("description=is.null", "1234"),
        ("description=not.is.null", "0"),
        ("description=is.not_null", "0"),
        ("name=not.eq.v1", "0234"),
        ("name=gte.v1&name=lt.v3", "12"),
        ("or=(name.eq.v0,name.eq.v4)", "04"),
        ("or=(name.eq.v0,and(name.gt.v2,source.eq.designed))", "03"),
        ("and=(name.gt.v0,or(name.eq.v1,name.eq.v2))", "12"),
        ("not.or=(name.eq.v0,name.eq.v4)", "123"),
        ("or=(not.and(name.gt.v0,name.lt.v4),name.eq.v2)", "024"),
        ("or=(name.not.eq.v0,name.in.(v0,v1))", "01234"),
        ('or=(description.eq."first, \\"quoted\\" (voice)",name.eq.v4)', "04"),
        ('provider_metadata=cs.{"tags":["a"]}', "01234"),
        ('provider_metadata=cs.{"usage":{"count":2}}', "2"),
        ("provider_metadata->usage->>count=eq.3", "3"),
        ("provider_metadata->usage->count=gt.3", "4"),
        ("source=isdistinct.designed", "024"),
    ],
)
def test_filter_finds(reader, query, found):
    assert names(reader, query) == found


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        ("select=name", {"name": "v1"}),
        ("select=label:name,source", {"label": "v1", "source": "designed"}),
        ("select=provider_metadata->usage->>count", {"count": "1"}),
        ("select=n:provider_metadata->usage->count", {"n": 1}),
        ("select=n:provider_metadata->usage->>count::int", {"n": 1}),
        ("select=name::text", {"name": "v1"}),
    ],
)
def test_select_shows(reader, query, shape):
    assert reader.rows(f"voices?name=eq.v1&{query}") == [shape]


def test_star_shows_every_column_in_order(reader):
    row = reader.rows("voices?name=eq.v1&select=*")[0]

    assert list(row)[:4] == ["id", "user_id", "name", "reference_object_key"]
    assert len(row) == 17


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("name.desc", "43210"),
        ("source.desc,name.asc", "02413"),
        ("description.asc.nullsfirst,name.desc", "43210"),
        ("description.desc.nullslast,name", "01234"),
    ],
)
def test_order_is_kept(reader, order, found):
    assert "".join(row["name"][-1] for row in reader.rows(f"voices?order={order}")) == found


@pytest.mark.parametrize(
    ("query", "headers", "status", "content_range"),
    [
        ("voices", {}, 200, "0-4/*"),
        ("voices", {"Prefer": "count=exact"}, 200, "0-4/5"),
        ("voices?limit=2&offset=1", {}, 200, "1-2/*"),
        ("voices?limit=2&offset=1", {"Prefer": "count=exact"}, 206, "1-2/5"),
        ("voices", {"Range": "1-2", "Prefer": "count=exact"}, 206, "1-2/5"),
        ("voices", {"Range": "3-", "Range-Unit": "items"}, 200, "3-4/*"),
        ("voices?offset=5", {"Prefer": "count=exact"}, 206, "*/5"),
        ("voices?offset=6", {}, 200, "*/*"),
        ("voices?name=eq.none", {"Prefer": "count=exact"}, 200, "*/0"),
    ],
)
def test_part_of_the_rows_is_named(reader, query, headers, status, content_range):
    reply = get(reader, query, **headers)

    assert (reply.status_code, reply.headers["content-range"]) == (status, content_range)


def test_offset_beyond_the_total_is_out_of_range(reader):
    reply = get(reader, "voices?offset=6", Prefer="count=exact")

    assert refused(reply) == (416, "PGRST103")
    assert reply.json()["details"] == "An offset of 6 was requested, but there are only 5 rows."


def test_range_that_ends_before_it_starts_is_out_of_range(reader):
    assert refused(get(reader, "voices", Range="3-1")) == (416, "PGRST103")


def test_answer_holds_a_thousand_rows_at_most(platform, a):
    rows = [{"user_id": a.id, "text": str(number)} for number in range(1001)]
    platform.service.send("POST", "/rest/v1/generations", json=rows)

    assert len(a.rows("generations?limit=5000")) == 1000
    assert get(a, "generations", Prefer="count=exact").headers["content-range"] == "0-999/1001"


def test_head_counts_without_rows(reader):
    reply = reader.send("HEAD", "/rest/v1/voices", headers={"Prefer": "count=exact"})

    assert (reply.headers["content-range"], reply.content) == ("0-4/5", b"")


def test_single_object_is_answered_bare(reader):
    reply = get(reader, "voices?name=eq.v1&select=name", Accept=ONE)

    assert reply.json() == {"name": "v1"}
    assert reply.headers["content-type"].startswith(ONE)


@pytest.mark.parametrize(("query", "count"), [("voices", 5), ("voices?name=eq.none", 0)])
def test_single_object_needs_one_row(reader, query, count):
    reply = get(reader, query, Accept=ONE)

    assert refused(reply) == (406, "PGRST116")
    assert reply.json()["details"] == f"The result contains {count} rows"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("nothing", 404, "PGRST205"),
        ("voices?unknown=eq.1", 400, "42703"),
        ("voices?select=unknown", 400, "42703"),
        ("voices?order=unknown", 400, "42703"),
        ("voices?id=eq.not-a-uuid", 400, "22P02"),
        ("voices?created_at=gt.yesterdayish", 400, "22007"),
        ("voices?name=eq.a%00b", 400, "22021"),
        ("voices?name=v1", 400, "PGRST100"),
        ("voices?name=near.v1", 400, "PGRST100"),
        ("voices?name=in.v1", 400, "PGRST100"),
        ("voices?name=is.maybe", 400, "PGRST100"),
        ("voices?or=name.eq.v1", 400, "PGRST100"),
        ("voices?or=(nameeq)", 400, "PGRST100"),
        ("voices?select=tasks(id)", 400, "PGRST200"),
        ("voices?select=name::regclass", 400, "PGRST100"),
        ("voices?name=eq.x';drop table voices;--", 200, None),
        ('voices?select=name";drop table voices;--', 400, "42703"),
    ],
)
def test_mistake_is_told(reader, query, status, code):
    reply = get(reader, query)

    assert (reply.status_code, reply.json()["code"] if code else None) == (status, code)
    assert code is None or set(reply.json()) == {"code", "message", "details", "hint"}


def test_near_table_is_hinted_at(reader):
    assert get(reader, "voice").json()["hint"] == "Perhaps you meant the table 'public.voices'"


def test_other_schema_is_refused(reader):
    assert refused(get(reader, "users", **{"Accept-Profile": "auth"})) == (406, "PGRST106")


def test_unknown_method_is_refused(reader):
    assert reader.send("PUT", "/rest/v1/voices", json={}).status_code == 405


def test_bad_token_is_401(platform, a):
    forged = jwt.encode({"sub": a.id, "role": "service_role"}, "another secret of thirty-two bytes")

    for token in ("garbage", forged):
        reply = get(platform.as_user(token), "voices")
        assert refused(reply) == (401, "PGRST301")
        assert "www-authenticate" in reply.headers


def test_expired_token_is_401(own_platform):
    user = own_platform.user()
    own_platform.clock.skip(3601)

    reply = get(user, "voices")

    assert (refused(reply), reply.json()["message"]) == ((401, "PGRST301"), "JWT expired")


def test_key_alone_makes_an_anonymous_caller(platform):
    assert platform.anonymous.rows("voices") == []


def test_call_without_a_key_is_401(platform, a):
    reply = platform.http.get("/rest/v1/voices", headers={"Authorization": f"Bearer {a.token}"})

    assert (reply.status_code, reply.json()["message"]) == (401, "No API key found in request")


def test_new_column_is_seen_without_a_restart(own_platform):
    user = own_platform.user()
    user.rows("voices?select=id")
    with psycopg.connect(own_platform.db.dsn) as connection:
        connection.execute("alter table voices add column later text")

    assert user.rows("voices?select=id&later=is.null") == []


def test_root_names_the_tables(platform):
    assert "/voices" in platform.service.send("GET", "/rest/v1/").json()["paths"]
