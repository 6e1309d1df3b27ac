from __future__ import annotations

import pytest

from tests.house import rules
from tests.house.files import ours

MODULES = ours("suites", "fixtures", "rollout_gates", "sandbox", suffix=".py") + [
    row for row in ours(suffix=".py") if row[0] == "conftest.py"
]


@pytest.mark.parametrize("rule", [rules.layers, rules.systems_apart, rules.pytest_in_the_plugin_only])
def test_every_module_knows_only_whom_it_may_know(rule) -> None:
    assert [problem for path, source in MODULES for problem in rule(path, source)] == []


def test_modules_of_every_layer_were_read() -> None:
    assert {path.split("/")[0] for path, _source in MODULES} >= {"fixtures", "rollout_gates", "sandbox", "conftest.py"}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("suites/smoke/test_a.py", "from sandbox.faults import Fault"),
        ("suites/smoke/test_a.py", "import tests.house.rules"),
        ("fixtures/database.py", "from suites.smoke import helper"),
        ("fixtures/database.py", "import sandbox"),
        ("rollout_gates/run.py", "import fixtures.shop"),
        ("rollout_gates/run.py", "from sandbox import faults"),
        ("rollout_gates/run.py", "importlib.import_module('sandbox.cli')"),
        ("rollout_gates/run.py", "if TYPE_CHECKING:\n    from tests.house import rules"),
        ("sandbox/shop/api.py", "from rollout_gates.errors import UsageProblem"),
        ("sandbox/shop/api.py", "def late():\n    import suites"),
        ("conftest.py", "from sandbox import clock"),
    ],
)
def test_an_import_across_the_layers_is_found(path: str, line: str) -> None:
    assert len(rules.layers(path, line)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("suites/smoke/test_a.py", "from fixtures.shop import check\nfrom rollout_gates.reasons import Reason"),
        ("fixtures/shop.py", "from rollout_gates import conductor\nfrom fixtures import observing"),
        ("rollout_gates/run.py", "from rollout_gates.errors import UsageProblem\nimport sandboxed_library"),
        ("sandbox/shop/api.py", "from sandbox.clock import Clock\nfrom . import settings"),
        ("tests/test_a.py", "import sandbox, suites, rollout_gates"),
    ],
)
def test_an_import_within_the_layers_is_no_problem(path: str, line: str) -> None:
    assert rules.layers(path, line) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("rollout_gates/systems/shop/client.py", "from rollout_gates.systems.barn import client"),
        ("rollout_gates/systems/shop/client.py", "from rollout_gates.systems import barn"),
        ("rollout_gates/systems/shop/client.py", "from .. import barn"),
        ("rollout_gates/run.py", "import rollout_gates.systems.shop"),
        ("rollout_gates/run.py", "import_module('rollout_gates.systems.shop')"),
    ],
)
def test_a_system_that_is_known_from_outside_is_found(path: str, line: str) -> None:
    assert len(rules.systems_apart(path, line)) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("rollout_gates/systems/shop/client.py", "from rollout_gates.systems.shop.settings import Settings"),
        ("rollout_gates/systems/shop/client.py", "from . import settings\nfrom .flows import sell"),
        ("rollout_gates/registry.py", "from rollout_gates import systems"),
    ],
)
def test_a_system_may_know_itself(path: str, line: str) -> None:
    assert rules.systems_apart(path, line) == []


@pytest.mark.parametrize("line", ["import pytest", "from _pytest.mark import Mark", "from pytest import fixture"])
def test_pytest_outside_of_the_plugin_is_found(line: str) -> None:
    assert len(rules.pytest_in_the_plugin_only("rollout_gates/run.py", line)) == 1
    assert rules.pytest_in_the_plugin_only("rollout_gates/plugin.py", line) == []
    assert rules.pytest_in_the_plugin_only("fixtures/shop.py", line) == []
