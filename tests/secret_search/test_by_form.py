"""Keys are known by their form; public ones, placeholders and the noise of a bundle are none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rollout_gates.evidence.redaction import Redactor
from rollout_gates.secret_search.dummies import looks_random
from rollout_gates.secret_search.searching import ANSWERS, BUILT, CODE, Searcher
from rollout_gates.secret_search.values import SecretValues
from tests.secret_search.planted import (
    BY_FORM,
    BY_LIBRARY,
    MORE,
    PUBLIC,
    SERVICE,
    USER,
    hexadecimal,
    noise,
    token,
    word,
)  # fmt: skip

SEARCHER = Searcher(SecretValues())
ALL = {**BY_FORM, **BY_LIBRARY}


def kinds(text, ways=BUILT, place="app.js"):
    return [each.kind for each in SEARCHER.search(text, place, ways)]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("around", ['const a="{}";', "A={}\n", "x:'{}',", "{}"])
def test_a_key_is_known_by_its_form(kind, around):
    assert kinds(around.format(ALL[kind])) == [kind]


@pytest.mark.parametrize("kind", ALL)
def test_a_key_is_found_in_the_middle_of_a_long_line(kind):
    text = f'{noise(3, 200)};var k="{ALL[kind]}";{noise(4, 200)}'
    (found,) = SEARCHER.search(text, "app.js", BUILT)

    assert found.kind == kind
    assert found.line in {1, 2}  # the second one of a private key is where the key itself begins
    assert ALL[kind] not in str(found)


@pytest.mark.parametrize("name", MORE)
def test_keys_of_tests_and_projects_count_too(name):
    assert len(kinds(f'key = "{MORE[name]}"')) == 1


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("ways", [BUILT, CODE, ANSWERS], ids=["bundle", "code", "answers"])
def test_what_is_public_or_no_key_is_none(name, ways):
    assert kinds(f'const a="{PUBLIC[name]}";', ways) == []


@pytest.mark.parametrize("seed", range(150))
def test_healthy_code_raises_no_alarm(seed):
    assert kinds(noise(seed)) == []


def test_an_answer_may_hold_the_token_of_a_user_and_no_key_of_the_service():
    assert kinds(f'{{"access_token":"{USER}"}}', ANSWERS) == []
    assert kinds(f'{{"debug":"{SERVICE}"}}', ANSWERS) == ["JWT of the service role"]


def test_the_published_keys_of_a_local_stack_are_no_secrets_in_code():
    demo = token("service_role", iss="supabase-demo")

    assert kinds(demo, CODE) == []
    assert kinds(demo, BUILT) == ["JWT of the service role"]


@pytest.mark.parametrize(
    "placeholder",
    [
        "sk-" + "x" * 32, "sk_live_your_secret_key_goes_here", "whsec_" + "0" * 32, "AKIAIOSFODNN7" + "EXAMPLE",
        "sb_secret_<your-key-here-please>", "sk_test_" + "1234567890" * 3, "ghp_" + "a" * 36,
        "postgresql://user:your-password@db.abc.supabase.co/postgres",
    ],
)  # fmt: skip
def test_placeholders_are_none(placeholder):
    assert kinds(f'key = "{placeholder}"', CODE) == []


def test_a_key_inside_an_embedded_image_is_chance():
    assert kinds(f"url(data:image/png;base64,{word(40)}LTAI{word(16)}{word(40)})") == []


@pytest.mark.parametrize(
    "line",
    [
        f'const apiKey = "{word(40, 9)}";', f"password: '{word(24, 8)}'", f'JWT_SECRET = "{hexadecimal(64, 5)}"',
        f'{{"client_secret": "{word(32, 6)}"}}',
    ],
)  # fmt: skip
def test_a_random_value_with_the_name_of_a_secret_is_found_in_code_alone(line):
    assert kinds(line, CODE) == ["random value with the name of a secret"]
    assert kinds(line, BUILT) == []


def test_files_for_other_programs_need_no_quotes():
    line = f"MISTRAL_API_KEY={word(32, 11)}"

    assert kinds(line, CODE, ".env.production") == ["random value with the name of a secret"]
    assert kinds(f"api_key: {word(32, 12)}", CODE, "deploy/values.yaml") == ["random value with the name of a secret"]
    assert kinds(line, CODE, "notes.ts") == []


@pytest.mark.parametrize(
    "line",
    [
        'const tokenKey = "sb-access-token-v2";', 'password: "Enter your password"', "const secret = process.env.SECRET_1;",
        "apiKey: import.meta.env.VITE_KEY", 'token = "3f2b8c1e-8d0a-4b57-9a6f-0c1d2e3f4a5b"', 'passwordRoute = "/auth/reset2/x"',
        'authUrl: "https://abc1.example.com/auth/v1"', 'privateKeyHeader = "X-Private-Key-Id-2"', 'secret: "${{ secrets.A1 }}"',
        'const API_KEY_NAME = "SUPABASE_SERVICE_ROLE_KEY2"', 'password = "correct horse battery staple 1"', 'key: "oauth2ClientSecretKey1"',
    ],
)  # fmt: skip
def test_names_texts_and_expressions_are_no_random_values(line):
    assert kinds(line, CODE) == []


@pytest.mark.parametrize("seed", range(40))
def test_random_values_look_random(seed):
    assert looks_random(f"{word(31, seed)}7")
    assert looks_random(hexadecimal(40, seed))


def test_the_library_is_loaded_when_it_is_needed():
    told = "import sys, rollout_gates.session; print('detect_secrets' in sys.modules, 'pathspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("kind", [kind for kind in BY_FORM if kind != "JWT that has not expired"])
def test_what_an_answer_must_not_hold_never_reaches_the_evidence(kind):
    redacted = Redactor().redact(f'{{"debug": "a {BY_FORM[kind]} b"}}')

    assert kinds(redacted, ANSWERS) == []
    assert "[redacted:" in redacted
