"""Environment files: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from rollout_gates.environment import Overlay, Secret, Secrets, SystemSettings, load_environment, read_environment
from rollout_gates.errors import EnvironmentFileError


class ToySecrets(Secrets):
    token: str | None = None


class Toy(SystemSettings):
    key: ClassVar[str] = "toy"
    url: str
    retries: int = 2
    secrets: ToySecrets = ToySecrets()


CLASSES = {"toy": Toy}
GOOD = 'kind = "staging"\n[toy]\nurl = "http://127.0.0.1:1"\n'


def write(folder: Path, text: str, name: str = "here") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str, **variables: str) -> str:
    path = write(folder, text)
    with pytest.raises(EnvironmentFileError) as caught:
        load_environment(str(path), classes=CLASSES, variables=variables)
    return str(caught.value)


def test_a_good_file_is_read(tmp_path):
    write(tmp_path, GOOD)

    environment = load_environment("here", classes=CLASSES, folder=tmp_path, variables={})

    assert (environment.name, environment.kind) == ("here", "staging")
    assert environment.systems["toy"].url == "http://127.0.0.1:1"
    assert environment.limits.billable_calls == 6
    assert len(environment.digest) == 64


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("url", "ulr"), "toy.ulr: unknown key; did you mean 'url'?"),
        (GOOD.replace('url = "http://127.0.0.1:1"', ""), "toy.url: required key is missing"),
        (GOOD + "retries = 'many'\n", "toy.retries: input should be a valid integer"),
        (GOOD.replace("kind", "kindd"), "kindd: unknown key; did you mean 'kind'?"),
        (GOOD.replace("[toy]", "[tyo]"), "tyo: unknown key; did you mean 'toy'?"),
        (GOOD.replace("staging", "stagging"), "kind: input should be 'local', 'staging' or 'prod', got 'stagging'"),
        ('kind = "staging"\n', "no system is configured; add one of the tables [toy]"),
        ("kind = ", "not valid TOML"),
        (GOOD + "[limits]\nbillable_call = 3\n", "limits.billable_call: unknown key; did you mean 'billable_calls'?"),
        (GOOD + "[limits]\ntimeout_s = 0\n", "limits.timeout_s: input should be greater than 0"),
        ("sandbox = true\n" + GOOD, "sandbox: only an environment of kind 'local'"),
        (GOOD + '[[waivers]]\nclause = "X"\nreason = "r"\nowner = "o"\nexpires = "soon"\n', "waivers[0].expires"),
        (
            GOOD + '[[waivers]]\nclause = "X"\nreason = "r"\nexpires = 2027-01-01\n',
            "waivers[0].owner: required key is missing",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_line_with_file_and_key(tmp_path, text, says):
    line = refusal(tmp_path, text)

    assert line.startswith(f"{tmp_path}/here.toml: ")
    assert says in line
    assert "\n" not in line


def test_a_named_variable_that_is_not_set_is_refused(tmp_path):
    line = refusal(tmp_path, GOOD + '[toy.secrets]\ntoken = "TOY_TOKEN"\n')

    assert "toy.secrets.token: the environment variable TOY_TOKEN is not set" in line


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path):
    line = refusal(tmp_path, GOOD + '[toy.secrets]\ntoken = "eyJhbGciOi.secret"\n')

    assert "token must be the name of an environment variable" in line
    assert "eyJhbGciOi" not in line


def test_a_secret_never_shows_itself(tmp_path):
    path = write(tmp_path, GOOD + '[toy.secrets]\ntoken = "TOY_TOKEN"\n')
    environment = load_environment(str(path), classes=CLASSES, variables={"TOY_TOKEN": "hush-hush"})

    secret = environment.systems["toy"].secret("token")

    assert isinstance(secret, Secret)
    assert secret.reveal() == "hush-hush"
    assert "hush-hush" not in f"{secret} {secret!r} {environment!r}"


def test_an_unknown_name_lists_the_choices(tmp_path):
    write(tmp_path, GOOD, "staging")
    write(tmp_path, GOOD, "prod")

    with pytest.raises(EnvironmentFileError, match="did you mean 'staging'"):
        load_environment("stagging", classes=CLASSES, folder=tmp_path, variables={})
    with pytest.raises(EnvironmentFileError, match="choose from: prod, staging"):
        load_environment("moon", classes=CLASSES, folder=tmp_path, variables={})


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(EnvironmentFileError, match=r"there is no file .*absent\.toml"):
        load_environment(str(tmp_path / "absent.toml"), classes=CLASSES, variables={})


def test_a_directory_is_no_environment(tmp_path):
    (tmp_path / "staging.toml").mkdir()

    for wanted in ("staging", str(tmp_path / "staging.toml")):
        with pytest.raises(EnvironmentFileError) as caught:
            load_environment(wanted, classes=CLASSES, folder=tmp_path, variables={})
        assert "staging" in str(caught.value)
    assert str(caught.value) == f"--env: {tmp_path}/staging.toml is a directory, not a TOML file"


def test_a_file_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    path = write(tmp_path, GOOD)

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(EnvironmentFileError) as caught:
        load_environment(str(path), classes=CLASSES, variables={})
    assert str(caught.value) == f"--env: {path} cannot be read: Permission denied"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"kind = ", bytes(range(256)), b"kind = 'local'\nkind = 'prod'\n"])
def test_what_is_no_toml_is_said_in_one_line(tmp_path, data):
    path = tmp_path / "odd.toml"
    path.write_bytes(data)

    with pytest.raises(EnvironmentFileError) as caught:
        load_environment(str(path), classes=CLASSES, variables={})
    assert str(caught.value).startswith(f"{path}: not valid TOML: ")
    assert len(str(caught.value).splitlines()) == 1


def test_a_mark_of_byte_order_does_no_harm(tmp_path):
    path = tmp_path / "marked.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    assert load_environment(str(path), classes=CLASSES, variables={}).kind == "staging"


def test_the_variable_that_named_an_environment_is_blamed(tmp_path):
    with pytest.raises(EnvironmentFileError, match="^ROLLOUT_ENV: unknown environment 'moon'"):
        read_environment("moon", classes=CLASSES, folder=tmp_path, asked_by="ROLLOUT_ENV")


def test_a_stand_in_supplies_what_the_file_leaves_out(tmp_path):
    path = write(tmp_path, 'kind = "local"\nsandbox = true\n[toy]\nretries = 5\n')
    draft = read_environment(str(path), classes=CLASSES)
    overlay = Overlay({"toy": {"url": "http://127.0.0.1:2", "retries": 1, "secrets": {"token": "T0K"}}}, {"T0K": "v"})

    settings = draft.finish({}, overlay).systems["toy"]

    assert (settings.url, settings.retries) == ("http://127.0.0.1:2", 5)
    assert settings.secret("token").reveal() == "v"


def test_a_misspelt_key_is_refused_before_a_stand_in_is_started(tmp_path):
    path = write(tmp_path, 'kind = "local"\nsandbox = true\n[toy]\nretrys = 5\n')

    with pytest.raises(EnvironmentFileError, match="toy.retrys: unknown key; did you mean 'retries'"):
        read_environment(str(path), classes=CLASSES)
