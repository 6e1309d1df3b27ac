"""What the run says of itself: paths and commands that a person can use as they stand."""

from __future__ import annotations

from tests.plugin.toy import GREEN, SYSTEM

CHATTY = SYSTEM.replace(
    "async def good(context): return 42",
    """async def good(context):
    context.note("the first note")
    context.note("the second note")
    return 42""",
)


def test_an_environment_is_named_by_the_path_that_one_types(project):
    ended = project.run()

    assert "environment: here (staging, environments/here.toml)" in ended.output


def test_a_mistake_in_an_environment_is_told_with_that_path(project):
    project.write("environments/here.toml", 'kind = "staging"\n[toy]\nulr = "http://127.0.0.1:9"\n')

    ended = project.run()

    assert ended.status == 4
    assert "ERROR: environments/here.toml: toy.ulr: unknown key; did you mean 'url'?" in ended.output


def test_the_recorded_command_line_names_the_environment_that_a_variable_gave(project):
    ended = project.run(env=None, ROLLOUT_ENV="here")

    assert ended.evidence["run"]["argv"][-1] == "--env=here"


def test_the_recorded_command_line_is_else_the_one_that_was_typed(project):
    ended = project.run()

    assert [word for word in ended.evidence["run"]["argv"] if word.startswith("--env")] == ["--env=here"]


def test_notes_follow_each_other_without_gaps_and_none_is_lost(project):
    project.write("packages/toy/__init__.py", CHATTY)

    ended = project.run()

    assert "\n  … the first note\n  … the second note\n" in ended.output


def test_a_mistake_in_the_catalogue_is_told_with_the_path_that_one_types(project):
    project.write("clauses/toy.toml", "system = 'toy'")

    ended = project.run()

    assert ended.status == 4
    assert "ERROR: clauses/toy.toml: there is no [[clause]] in it" in ended.output


def test_a_message_is_told_as_it_was_written(project):
    project.suite(GREEN.replace("assert good == 42", "assert good == 41, f'/a?b=c%20d: {good} %%'"))

    ended = project.run()

    assert ended.clause("TOY-A-01")["message"] == "/a?b=c%20d: 42 %%"
    assert "\n/a?b=c%20d: 42 %%\n" in ended.output
