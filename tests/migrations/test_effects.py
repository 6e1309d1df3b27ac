"""What a difference of the catalogue means to those who use it."""

import pytest

from rollout_gates.migrations import effects
from rollout_gates.migrations.facts import differences

COLUMN = {"type": "text", "not_null": False, "default": None, "identity": "", "generated": ""}
TABLE = {"kind": "r", "row_security": True, "forced": False, "persistence": "p"}


def told(kind, before, after, name="public.things.part"):
    sides = [{kind: {name: facts}} if facts is not None else {kind: {}} for facts in (before, after)]
    return differences(*sides)


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("column", COLUMN, None),
        ("column", COLUMN, {**COLUMN, "type": "integer"}),
        ("trigger", {"definition": "x", "enabled": "O"}, {"definition": "x", "enabled": "D"}),
        (
            "index",
            {"definition": "CREATE UNIQUE INDEX i", "valid": True},
            {"definition": "CREATE INDEX i", "valid": True},
        ),
        ("type", {"kind": "e", "labels": ["a", "b"]}, {"kind": "e", "labels": ["a"]}),
        ("function", {"definition": "x", "definer": False, "settings": None}, None),
    ],
)
def test_a_loss_is_told(kind, before, after) -> None:
    assert len(effects.lost(told(kind, before, after))) == 1


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("column", None, COLUMN),
        ("type", {"kind": "e", "labels": ["a"]}, {"kind": "e", "labels": ["a", "b"]}),
        ("index", None, {"definition": "CREATE INDEX i", "valid": True}),
        (
            "function",
            {"definition": "x", "definer": True, "settings": ["search_path="]},
            {"definition": "y", "definer": True, "settings": ["search_path="]},
        ),
    ],
)
def test_an_addition_is_no_loss(kind, before, after) -> None:
    found = told(kind, before, after)

    assert (effects.lost(found), effects.opened(found)) == ([], [])


@pytest.mark.parametrize(
    ("kind", "before", "after", "name"),
    [
        ("table", TABLE, {**TABLE, "row_security": False}, "public.things"),
        ("policy", {"using": "true"}, None, "public.things.p"),
        ("policy", {"using": "a"}, {"using": "b"}, "public.things.p"),
        ("grant", {"rights": "SELECT"}, {"rights": "INSERT, SELECT"}, "public.things to anon"),
        ("default privilege", None, {"rights": "SELECT"}, "public r to anon"),
        (
            "function",
            {"definition": "x", "definer": False, "settings": None},
            {"definition": "y", "definer": True, "settings": None},
            "public.f()",
        ),
        (
            "view",
            {"definition": "x", "options": ["security_invoker=true"]},
            {"definition": "x", "options": None},
            "public.v",
        ),
    ],
)
def test_what_is_opened_is_told(kind, before, after, name) -> None:
    assert len(effects.opened(told(kind, before, after, name))) == 1


def test_a_right_of_the_service_opens_nothing() -> None:
    assert effects.opened(told("grant", {"rights": "SELECT"}, {"rights": "ALL"}, "public.things to service_role")) == []


def test_rights_on_what_is_new_are_its_own() -> None:
    found = told("grant", None, {"rights": "SELECT"}, "public.more to anon")

    assert effects.granted(found, ["public.things"]) == []
    assert effects.unlike(found, ["public.things"]) == []


def test_a_new_right_on_what_was_there_is_told() -> None:
    found = told("grant", None, {"rights": "SELECT"}, "public.things to anon")

    assert len(effects.granted(found, ["public.things"])) == len(effects.unlike(found, ["public.things"])) == 1


def test_what_is_seen_is_compared() -> None:
    before = {("anon", "t"): 0, ("anon", "u"): "42501", ("user", "t"): 3}
    after = {("anon", "t"): 2, ("anon", "u"): "42501", ("user", "t"): 1}

    assert effects.seen_more(before, after) == ["anon sees 2 rows of t, before 0"]
    assert effects.seen_less(before, after) == ["user is answered 1 for t, before 3"]
