"""Rules on statements: what is no addition is found, what is one is let through, with or without what came before."""

from pathlib import Path

import pytest

from rollout_gates.errors import UsageProblem
from rollout_gates.migrations.files import MigrationFile, Migrations, read_migrations
from rollout_gates.migrations.judging import judge_files, refused
from rollout_gates.migrations.model import Weight
from tests.migrations.corpus import BASE, FAULTY, HERE, SAFE, deployed, expected

# What can only be told by who knows the tables that were there before.
NEED_THE_BASE = (
    "create table public.notes",
    "create table public.backup_voices",
    "alter column created_at set default",
    "alter column credits_remaining set default",
    "drop constraint tasks_status_check",
)


def judged(text: str, *, base: bool = True):
    before = deployed() if base else ()
    return judge_files(Migrations(before, (MigrationFile("20270101000000_next.sql", text),), split=base))


def parts(name: str) -> list[str]:
    return (HERE / name).read_text().strip().split("\n--\n")


def test_the_corpus_is_whole() -> None:
    assert (len(FAULTY), len(SAFE)) == (40, 20)


@pytest.mark.parametrize("base", [True, False], ids=["base", "alone"])
@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_a_faulty_migration_is_refused_for_its_fault(path: Path, base) -> None:
    found = refused(judged(path.read_text(), base=base))

    assert expected(path) in {each.hazard.name for each in found}


@pytest.mark.parametrize("base", [True, False], ids=["base", "alone"])
@pytest.mark.parametrize("path", SAFE, ids=lambda path: path.stem)
def test_a_safe_migration_is_let_through(path: Path, base) -> None:
    found = judged(path.read_text(), base=base)

    assert [str(each) for each in found if each.weight is not Weight.ADVICE] == []


@pytest.mark.parametrize("base", [True, False], ids=["base", "alone"])
@pytest.mark.parametrize("text", parts("more_faulty.sql"))
def test_more_faulty_statements_are_refused(text: str, base) -> None:
    if not base and any(known in text for known in NEED_THE_BASE):
        return
    assert refused(judged(text, base=base))


@pytest.mark.parametrize("base", [True, False], ids=["base", "alone"])
@pytest.mark.parametrize("text", parts("more_safe.sql"))
def test_more_safe_statements_are_let_through(text: str, base) -> None:
    assert [str(each) for each in refused(judged(text, base=base))] == []


def test_a_whole_project_that_only_adds_is_let_through() -> None:
    assert refused(judge_files(read_migrations(BASE))) == ()


@pytest.mark.parametrize(
    "text",
    [
        "do $$ declare q text; begin select 'x' into q; execute q; end $$;",
        "alter tabel public.voices add column x text;",
        "\\i other.sql",
        "do language plpython3u $$ plpy.execute('drop table x') $$;",
    ],
)
def test_what_cannot_be_read_is_in_doubt(text: str) -> None:
    assert {each.weight for each in judged(text)} == {Weight.DOUBT}


def test_a_finding_tells_where_it_is() -> None:
    (found,) = judged("-- a note\nselect 1;\n\ndrop table public.voices;\n")

    assert str(found) == (
        "20270101000000_next.sql:4: it drops the table public.voices (drop table): drop table public.voices"
    )


def test_what_the_body_of_a_function_says_is_not_done_yet() -> None:
    text = "create function private.wipe() returns void language sql as $$ delete from public.voices $$;"

    assert judged(text) == ()


class TestFolder:
    def test_files_run_in_the_order_of_their_versions(self, tmp_path: Path) -> None:
        for name in ("10_c.sql", "2_b.sql", "1_a.sql", "2_b.down.sql", "README.md"):
            (tmp_path / name).write_text("select 1;")

        assert [file.name for file in read_migrations(tmp_path).pending] == ["1_a.sql", "2_b.sql", "10_c.sql"]

    @pytest.mark.parametrize("base", ["2_b.sql", "2_b", "2", "supabase/migrations/2_b.sql"])
    def test_the_base_is_the_last_file_that_is_deployed(self, tmp_path: Path, base: str) -> None:
        for name in ("1_a.sql", "2_b.sql", "3_c.sql"):
            (tmp_path / name).write_text("select 1;")

        found = read_migrations(tmp_path, base)

        assert ([file.name for file in found.deployed], [file.name for file in found.pending]) == (
            ["1_a.sql", "2_b.sql"],
            ["3_c.sql"],
        )

    def test_an_unknown_base_is_refused_with_the_nearest(self, tmp_path: Path) -> None:
        (tmp_path / "1_first.sql").write_text("select 1;")

        with pytest.raises(UsageProblem, match="1_frst.sql is no file of the folder.*1_first.sql"):
            read_migrations(tmp_path, "1_frst.sql")

    def test_a_base_after_which_nothing_comes_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "1_first.sql").write_text("select 1;")

        with pytest.raises(UsageProblem, match="nothing is pending"):
            read_migrations(tmp_path, "1_first.sql")

    def test_files_can_come_after_a_whole_project(self, tmp_path: Path) -> None:
        (tmp_path / "9_next.sql").write_text("select 1;")
        found = read_migrations(tmp_path).after(read_migrations(BASE))

        assert (len(found.deployed), [file.name for file in found.pending], found.split) == (6, ["9_next.sql"], True)

    def test_an_empty_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageProblem, match="no \\*.sql files"):
            read_migrations(tmp_path)
