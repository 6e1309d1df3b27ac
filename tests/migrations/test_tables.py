"""Two moments as a table: what is the same, what is not, and rows by group."""

from rollout_gates.migrations.snapshot import Snapshot, TableState
from rollout_gates.migrations.tables import regrouped, snapshot_table


def moment(rows: int, **hashes: str) -> Snapshot:
    state = TableState(rows, hashes, {"kind=a": rows - 1, "kind=b": 1})
    facts = {
        "column": {
            f"public.things.{name}": {
                "type": "text",
                "not_null": False,
                "default": None,
                "identity": "",
                "generated": "",
            }
            for name in hashes
        }
    }
    return Snapshot("2026-01-01T00:00:00Z", "1 db", "17", facts, {"public.things": state})


def lines(before: Snapshot, after: Snapshot) -> dict[str, tuple[str, bool | None]]:
    told = snapshot_table(before, after, title="t", note="n")
    return {line.name: (line.difference, line.good) for line in told.lines}


def test_the_same_is_good() -> None:
    found = lines(moment(3, name="1"), moment(3, name="1"))

    assert found["public.things: rows"] == ("none", True)
    assert found["public.things: content"] == ("none", True)


def test_what_differs_is_told_with_its_column() -> None:
    found = lines(moment(3, name="1", kind="7"), moment(2, name="2", kind="7"))

    assert found["public.things: rows"] == ("-1", False)
    assert found["public.things: content"] == ("name 1 -> 2", False)


def test_a_column_that_is_gone_is_no_good() -> None:
    found = lines(moment(3, name="1", kind="7"), moment(3, name="1"))

    assert found["public.things: content"] == ("kind 7 -> gone", False)
    assert found["column public.things.kind was lost"][1] is False


def test_additions_are_counted() -> None:
    assert lines(moment(3, name="1"), moment(3, name="1", more="2"))["additions to the catalogue"] == (
        "1 x column",
        None,
    )


def test_bars_stand_side_by_side() -> None:
    told = snapshot_table(moment(3, name="1"), moment(4, name="1"), title="t", note="n")

    assert [(bar.group, bar.before, bar.after) for bar in told.bars] == [
        ("things: kind=a", 2, 3),
        ("things: kind=b", 1, 1),
    ]


def test_a_column_that_is_new_takes_no_part_in_the_groups() -> None:
    assert regrouped({"kind=a, more=x": 2, "kind=a, more=y": 3, "kind=b, more=x": 1}, ["kind"]) == {
        "kind=a": 5,
        "kind=b": 1,
    }
