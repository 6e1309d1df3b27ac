"""The [tts] table: what it takes, what it refuses in one line, what it says about itself."""

from __future__ import annotations

import pytest

from rollout_gates.environment import load_environment
from rollout_gates.errors import EnvironmentFileError
from rollout_gates.systems import tts
from rollout_gates.systems.tts.settings import is_loopback
from tests.systems.tts.acting import settings_of

FILE = """
kind = "staging"
[tts]
api_url = "https://p.example/functions/v1/api/"
auth_url = "https://p.example/auth/v1"
data_url = "https://p.example/rest/v1"
storage_url = "https://p.example/storage/v1"
provider_mode = "qwen"
lane = "task"
text_cap = 600
vc_model = "vc"
vd_model = "vd"
[tts.secrets]
anon_key = "TTS_ANON_KEY"
"""


def load(tmp_path, text=FILE, **variables):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    held = {"TTS_ANON_KEY": "anon-key-value", **variables}
    return load_environment(str(path), classes={"tts": tts.Settings}, variables=held).systems["tts"]


def refused(tmp_path, old, new, **variables):
    assert old in FILE
    with pytest.raises(EnvironmentFileError) as problem:
        load(tmp_path, FILE.replace(old, new), **variables)
    return str(problem.value)


def test_a_complete_table_is_taken(tmp_path):
    settings = load(tmp_path)

    assert settings.api_url == "https://p.example/functions/v1/api"
    assert settings.facts() == {"mode": "qwen", "lane": "task"}
    assert settings.cap == 600
    assert settings.latency_budget_s == 120
    assert settings.rates() == ({"tier1_user": 20, "tier2_user": 90, "tier3_ip": 300}, 300)
    assert settings.target() == settings.api_url
    assert "anon-key-value" not in repr(settings)


@pytest.mark.parametrize("key", ["api_url", "auth_url", "data_url", "storage_url", "provider_mode", "lane"])
def test_a_missing_key_is_named_with_its_file(tmp_path, key):
    line = next(line for line in FILE.splitlines() if line.startswith(f"{key} "))
    message = refused(tmp_path, line, "")

    assert message.endswith(f"mine.toml: tts.{key}: required key is missing")


@pytest.mark.parametrize("key", ["text_cap", "vc_model", "vd_model"])
def test_what_qwen_needs_is_not_needed_with_modal(tmp_path, key):
    line = next(line for line in FILE.splitlines() if line.startswith(f"{key} "))

    assert f"tts.{key}: required key is missing with provider_mode = 'qwen'" in refused(tmp_path, line, "")
    assert load(tmp_path, FILE.replace(line, "").replace('"qwen"', '"modal"')).cap == 10_000


def test_a_misspelt_key_is_answered_with_the_right_one(tmp_path):
    assert "tts.txt_cap: unknown key; did you mean 'text_cap'?" in refused(tmp_path, "text_cap", "txt_cap")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://p.example/api", "must be https: plain http is allowed to this machine only"),
        ("p.example/api", "must be an absolute http(s) URL"),
        ("ftp://p.example/api", "must be an absolute http(s) URL"),
        ("https:///api", "must be an absolute http(s) URL"),
        ("https://me:pass@p.example/api", "without user, query, fragment or blanks"),
        ("https://p.example/api?key=1", "without user, query, fragment or blanks"),
        ("https://p.example/api?", "without user, query, fragment or blanks"),
        ("https://p.example/a pi", "without user, query, fragment or blanks"),
        ("https://p.example:99999/api", "must have a host and a port that can be connected to"),
        ("https://p.example:0/api", "must have a host and a port that can be connected to"),
        ("https://p..example/api", "must have a host and a port that can be connected to"),
        ("https://[::1/api", "invalid IPv6 URL"),
    ],
)
def test_a_url_that_cannot_be_a_base_is_refused(tmp_path, url, problem):
    assert problem in refused(tmp_path, "https://p.example/functions/v1/api/", url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "api.localhost"])
def test_this_machine_may_be_spoken_to_in_plain_http(tmp_path, host):
    url = f"http://[{host}]:54321/api" if ":" in host else f"http://{host}:54321/api"
    settings = load(tmp_path, FILE.replace("https://p.example/functions/v1/api/", url))

    assert is_loopback(host)
    assert settings.api_url == url


