"""What the linter says is advice, told with the file and the line; matters of taste are left out."""

from rollout_gates.migrations import linter
from rollout_gates.migrations.files import MigrationFile
from rollout_gates.migrations.model import Weight

FILE = MigrationFile("1_next.sql", "-- a note\nalter table public.things add column x text not null;\n")


def test_a_warning_becomes_advice_at_its_line() -> None:
    found = [each for each in linter.advice([FILE]) if "adding-required-field" in each.rule]

    assert [(each.file, each.line, each.weight) for each in found] == [("1_next.sql", 2, Weight.ADVICE)]
    assert "NOT NULL" in found[0].why


def test_taste_is_left_out() -> None:
    assert [each.rule for each in linter.advice([FILE]) if "prefer" in each.rule] == []


def test_without_the_program_there_is_no_advice(monkeypatch) -> None:
    monkeypatch.setattr(linter, "_program", lambda: None)

    assert linter.advice([FILE]) == ()


def test_a_program_that_says_nothing_of_use_gives_no_advice(monkeypatch) -> None:
    monkeypatch.setattr(linter, "_program", lambda: "/bin/true")

    assert linter.advice([FILE]) == ()
