"""The cases as pytest sees them: sorted, named by path, marked with clauses, and red where an answer differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.golden import parameters
from rollout_gates import golden
from tests.golden.making import NAMES, case_data, folder

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
import json, pathlib
from types import SimpleNamespace
import pytest
from rollout_gates import golden
from tests.golden.making import NAMES, answer

pytest_plugins = ["fixtures.golden"]
HERE = pathlib.Path(__file__).parent
ANSWERS = json.loads((HERE / "answers.json").read_text())
CASES = {case.id: case for case in golden.load(HERE / "g", "talk", names=NAMES)}


class Session:
    environment = SimpleNamespace(kind="local")
    cells = {"talk": SimpleNamespace(system="talk", name="", settings=SimpleNamespace(facts=lambda: {"mode": "fast"}))}
    golden = {"talk": CASES}
    options = SimpleNamespace(update_golden=(HERE / "update").exists())

    @staticmethod
    def record(kind, **fields):
        with (HERE / "notes.txt").open("a") as notes:
            notes.write(f"{kind} {fields['text']}\\n")


class Conductor:
    def observe(self, system, flow):
        case = CASES[flow.removeprefix("golden:")]
        if case.id not in ANSWERS:
            raise golden.NotReached(f"{case.title}: no flow got there")
        status, body = ANSWERS[case.id]
        return golden.Exchange(case, "fast", answer(body, status=status), {"cap": 600, "text:short": "hello"})


@pytest.fixture(scope="session")
def conductor():
    return Conductor()


@pytest.fixture(scope="session")
def rollout():
    return Session()


def pytest_configure(config):
    config.addinivalue_line("markers", "clause(id): clauses")
    config.pluginmanager.register(SimpleNamespace(session=Session()), "rollout-gates-suite")
"""
GOOD = [200, {"detail": "up to 600"}]


def run(tmp_path, files, answers, *options):
    """Run the shipped check module over *files*; returns the lines of the outcome and everything that was printed."""
    folder(tmp_path / "g", files)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    (tmp_path / "test_golden.py").write_text((ROOT / "suites/smoke/test_golden_payloads.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nempty_parameter_set_mark = fail_at_collect\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--strict-markers", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*command, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    short = [line for line in done.stdout.splitlines() if line.split(" ")[0] in ("PASSED", "FAILED", "ERROR")]
    return short, done.stdout


def test_a_case_that_fits_is_a_check_that_passes(tmp_path):
    outcome, _ = run(tmp_path, {"speak/a-case.json": case_data()}, {"talk/speak/a-case": GOOD})

    assert outcome == ["PASSED test_golden.py::test_golden_payload[talk/speak/a-case]"]


def test_a_case_that_differs_fails_with_a_message_that_stands_alone(tmp_path):
    outcome, printed = run(tmp_path, {"speak/a-case.json": case_data()}, {"talk/speak/a-case": [200, {"detail": "x"}]})

    assert outcome[0].startswith("FAILED test_golden.py::test_golden_payload[talk/speak/a-case]")
    assert "A short text is accepted [TTS-CON-04]" in printed
    assert 'json.detail: got "x", expected "up to 600"' in printed
    assert "exchange 42" in printed


def test_a_refusal_beside_a_refused_twin_fails(tmp_path):
    files = {
        "speak/a-case.json": case_data(title="The call is denied", twin="twin", expect={"any": {"status": 401}}),
        "speak/twin.json": case_data(title="The call gets through", expect={"any": {"status": [200, 401]}}),
    }
    answers = {"talk/speak/a-case": [401, {}], "talk/speak/twin": [401, {}]}
    assert [line.split(" ")[0] for line in run(tmp_path, files, answers)[0]] == ["PASSED", "PASSED"]

    files["speak/twin.json"]["expect"] = {"any": {"status": 200}}
    outcome, printed = run(tmp_path, files, answers)

    assert [line.split(" ")[0] for line in outcome] == ["FAILED", "FAILED"]
    assert "The call is denied: the answer proves nothing" in printed


@pytest.mark.parametrize(
    ("answers", "said"),
    [({}, "no flow got there"), ({"talk/speak/a-case": [502, {}]}, "the flow's answer has status 502, not 200")],
)
def test_a_step_without_its_answer_is_neither_green_nor_red(tmp_path, answers, said):
    files = {"speak/a-case.json": case_data(request=..., step="speech.submit")}

    outcome, printed = run(tmp_path, files, answers)

    assert outcome[0].startswith("ERROR")
    assert "CouldNotJudge" in printed
    assert said in printed


def test_a_mode_without_any_case_is_a_collection_error(tmp_path):
    files = {"speak/a-case.json": case_data(expect={"slow": {"status": 200}})}

    _, printed = run(tmp_path, files, {})

    assert "Interrupted: 1 error during collection" in printed


def test_update_golden_rewrites_and_notes_each_file(tmp_path):
    files = {"speak/a-case.json": case_data(), "speak/b-case.json": case_data(title="Another case that fits")}
    (tmp_path / "update").touch()

    run(tmp_path, files, {"talk/speak/a-case": [200, {"detail": "new"}], "talk/speak/b-case": GOOD})

    file = tmp_path / "g/talk/speak/a-case.json"
    assert (tmp_path / "notes.txt").read_text() == f"note --update-golden rewrote {file}\n"
    assert json.loads(file.read_text())["expect"]["any"]["json"] == {"detail": "new"}


def test_update_golden_is_a_usage_error_in_ci(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "smoke", "--env=local", "--update-golden", "--collect-only", "-q"],
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 4
    assert "--update-golden refuses to work in CI" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_parameters_are_sorted_marked_and_of_this_configuration(tmp_path):
    files = {
        "speak/b.json": case_data(clauses=["TTS-CAP-01", "TTS-CON-04"]),
        "speak/a.json": case_data(title="A case of this lane", applies={"lane": ["task"]}),
        "speak/c.json": case_data(title="A case of another mode", expect={"slow": {"status": 200}}),
        "speak/d.json": case_data(title="A case of another lane", applies={"lane": ["realtime"]}),
        "speak/e.json": case_data(title="A case of another kind", applies={"kind": ["prod"]}),
    }
    cases = golden.load(folder(tmp_path / "g", files), "talk", names=NAMES)
    talk = SimpleNamespace(facts=lambda: {"mode": "fast", "lane": "task"})
    session = SimpleNamespace(
        environment=SimpleNamespace(kind="local"),
        cells={"talk": SimpleNamespace(system="talk", name="", settings=talk)},
        golden={"talk": {case.id: case for case in reversed(cases)}},
    )

    found = parameters(session)

    assert [parameter.id for parameter in found] == ["talk/speak/a", "talk/speak/b"]
    assert [mark.args for parameter in found for mark in parameter.marks] == [
        ("TTS-CON-04",),
        ("TTS-CAP-01", "TTS-CON-04"),
    ]
    assert found[0].values[0].observes == ("talk", "golden:talk/speak/a")
