"""`python -m sandbox`: what it says, what it refuses, how it starts and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path

import psycopg
import pytest

from sandbox.cli import main
from tests.sandbox.running import WAIT_S, Running, running, start

READY_KEYS = ["control_url", "faults", "instances", "position", "ready", "systems", "variables"]
SECRETS = [
    "DASHSCOPE_API_KEY",
    "TTS_ANON_KEY",
    "TTS_DATABASE_DSN",
    "TTS_SERVICE_ROLE_KEY",
    "TTS_USER_A_TOKEN",
    "TTS_USER_B_TOKEN",
]


def leave(*arguments: str) -> int:
    """Run the command line in this process; the exit status."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code


@pytest.fixture(scope="module")
def sandbox():
    settings = ("tts.rate_limits.tier1_user=1000", "tts.text_cap=100", "tts.vc_model=qwen3-tts-vc-2026-09-01")
    with running("--fault", "tts:F-51", *(f"--setting={setting}" for setting in settings)) as started:
        yield started


def test_ready_line_has_what_a_gate_needs(sandbox: Running):
    ready = sandbox.ready

    assert (sorted(ready), ready["ready"], ready["faults"]) == (READY_KEYS, True, ["tts:F-51"])
    assert sorted(ready["variables"]) == SECRETS
    assert ready["systems"]["tts"] == ready["instances"]["tts/qwen-task"]["settings"]


def test_no_secret_stands_in_the_systems_table(sandbox: Running):
    text = json.dumps(sandbox.ready["systems"])

    assert [name for name, value in sandbox.ready["variables"].items() if value in text] == []


def test_settings_are_deployed_and_told(sandbox: Running):
    table = sandbox.ready["systems"]["tts"]
    capabilities = sandbox.get("qwen-task", "/languages").json()["capabilities"]

    assert (table["text_cap"], table["vc_model"]) == (100, "qwen3-tts-vc-2026-09-01")
    assert table["rate_limits"] == {
        "tier1_user": 1000,
        "tier2_user": 90,
        "tier3_ip": 300,
        "tier1_ip": 120,
        "window_s": 300,
    }
    assert capabilities["max_text_chars"] == 100


def test_log_lines_are_written_to_a_file_and_told_where(tmp_path):
    file = tmp_path / "api.log"
    with running(f"--setting=tts.log_file={file}") as started:
        assert started.ready["systems"]["tts"]["logs"] == {"file": str(file)}
        started.get("qwen-task", "/languages")

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert "/api/languages" in [line["path"] for line in lines]


@pytest.mark.parametrize("user", ["A", "B"])
def test_both_users_are_signed_in(sandbox: Running, user):
    token = sandbox.ready["variables"][f"TTS_USER_{user}_TOKEN"]

    assert sandbox.get("qwen-task", "/me", token=token).json()["signed_in"] is True


def test_everything_listens_on_loopback_only(sandbox: Running):
    urls = [value for key, value in sandbox.ready["systems"]["tts"].items() if key.endswith("_url")]

    assert {url.split(":")[1] for url in [*urls, sandbox.ready["control_url"]]} == {"//127.0.0.1"}


def begun(*arguments: str) -> tuple[Running, Path]:
    """A started sandbox, and the data directory of its Postgres."""
    process = start("--json", *arguments)
    sandbox = Running(process, json.loads(process.stdout.readline()))
    with psycopg.connect(sandbox.ready["variables"]["TTS_DATABASE_DSN"]) as connection:
        (directory,) = connection.execute("show data_directory").fetchone()
    return sandbox, Path(directory)


def gone(sandbox: Running, directory: Path) -> bool:
    """Whether no port answers and no file is left."""
    port = int(sandbox.table("qwen-task")["api_url"].split(":")[2].split("/")[0])
    with socket.socket() as probe:
        listening = probe.connect_ex(("127.0.0.1", port)) == 0
    return not listening and not directory.exists() and not directory.parent.exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_a_signal_ends_it_quietly_and_leaves_nothing(number, status):
    sandbox, directory = begun()
    sandbox.http.close()
    sandbox.process.send_signal(number)
    said, complaints = sandbox.process.communicate(timeout=WAIT_S)

    assert (sandbox.process.returncode, said, complaints) == (status, "", "")
    assert gone(sandbox, directory)


def test_the_end_of_its_input_ends_it_and_leaves_nothing():
    sandbox, directory = begun("--until-eof")
    sandbox.http.close()
    _, complaints = sandbox.process.communicate(timeout=WAIT_S)

    assert (sandbox.process.returncode, complaints) == (0, "")
    assert gone(sandbox, directory)


