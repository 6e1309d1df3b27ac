from __future__ import annotations

import pytest

from tests.house import rules
from tests.house.files import ours

SUITES = ours("suites", suffix=".py")
RULES = [
    rules.folders_are_gates,
    rules.no_way_out,
    rules.no_branches,
    rules.one_line_docstring,
    rules.has_a_clause,
]
GOOD = '''
import pytest

@pytest.mark.clause("SHOP-CART-01")
def test_a_cart_keeps(cart):
    """A cart keeps what was put into it (SHOP-CART-01)."""
    with cart.open() as opened:
        kept = [item for item in opened.items]

    assert kept == ["apple"]


@pytest.mark.clause("SHOP-CART-02")
class TestEmpty:
    @pytest.mark.parametrize("way", ["card", "cash"])
    async def test_an_empty_cart_cannot_be_paid(self, way):
        """An empty cart cannot be paid (SHOP-CART-02)."""
        assert way not in ()


@pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.clause("SHOP-CART-03"))])
def test_each_case(case):
    """Each case is answered as it says."""
    assert case == 1
'''


@pytest.mark.parametrize("rule", RULES)
def test_every_suite_keeps_the_rule(rule) -> None:
    assert [problem for path, source in SUITES for problem in rule(path, source)] == []


@pytest.mark.parametrize("rule", RULES)
def test_a_good_suite_breaks_no_rule(rule) -> None:
    assert rule("suites/smoke/test_cart.py", GOOD) == []


@pytest.mark.parametrize("folder", ["mode-matrix", "smokes", "helpers"])
def test_a_folder_that_is_no_gate_is_found(folder: str) -> None:
    assert len(rules.folders_are_gates(f"suites/{folder}/test_a.py")) == 1


@pytest.mark.parametrize("folder", ["mode_matrix", "smoke", "migration_invariants"])
def test_a_folder_named_by_its_gate_is_fine(folder: str) -> None:
    assert rules.folders_are_gates(f"suites/{folder}/test_a.py") == []


@pytest.mark.parametrize(
    "line",
    [
        "pytest.skip('no token')",
        "@pytest.mark.skipif(True, reason='')\ndef helper(): ...",
        "pytestmark = pytest.mark.xfail",
        "pytest.importorskip('yaml')",
        "from pytest import skip",
        "time.sleep(1)",
        "from asyncio import sleep",
        "async def wait():\n    await asyncio.sleep(1)",
        "assert True",
        "assert 'text'",
    ],
)
def test_a_way_out_is_found(line: str) -> None:
    assert len(rules.no_way_out("suites/smoke/test_a.py", line)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "if cart: assert cart",
        "assert (1 if cart else 2)",
        "for item in cart: assert item",
        "while cart: assert cart.pop()",
        "try:\n        assert cart\n    finally: pass",
        "match cart:\n        case _: assert cart",
        "return",
        "check = lambda: [1]\n    def inner():\n        return 1",
    ],
)
def test_a_branch_in_a_test_is_found(body: str) -> None:
    assert len(rules.no_branches("suites/smoke/test_a.py", f"def test_cart(cart):\n    {body}\n")) == 1


def test_a_branch_in_a_helper_is_fine() -> None:
    source = "def wanted(cart):\n    if cart:\n        return 1\n    return 2\n"

    assert rules.no_branches("suites/smoke/test_a.py", source) == []


@pytest.mark.parametrize("text", ["", '"""', "'''Two\n    lines.'''"])
def test_a_missing_or_long_docstring_is_found(text: str) -> None:
    text = "''''''" if text == '"""' else text
    source = f"def test_cart(cart):\n    {text}\n    assert cart\n"

    assert len(rules.one_line_docstring("suites/smoke/test_a.py", source)) == 1


def test_a_test_without_a_clause_is_found() -> None:
    source = "@pytest.mark.smoke\ndef test_cart(cart):\n    assert cart\nclass TestCart:\n    def test_b(self): ...\n"

    assert len(rules.has_a_clause("suites/smoke/test_a.py", source)) == 2


def test_a_clause_of_the_whole_module_counts_for_its_tests() -> None:
    source = "pytestmark = pytest.mark.clause('SHOP-CART-01')\ndef test_cart(cart):\n    assert cart\n"

    assert rules.has_a_clause("suites/smoke/test_a.py", source) == []


def test_a_golden_case_brings_its_own_clauses() -> None:
    source = "def test_golden_payload(golden_exchange):\n    assert golden_exchange\n"

    assert rules.has_a_clause("suites/smoke/test_a.py", source) == []
