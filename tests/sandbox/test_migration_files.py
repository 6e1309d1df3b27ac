"""The migrations that the sandbox hands out: as they should be, or with the faults that lie in the files."""

from __future__ import annotations

import pytest

from sandbox.faults import Switches, load
from sandbox.tts.database.faults import statements
from sandbox.tts.database.published import FAULTS_OF_FILES, base_file, folder, written
from sandbox.tts.database.setup import BASE, HERE, NEWEST, migrations, version


def texts(*on: str, position: str = "fixed") -> dict[str, str]:
    switches = Switches(load("tts"), on, position=position)
    return {path.name: path.read_text() for path in sorted(folder(switches).glob("*.sql"))}


def test_without_a_fault_they_are_those_that_the_sandbox_runs():
    assert folder(Switches(load("tts"))) == HERE / "migrations"
    assert version(HERE / base_file()) == BASE


@pytest.mark.parametrize("fault", FAULTS_OF_FILES)
def test_a_fault_changes_the_newest_file_and_no_name(fault):
    healthy, faulty = texts(), texts(fault)

    assert list(faulty) == list(healthy)
    changed = {name.partition("_")[0] for name in healthy if faulty[name] != healthy[name]}
    assert NEWEST in changed
    assert changed <= {NEWEST, "20260201000000"}


def test_the_fault_that_leaves_things_out_marks_none_of_them_any_more():
    text = "".join(texts("F-69").values())

    assert "F-69 begins" not in text
    assert "create index idx_billing_events_ledger_id" not in text
    assert "tasks_provider_check" not in text


def test_the_reference_build_lacks_one_index_and_nothing_else():
    newest = next(path for path in migrations() if version(path) == NEWEST)

    assert written(newest, ("F-69",), reference=True) == newest.read_text()
    assert statements("F-69", on=True, reference=True).count("drop ") == 1
    assert statements("F-69", on=True).count("drop ") == 3