@pytest.mark.parametrize("host", ["p.example", "10.0.0.1", "localhost.example"])
def test_another_machine_is_another_machine(host):
    assert not is_loopback(host)


def test_a_template_that_was_not_filled_in_says_what_to_fill_in(tmp_path):
    with pytest.raises(EnvironmentFileError) as problem:
        load(tmp_path, FILE.replace("p.example", "PROJECT.supabase.co"))

    lines = str(problem.value).splitlines()
    assert all("PROJECT is a placeholder; put your project's own address there" in line for line in lines)
    assert [line.split(": ")[1] for line in lines] == ["tts.api_url", "tts.auth_url", "tts.data_url", "tts.storage_url"]


def test_prod_takes_no_service_role_and_no_control(tmp_path):
    more = '\nservice_role_key = "TTS_SERVICE_ROLE_KEY"\n[tts.control]\nflip = ["./flip", "{mode}"]\n'
    text = FILE.replace('"staging"', '"prod"') + more
    with pytest.raises(EnvironmentFileError) as problem:
        load(tmp_path, text, TTS_SERVICE_ROLE_KEY="x" * 20)

    assert "tts.secrets.service_role_key: never allowed in an environment of kind 'prod'" in str(problem.value)
    assert "tts.control: never allowed in an environment of kind 'prod'" in str(problem.value)


TWICE = {
    "token": 'user_a_token = "ONE"\nuser_b_token = "OTHER"\n',
    "email": 'user_a_email = "ONE"\nuser_a_password = "PASS_A"\nuser_b_email = "OTHER"\nuser_b_password = "PASS_B"\n',
}


@pytest.mark.parametrize("what", sorted(TWICE))
def test_the_same_user_twice_is_refused_and_not_shown(tmp_path, what):
    with pytest.raises(EnvironmentFileError) as problem:
        load(
            tmp_path,
            FILE + TWICE[what],
            ONE="somebody@p.example",
            OTHER="somebody@p.example",
            A="secret-a",
            B="secret-b",
        )

    assert f"tts.secrets.user_b_{what}: is the {what} of user_a" in str(problem.value)
    assert "somebody" not in str(problem.value)


def test_half_of_a_sign_in_is_refused(tmp_path):
    text = FILE + 'user_a_email = "TTS_USER_A_EMAIL"\n'
    with pytest.raises(EnvironmentFileError, match="user_a_email and user_a_password are needed together"):
        load(tmp_path, text, TTS_USER_A_EMAIL="a@p.example")


def test_a_clip_that_is_not_there_is_named(tmp_path):
    more = '[tts.reference]\naudio_file = "/no/such.wav"\ntranscript = "x"\n'

    assert "there is no file /no/such.wav" in refused(tmp_path, "[tts.secrets]", f"{more}[tts.secrets]")


def test_capabilities_are_what_the_file_allows(tmp_path, monkeypatch):
    monkeypatch.setattr("rollout_gates.systems.tts.settings.has_browser", lambda: True)
    assert {"sign_up", "service_role", "users"}.isdisjoint(load(tmp_path).capabilities())

    table = {"sign_up": True, "web_url": "https://w.example", "logs": {"file": "/tmp/log"}}
    urls = {f"{name}_url": f"https://p.example/{name}" for name in ("api", "auth", "data", "storage")}
    settings = settings_of({**urls, **table, "provider_mode": "modal", "lane": "task"}, service_role_key="k" * 20)
    assert settings.capabilities() >= {"sign_up", "users", "service_role", "web", "logs", "data_api", "storage"}


def test_pages_and_payments_need_all_that_they_are_judged_with(monkeypatch):
    monkeypatch.setattr("rollout_gates.systems.tts.settings.has_browser", lambda: False)
    urls = {f"{name}_url": f"https://p.example/{name}" for name in ("api", "auth", "data", "storage", "web")}
    table = {**urls, "provider_mode": "modal", "lane": "task"}

    assert settings_of(table).capabilities().isdisjoint({"web", "payment_webhook"})
    assert "payment_webhook" not in settings_of({**table, "stripe_price": "price_1"}).capabilities()
    both = settings_of({**table, "stripe_price": "price_1"}, stripe_webhook_secret="whsec_" + "k" * 20)
    assert "payment_webhook" in both.capabilities()


