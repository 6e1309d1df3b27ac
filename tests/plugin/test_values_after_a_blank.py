"""Options whose value is a path may be written with a blank, or the person is told what to write."""

from __future__ import annotations

import pytest

from rollout_gates.command_line import joined


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--env", "x.toml", "-m", "smoke"], ["--env=x.toml", "-m", "smoke"]),
        (["-m", "smoke", "--evidence", "d", "--env=e"], ["-m", "smoke", "--evidence=d", "--env=e"]),
        (["--env", "--evidence", "d"], ["--env", "--evidence=d"]),
        (["-q", "--env"], ["-q", "--env"]),
        ([], []),
    ],
)
def test_values_are_tied_to_their_options(given, expected):
    assert joined(given) == expected


def test_a_name_and_a_new_folder_may_follow_a_blank(project):
    ended = project.run("--env", "here", "--evidence", str(project.folder / "new"), "-n", "2", env=None)

    assert ended.last_line.startswith("GO"), ended.output


@pytest.mark.parametrize("option", ["--env", "--evidence"])
def test_a_path_outside_of_the_project_is_told_in_one_line(project, tmp_path_factory, option):
    there = tmp_path_factory.mktemp("elsewhere")
    (there / "mine.toml").write_text("")
    value = str(there / "mine.toml" if option == "--env" else there)

    ended = project.run("-p", "rollout_gates.command_line", option, value, env=None)

    assert ended.status == 4
    assert f"ERROR: {option} {value}: write it with an equals sign: {option}={value}" in ended.output.splitlines()
