from __future__ import annotations

from pathlib import Path

from rollout_gates.claims import claims_below, scan_claims, scan_payload

MODULE = '''
"""About SHOP-CART-09, which is prose."""
import no_such_package_anywhere
import pytest

pytestmark = pytest.mark.clause("SHOP-CART-01")

@pytest.mark.clause("SHOP-CART-02", "SHOP-SEC-AUTH-03")
def test_a_cart_keeps():
    """A cart keeps (SHOP-CART-08, R)."""

@pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.clause("SHOP-CART-04"))])
def test_more(case):  # SHOP-CART-07
    ...
'''


def written(tmp_path: Path, text: str, name: str = "test_cart.py") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_claims_are_read_from_marks_and_not_from_prose(tmp_path: Path) -> None:
    claims = scan_claims(written(tmp_path, MODULE))

    assert claims == {"SHOP-CART-01", "SHOP-CART-02", "SHOP-SEC-AUTH-03", "SHOP-CART-04"}


def test_a_module_that_does_not_parse_still_shows_its_claims(tmp_path: Path) -> None:
    claims = scan_claims(written(tmp_path, MODULE + "\ndef broken(:\n"))

    assert {"SHOP-CART-01", "SHOP-CART-02", "SHOP-SEC-AUTH-03", "SHOP-CART-04"} <= claims


def test_a_module_with_bytes_that_are_no_text_still_shows_its_claims(tmp_path: Path) -> None:
    path = tmp_path / "test_cart.py"
    path.write_bytes(b'\xff\xfe\x00 mark.clause("SHOP-CART-01")')

    assert scan_claims(path) == {"SHOP-CART-01"}


def test_a_module_without_claims_has_none(tmp_path: Path) -> None:
    assert scan_claims(written(tmp_path, 'SHA = "SHA-256"\nSTANDARD = "x-SHOP-CART-01"\n')) == set()


def test_the_claims_of_a_golden_payload_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, '{"clauses": ["SHOP-CART-01"], "made": "from SHOP-CART-02"}', "case.json")

    assert scan_payload(path) == {"SHOP-CART-01"}


def test_a_golden_payload_that_does_not_parse_still_shows_its_claims(tmp_path: Path) -> None:
    assert scan_payload(written(tmp_path, '{"clauses": ["SHOP-CART-01"', "case.json")) == {"SHOP-CART-01"}


def test_a_schema_beside_the_payloads_claims_nothing(tmp_path: Path) -> None:
    assert scan_payload(written(tmp_path, '{"clauses": {"type": "array"}}', "case.json")) == set()
    assert scan_payload(written(tmp_path, "[]", "list.json")) == set()


def test_each_claim_names_all_its_files(tmp_path: Path) -> None:
    module = written(tmp_path, MODULE, "suites/smoke/test_cart.py")
    case = written(tmp_path, '{"clauses": ["SHOP-CART-01"]}', "golden/shop/case.json")
    written(tmp_path, MODULE.replace("01", "06"), "suites/smoke/helper.py")

    claims = claims_below(tmp_path / "suites", tmp_path / "golden")

    assert claims["SHOP-CART-01"] == {module, case}
    assert claims["SHOP-CART-02"] == {module}
    assert "SHOP-CART-06" not in claims