def test_a_killed_sandbox_takes_its_database_along():
    sandbox, directory = begun()
    sandbox.http.close()
    sandbox.process.kill()
    sandbox.process.communicate(timeout=WAIT_S)

    assert Running.until(lambda: gone(sandbox, directory))


def test_a_request_in_flight_does_not_keep_it_from_ending():
    sandbox, directory = begun()
    sandbox.control("POST", "tts/qwen-task/hold", {"provider": "modal", "call": "design"})
    modal = sandbox.control("GET", "state").json()["systems"]["tts"]["qwen-task"]["providers"]["modal"]["url"]
    with socket.create_connection(("127.0.0.1", int(modal.rsplit(":", 1)[1]))) as waiting:
        waiting.sendall(b"POST /design HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        sandbox.until(lambda: sandbox.held("qwen-task", "modal"))
        sandbox.http.close()
        sandbox.process.terminate()
        _, complaints = sandbox.process.communicate(timeout=WAIT_S)

    assert (sandbox.process.returncode, complaints) == (0, "")
    assert gone(sandbox, directory)


@pytest.mark.parametrize("delay_s", [0.0, 0.3, 0.6])
def test_ctrl_c_while_it_starts_is_quiet_too(delay_s):
    process = start("--json")
    # There is nothing to wait for: the moments before it is ready are the point.
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=WAIT_S)

    assert process.returncode in {130, -signal.SIGINT}
    assert "sandbox: could not start" not in complaints


def test_page_for_people_has_urls_users_and_lines_to_try():
    process = start()
    page = [process.stdout.readline()]
    while "Ctrl-C" not in page[-1]:
        page.append(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WAIT_S)
    text = "".join(page)

    for expected in ("/functions/v1/api", "/auth/v1", "/rest/v1", "/storage/v1", "user-a@example.test", "curl $API/"):
        assert expected in text
    assert [line for line in page if len(line) > 81 and not line.startswith("export ")] == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--mode", "qwem"], "no such mode: qwem. Did you mean qwen?"),
        (["--lane", "tsk"], "no such lane: tsk. Did you mean task?"),
        (["--lane", "realtim"], "no such lane: realtim. Did you mean realtime?"),
        (["--system", "ttts"], "no such system: ttts. Did you mean tts?"),
        (["--fault", "tts:F-990"], "no such fault: tts:F-990. Did you mean tts:F-90?"),
        (["--fault", "tts:F-54"], "tts:F-54 shows only in lane realtime, not in task"),
        (["--fault", "tts:F-15", "--mode", "modal"], "tts:F-15 shows only in mode qwen, not in modal"),
        (["--position", "fixd"], "invalid choice: 'fixd'"),
        (["--setting", "text_cap=3"], "--setting is SYSTEM.KEY=VALUE"),
        (["--setting", "tts.textcap=3"], "no such setting: tts.textcap. Did you mean tts.text_cap?"),
        (["--setting", "tts.text_cap=many"], "tts.text_cap=many: expected a number, one or more"),
        (["--setting", "tts.modal_text_cap=5"], "tts.modal_text_cap=5: expected 10000"),
        (["--setting", "tts.providers.modal.job_s=-1"], "expected a number, zero or more"),
        (["--setting", "tts.log_file=/no/such/folder/api.log"], "there is no such folder"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(arguments, complaint, capsys):
    status = leave(*arguments)
    said, complaints = capsys.readouterr()

    assert (status, said, complaints.count("\n")) == (2, "", 1)
    assert complaint in complaints


def test_fault_table_fits_80_columns_and_ends_with_the_count(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status = leave("--list-faults")
    lines = capsys.readouterr().out.splitlines()

    assert status == 0
    assert [line for line in lines if len(line) > 80] == []
    assert len([line for line in lines if line.startswith("tts:F-")]) == 90
    assert len([line for line in lines if line.startswith("tts:P-")]) == 43
    assert len([line for line in lines if line.startswith("tts:K-")]) == 2
    assert any(line.startswith("135 faults, ") for line in lines)


def test_fault_table_can_be_searched(capsys):
    leave("--list-faults", "smoke-10")
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tts:F-")]

    assert [row.split()[0] for row in rows] == ["tts:F-78"]


def test_fault_table_is_there_for_programs_too(capsys):
    leave("--list-faults", "--json")
    rows = json.loads(capsys.readouterr().out)

    assert (len(rows), rows[0]["name"], rows[0]["red"][0]) == (135, "tts:F-01", "TTS-SMOKE-02")


def test_help_teaches_with_examples(capsys):
    status = leave("--help")

    assert status == 0
    assert "python -m sandbox --fault tts:F-51" in capsys.readouterr().out