@pytest.mark.parametrize("logs", [{}, {"file": "x", "command": ["y"]}])
def test_logs_come_from_one_place(logs):
    urls = {f"{name}_url": f"https://p.example/{name}" for name in ("api", "auth", "data", "storage")}
    with pytest.raises(ValueError, match="exactly one of file and command"):
        settings_of({**urls, "provider_mode": "modal", "lane": "task", "logs": logs})


# --- origins, bundle and source tree


def added(tmp_path, line, kind="staging"):
    text = FILE.replace('lane = "task"', f'lane = "task"\n{line}').replace('"staging"', f'"{kind}"')
    return load(tmp_path, text)


def refusal(tmp_path, line, kind="staging"):
    with pytest.raises(EnvironmentFileError) as problem:
        added(tmp_path, line, kind)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_origins_bundle_and_tree_are_taken(tmp_path):
    line = f'expected_origins = ["https://App.example/", "http://localhost:5173"]\nsource_tree = "{tmp_path}"'
    settings = added(tmp_path, f'{line}\nweb_bundle = "https://app.example/"')

    assert settings.expected_origins == ("https://app.example", "http://localhost:5173")
    assert settings.web_bundle == "https://app.example"
    assert {"expected_origins", "web_bundle", "source_tree"} <= settings.capabilities()
    assert added(tmp_path, f'web_bundle = "{tmp_path}"').web_bundle == str(tmp_path)
    assert not {"expected_origins", "web_bundle", "source_tree"} & load(tmp_path).capabilities()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('expected_origins = ["app.example"]', "tts.expected_origins[0]: must be an origin such as"),
        ('expected_origins = ["https://app.example/path"]', "must be an origin"),
        ('expected_origins = ["https://user@app.example"]', "must be an origin"),
        ('expected_origins = ["https://app.example:99999"]', "must be an origin"),
        ("expected_origins = []", "tts.expected_origins: names no origin"),
        ('expected_origins = ["*", "https://app.example"]', "name it alone"),
        ('expected_origins = ["https://a.example", "https://a.example"]', "names an origin twice"),
        ('web_bundle = "no-such-directory"', "tts.web_bundle: must be an http(s) URL or the directory of a build"),
        ('web_bundle = "http://app.example"', "must be https"),
        ('web_bundle = "https://PROJECT.example"', "PROJECT is a placeholder"),
        ('source_tree = "no-such-directory"', "tts.source_tree: must be the directory of the repository"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, line, words):
    assert words in refusal(tmp_path, line)


@pytest.mark.parametrize("origin", ["*", "http://localhost:3000", "http://127.0.0.1:3000"])
def test_production_has_no_origin_of_a_developer(tmp_path, origin):
    told = f"tts.expected_origins: {origin} is never allowed in prod"

    assert told in refusal(tmp_path, f'expected_origins = ["{origin}"]', kind="prod")


def test_a_table_that_is_not_whole_yet_tells_what_it_can():
    table = {"provider_mode": "modal", "provider": {"region": "cn"}, "records": {"a.txt": "a"}, "logs": {"wrong": 1}}

    told = tts.Settings.provisional({**table, "text_cap": "many", "unheard_of": 1})

    assert (told.provider.region, told.provider_models.names, str(told.records["a.txt"])) == ("cn", (), "a")
    assert (told.logs, told.text_cap) == (None, "many")
    assert "provider_realtime" not in told.capabilities()


def test_the_moment_of_a_change_needs_a_time_zone(tmp_path):
    slo = "[tts.slo]\nmin_samples = 40\nsince = 2026-03-01T12:00:00{zone}\n[tts.secrets]"
    found = load(tmp_path, FILE.replace("[tts.secrets]", slo.format(zone="Z"))).slo

    assert (found.min_samples, found.since.timestamp()) == (40, 1_772_366_400)
    refused(tmp_path, "[tts.secrets]", slo.format(zone=""))
