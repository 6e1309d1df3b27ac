"""What is wrong with an environment is told before anything is sent: status 4, one line each, and no secret."""

from __future__ import annotations

import pytest

from tests.hostile import targets
from tests.hostile.gate import ROOT, check_discreet, environment_file, planted, run_gate

SECRET = "planted-by-mistake-5e1c7a"


def refused(tmp_path, change=lambda text: text, **variables):
    """Run with a changed environment file against a target that counts calls; return the lines, without the file."""
    calls = []

    async def counting(request):
        calls.append(request.path)
        raise AssertionError

    with targets.serving(targets.handled_by(counting)) as base:
        path = environment_file(tmp_path, base)
        path.write_text(change(path.read_text()))
        ended = run_gate(path, **(variables or planted()))

    assert ended.status == 4, ended.output
    assert calls == []
    assert not ended.folder.exists()
    assert "Traceback" not in ended.output
    assert SECRET not in ended.output
    assert all(secret not in ended.output for secret in ended.secrets)
    lines = [line.removeprefix("ERROR: ") for line in ended.output.splitlines() if line.strip()]
    return [line.removeprefix(f"{path}: ") for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("text_cap", "txt_cap", "tts.txt_cap: unknown key; did you mean 'text_cap'?"),
        ("[tts.secrets]", "[tts.secret]", "tts.secret: unknown key; did you mean 'secrets'?"),
        ("[limits]", "[limit]", "limit: unknown key; did you mean 'limits'?"),
        ('kind = "staging"', 'kind = "stagin"', "kind: input should be 'local', 'staging' or 'prod', got 'stagin'"),
        ('lane = "task"', 'lane = "tsk"', "tts.lane: input should be 'task' or 'realtime', got 'tsk'"),
        ("text_cap = 600", 'text_cap = "six hundred"', "tts.text_cap: input should be a valid integer"),
        ("timeout_s = 2", "timeout_s = 0", "limits.timeout_s: input should be greater than 0, got 0"),
        ("http://127.0.0.1", "http://staging.example", "tts.api_url: must be https"),
        ("http://127.0.0.1", "htp://127.0.0.1", "tts.api_url: must be an absolute http(s) URL"),
        ("http://127.0.0.1", f"http://me:{SECRET}@127.0.0.1", "tts.api_url: must be a plain URL"),
        ('"TTS_ANON_KEY"', f'"{SECRET}"', "tts.secrets: anon_key must be the name of an environment variable"),
        ('kind = "staging"', 'kind = "staging"\nsandbox = true', "sandbox: only an environment of kind 'local'"),
        ("[limits]", "[limits]\nbillable_calls = -1", "limits.billable_calls: input should be greater than or equal"),
        ("[tts.secrets]", "[tts.secrets", "not valid TOML: "),
    ],
)
def test_a_mistake_in_the_file_names_key_and_expectation(tmp_path, old, new, says):
    lines = refused(tmp_path, lambda text: text.replace(old, new))

    assert lines[0].startswith(says)


def test_each_missing_variable_is_named(tmp_path):
    lines = refused(tmp_path, TTS_ANON_KEY="something-that-is-there")

    assert lines == [
        f"tts.secrets.{key}: the environment variable {name} is not set; export it or remove the key"
        for key, name in (("user_a_token", "TTS_USER_A_TOKEN"), ("user_b_token", "TTS_USER_B_TOKEN"))
    ]


def test_the_same_token_twice_is_refused(tmp_path):
    held = planted()

    lines = refused(tmp_path, **{**held, "TTS_USER_B_TOKEN": held["TTS_USER_A_TOKEN"]})

    assert lines == ["tts.secrets.user_b_token: is the token of user_a; isolation is judged between two users"]


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_a_template_names_all_that_has_to_be_filled_in(tmp_path, name):
    ended = run_gate(tmp_path / "unused.toml", f"--env={ROOT}/environments/{name}.toml", NOTHING="x" * 20)

    assert ended.status == 4
    assert ended.output.count("PROJECT is a placeholder; put your project's own address there") == 4
    assert ended.output.count("is not set; export it or remove the key") == 3
    assert len([line for line in ended.output.splitlines() if line.strip()]) == 7


def test_the_checks_for_secrets_would_find_one(tmp_path):
    with targets.serving(targets.answering(404, {"detail": "Not found"})) as base:
        ended = run_gate(environment_file(tmp_path, base))
    check_discreet(ended)
    (ended.folder / "transcripts" / "more.jsonl").write_text(f'{{"header": "{ended.secrets[0]}"}}')

    with pytest.raises(AssertionError, match=r"stands in \['more.jsonl'\]"):
        check_discreet(ended)
    assert b"[redacted:" in b"".join(path.read_bytes() for path in (ended.folder / "transcripts").iterdir())
