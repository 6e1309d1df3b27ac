from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rollout_gates import cli_clauses
from rollout_gates.catalogue import CatalogueError, load

CLAUSES = """
system = "shop"
title = "Shop move"
prefixes = ["SHOP"]
contract = "docs/contracts/shop.md"
[facts]
side = ["left", "right"]
[capabilities]
database = "a database is configured"

[[clause]]
id = "SHOP-CART-01"
title = "A cart keeps what was put into it, whoever else puts things into other carts at the same time"
gates = ["smoke", "mode-matrix"]
severity = "critical"
source = "R"

[[clause]]
id = "SHOP-CART-02"
title = "An empty cart cannot be paid"
gates = ["smoke"]
severity = "low"
source = "KR"
applies = { side = ["left"] }
kinds = ["local", "staging"]
needs = ["database"]
only_sandbox = true

[[clause]]
id = "SHOP-MIG-01"
title = "Every cart from before is still there"
gates = ["migration-invariants"]
severity = "high"
source = "D"
"""
CHECK = 'import pytest\n\n@pytest.mark.clause("SHOP-CART-01")\ndef test_a_cart_keeps(): ...\n'


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with three clauses, one check, one golden payload, as the current directory."""
    for name, text in (
        ("clauses/shop.toml", CLAUSES),
        ("suites/smoke/test_cart.py", CHECK),
        ("golden_payloads/shop/pay/empty.json", '{"clauses": ["SHOP-CART-02"]}'),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="rollout-gates")
    cli_clauses.add_parser(parser.add_subparsers())
    args = parser.parse_args(["clauses", *arguments])
    return args.run(args)


@pytest.mark.usefixtures("checkout")
class TestSearch:
    def test_a_pipe_gets_one_line_a_clause_with_tabs(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("cart", "paid") == 0

        line = "SHOP-CART-02\tlow\tKR\tsmoke\tAn empty cart cannot be paid\n"
        assert capsys.readouterr().out == line

    def test_filters_hold_together(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("--system", "shop", "--gate", "mode_matrix", "--severity", "critical") == 0

        assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["SHOP-CART-01"]

    def test_the_unclaimed_are_those_that_neither_check_nor_payload_names(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command("--unclaimed") == 0

        assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["SHOP-MIG-01"]

    def test_json_holds_everything_and_the_files_that_claim(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("--json", "cart") == 0

        rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
        assert rows["SHOP-CART-02"]["applies"] == {"side": ["left"]}
        assert rows["SHOP-CART-01"]["checks"] == ["suites/smoke/test_cart.py"]
        assert rows["SHOP-MIG-01"]["checks"] == []

    def test_one_id_shows_all_that_is_known(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("shop-cart-02") == 0

        shown = capsys.readouterr().out
        assert shown.startswith("SHOP-CART-02  An empty cart cannot be paid\n")
        assert "side left; kind local or staging; the sandbox" in shown
        assert "database: a database is configured" in shown
        assert "golden_payloads/shop/pay/empty.json" in shown

    def test_an_id_without_a_check_says_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command("SHOP-MIG-01") == 0

        assert "named by  no check yet" in capsys.readouterr().out


@pytest.mark.usefixtures("checkout")
class TestNothingFound:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["emtpy"], "no clause of 3 matches 'emtpy'; did you mean 'empty'?"),
            (["zzzz"], "no clause of 3 matches 'zzzz'; the word 'zzzz' occurs in none"),
            (["paid", "before"], "no clause of 3 matches 'paid before'; each word occurs, but not all in one clause"),
            (["SHOP-CART-92"], "no clause of 3 matches 'SHOP-CART-92'; did you mean 'shop-cart-02'?"),
            (["before", "--gate", "smoke"], "no clause matches 'before' among those with gate smoke; without that th"),
            (["--gate", "slo"], "no clause among those with gate slo: all 3 clauses are otherwise"),
            (["paid", "--unclaimed"], "no clause matches 'paid' among those with unclaimed; without that there are 1"),
        ],
    )
    def test_no_match_is_exit_1_and_a_line_that_helps(
        self, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
    ) -> None:
        assert command(*arguments) == 1

        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(said)
        assert captured.err.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--system", "shpo"], "--system: unknown system 'shpo'; did you mean 'shop'?"),
            (["--gate", "smoek"], "unknown gate 'smoek'; did you mean 'smoke'?"),
            (["--severity", "hihg"], "--severity: unknown severity 'hihg'; did you mean 'high'?"),
            (["--folder", "absent"], "absent: no clause file"),
        ],
    )
    def test_a_mistyped_option_is_told_with_the_nearest(self, arguments: list[str], said: str) -> None:
        with pytest.raises(CatalogueError) as refused:
            command(*arguments)

        assert str(refused.value).startswith(said)


def test_the_table_fits_80_columns_and_loses_no_word(checkout: Path) -> None:
    catalogue = load(checkout / "clauses")
    out = io.StringIO()

    cli_clauses._table(out, catalogue.clauses, 80)

    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 80
    assert lines[0] == "shop · smoke"
    assert lines[-1] == "3 clauses: 1 critical, 1 high, 1 low"
    words = set(out.getvalue().split())
    assert all(set(clause.title.split()) <= words for clause in catalogue.clauses)


def test_a_reader_that_stops_early_causes_no_traceback(checkout: Path) -> None:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(cli_clauses.__file__).parents[1])!r})\n"
        "from rollout_gates import cli\n"
        "cli._COMMANDS = ('clauses',)\n"
        "sys.stdin.readline()\n"
        "sys.exit(cli.main(['clauses']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=checkout,
    )
    process.stdout.close()
    process.stdin.write(b"go\n")
    process.stdin.close()

    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command("--help")

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "rollout-gates clauses refund cancel" in shown
    assert "Exit status: 0 found, 1 nothing matches" in shown
