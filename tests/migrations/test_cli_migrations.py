"""The command judges a folder by its statements and ends with the status of what it found."""

import shutil

import pytest

from rollout_gates.cli import main
from tests.migrations.corpus import BASE, HERE


def project(folder, *names):
    shutil.copytree(BASE, folder, dirs_exist_ok=True)
    for number, name in enumerate(names):
        (folder / f"2027010{number}000000_next.sql").write_text((HERE / name).read_text())
    return ["migrations", str(folder), f"--base={max(BASE.glob('*.sql')).name}"]


def test_additions_end_with_0(tmp_path, capsys):
    assert main(project(tmp_path, "safe/additive_columns.sql")) == 0
    assert capsys.readouterr().out == "1 files, 6 deployed before them: 0 refused, 0 in doubt, 0 advised\n"


def test_what_is_refused_is_told_and_ends_with_1(tmp_path, capsys):
    assert main(project(tmp_path, "safe/comments.sql", "faulty/truncate.sql")) == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        "REFUSED  20270101000000_next.sql:2: it empties public.trial_consumption (truncate): "
        "TRUNCATE TABLE public.trial_consumption RESTART IDENTITY CASCADE"
    )


def test_what_cannot_be_read_ends_with_6(tmp_path, capsys):
    (tmp_path / "1_first.sql").write_text("alter tabel x;")

    assert main(["migrations", str(tmp_path)]) == 6
    assert "DOUBT    1_first.sql:1: it is no SQL that Postgres takes" in capsys.readouterr().out


def test_advice_is_shown_when_it_is_asked_for(tmp_path, capsys):
    (tmp_path / "1_first.sql").write_text("create index tasks_error on public.tasks (error);")

    assert main(["migrations", str(tmp_path), "--advice"]) == 0
    assert "ADVICE   1_first.sql:1: writes to public.tasks wait until it is built" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nowhere"], [str(BASE), "--base=9_other.sql"]])
def test_a_bad_folder_or_file_ends_with_4(arguments, capsys):
    assert main(["migrations", *arguments]) == 4
    assert capsys.readouterr().err.startswith("rollout-gates migrations: --migration")
