from __future__ import annotations

from pathlib import Path

import pytest

from rollout_gates import clause as clause_module
from rollout_gates.catalogue import (
    Catalogue,
    CatalogueEmpty,
    CatalogueError,
    CatalogueInvalid,
    DuplicateClause,
    ForeignClause,
    UnknownClause,
    UnknownFact,
    applicability,
    find_folder,
    load,
)
from rollout_gates.errors import UsageProblem

HEAD = """
system = "shop"
title = "Shop move"
prefixes = ["SHOP"]
contract = "docs/contracts/shop.md"
[facts]
side = ["left", "right"]
[capabilities]
database = "a database is configured"
[standards.weights]
title = "Weights and measures"
entries = { W1 = "A pound is a pound" }
[[route]]
method = "GET"
path = "/carts/:id"
auth = "required"
tier = 2
applies = { side = ["left"] }
"""
TWICE = """
[[route]]
method = "GET"
path = "/carts/:id"
auth = "none"
"""
ROW = """
[[clause]]
id = "SHOP-CART-01"
title = "A cart keeps what was put into it"
gates = ["smoke", "mode-matrix"]
severity = "high"
source = "R"
"""


def folder_with(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def shop(tmp_path: Path, row: str = ROW, head: str = HEAD) -> Catalogue:
    return load(folder_with(tmp_path, shop=head + row))


def test_a_clause_is_read_with_its_system_and_home_gate(tmp_path: Path) -> None:
    clause = shop(tmp_path).clause("SHOP-CART-01")

    assert (clause.system, clause.home, clause.applies, clause.needs) == ("shop", "smoke", {}, ())


def test_a_reference_can_be_searched_for(tmp_path: Path) -> None:
    row = ROW.replace('source = "R"', 'source = "R"\nreferences = ["W1"]')

    assert [found.id for found in shop(tmp_path, row).search("w1")] == ["SHOP-CART-01"]


def test_a_route_is_there_only_where_it_applies(tmp_path: Path) -> None:
    [route] = shop(tmp_path).systems["shop"].route

    assert (route.name, route.auth, route.tier) == ("GET /carts/:id", "required", 2)
    assert route.applies_to({"side": "left"})
    assert not route.applies_to({"side": "right"})


def test_a_clause_cannot_be_changed(tmp_path: Path) -> None:
    clause = shop(tmp_path).clause("SHOP-CART-01")

    with pytest.raises(ValueError, match="frozen"):
        clause.title = "Something that is easier to hold"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('severity = "high"', 'severty = "high"', "SHOP-CART-01: severty: unknown key; did you mean 'severity'?"),
        ('severity = "high"', 'severity = "hihg"', "SHOP-CART-01: severity: input should be 'critical', 'high'"),
        ('source = "R"', 'source = "X"', "SHOP-CART-01: source: input should be 'R', 'D' or 'KR', got 'X'"),
        ('source = "R"', "", "SHOP-CART-01: source: required key is missing"),
        ('"mode-matrix"', '"mode-matrxi"', "SHOP-CART-01: gates: unknown gate 'mode-matrxi'; did you mean 'mode-matri"),
        ('"mode-matrix"', '"mode_matrix"', "SHOP-CART-01: gates: unknown gate 'mode_matrix'; did you mean 'mode-matri"),
        ('"mode-matrix"', '"smoke"', "SHOP-CART-01: gates: an entry stands twice"),
        ('gates = ["smoke", "mode-matrix"]', "gates = []", "SHOP-CART-01: gates: tuple should have at least 1 item"),
        ("into it", "into it.", "SHOP-CART-01: title: string should match pattern"),
        ('id = "SHOP-CART-01"', "", "clause 1: id: required key is missing"),
        ('id = "SHOP-CART-01"', 'id = "shop-cart-1"', "shop-cart-1: id: string should match pattern"),
        ('source = "R"', 'source = "R"\nsystem = "shop"', "SHOP-CART-01: system: unknown key; it stands once"),
        (
            'source = "R"',
            'source = "R"\nkinds = ["live"]',
            "SHOP-CART-01: kinds[0]: input should be 'local', 'staging'",
        ),
        ('source = "R"', 'source = "R"\nonly_sandbox = 1', "SHOP-CART-01: only_sandbox: input should be a valid bool"),
        (
            'source = "R"',
            'source = "R"\napplies = { sied = ["left"] }',
            "applies: unknown fact 'sied'; did you mean 's",
        ),
        (
            'source = "R"',
            'source = "R"\napplies = { side = ["leftt"] }',
            "applies.side: unknown value 'leftt'; did you",
        ),
        ('source = "R"', 'source = "R"\napplies = { side = [] }', "applies.side: tuple should have at least 1 item"),
        (
            'source = "R"',
            'source = "R"\nneeds = ["databse"]',
            "needs: unknown capability 'databse'; did you mean 'data",
        ),
        (
            'source = "R"',
            'source = "R"\nreferences = ["W2"]',
            "SHOP-CART-01: references: no standard has 'W2'; choose from: W1",
        ),
        ('source = "R"', 'source = "R"\nreferences = ["W1", "W1"]', "SHOP-CART-01: references: an entry stands twice"),
    ],
)
def test_a_mistake_in_a_clause_is_one_line_with_file_and_clause(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(CatalogueInvalid) as refused:
        shop(tmp_path, ROW.replace(old, new))

    message = str(refused.value)
    assert said in message
    assert message.startswith(f"{tmp_path / 'shop.toml'}: ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Shop move"', 'titel = "Shop move"', "titel: unknown key; did you mean 'title'?"),
        ("[facts]", 'colour = "red"\n[facts]', "colour: unknown key"),
        ('system = "shop"', 'system = "stall"', "system: expected 'shop' like the file's name, got 'stall'"),
        ('system = "shop"', "system = ", "not valid TOML"),
        ('prefixes = ["SHOP"]', "prefixes = []", "prefixes: tuple should have at least 1 item"),
        ("entries = {", "whole = 1\nentries = {", "standards.weights.whole: input should be a valid bool"),
        ('auth = "required"', 'auth = "yes"', "route[0].auth: input should be 'none', 'optional', 'required' or"),
        (
            'applies = { side = ["left"] }',
            'applies = { sied = ["left"] }',
            "route GET /carts/:id: applies: unknown fact",
        ),
        ('applies = { side = ["left"] }', TWICE, "route GET /carts/:id: stands twice"),
    ],
)
def test_a_mistake_in_the_head_of_a_file_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(CatalogueInvalid, match=r"^[^\n]*$") as refused:
        shop(tmp_path, head=HEAD.replace(old, new))

    assert said in str(refused.value)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueEmpty, match="no clause file"):
        load(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueEmpty, match="nothing to judge by"):
        load(tmp_path / "absent")


@pytest.mark.parametrize("row", ["", "clause = []"])
def test_a_file_without_clauses_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(CatalogueEmpty, match="no \\[\\[clause\\]\\]"):
        load(folder_with(tmp_path, shop=row + HEAD))


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DuplicateClause, match="SHOP-CART-01: this ID stands twice"):
        shop(tmp_path, ROW + ROW)


def test_an_id_of_another_system_is_refused_and_its_file_named(tmp_path: Path) -> None:
    barn = (HEAD + ROW).replace("shop", "barn").replace("SHOP", "BARN")
    stray = HEAD + ROW.replace("SHOP", "BARN")

    with pytest.raises(ForeignClause, match=r"BARN-CART-01: the ID does not begin with SHOP- and belongs into .*barn"):
        load(folder_with(tmp_path, barn=barn, shop=stray))


def test_two_systems_cannot_share_a_prefix(tmp_path: Path) -> None:
    barn = (HEAD + ROW).replace('"shop"', '"barn"')

    with pytest.raises(CatalogueInvalid, match=r"shop.toml: prefixes: 'SHOP' is already taken by .*barn.toml"):
        load(folder_with(tmp_path, barn=barn, shop=HEAD + ROW))


def test_every_mistake_is_a_usage_problem() -> None:
    classes = [value for value in vars(clause_module).values() if isinstance(value, type)]
    errors = [value for value in classes if issubclass(value, CatalogueError)]

    assert len(errors) == 7
    assert all(issubclass(error, UsageProblem) for error in errors)


def test_an_unknown_id_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownClause, match=r"unknown clause .SHOP-CRAT-01.; did you mean .SHOP-CART-01.\?$"):
        shop(tmp_path).clause("SHOP-CRAT-01")


def test_an_id_is_found_in_any_letter_case(tmp_path: Path) -> None:
    assert shop(tmp_path).clause(" shop-cart-01 ").id == "SHOP-CART-01"


def test_a_claim_without_a_clause_is_told_with_the_nearest(tmp_path: Path) -> None:
    told = shop(tmp_path).claims_without_clause(["SHOP-CART-01", "SHOP-CART-02", "ZZZ"])

    assert told[0] == "unknown clause 'SHOP-CART-02'; did you mean 'SHOP-CART-01'?"
    assert told[1] == "unknown clause 'ZZZ'; `rollout-gates clauses TEXT` searches the catalogue"


def test_a_clause_without_a_check_is_found(tmp_path: Path) -> None:
    catalogue = shop(tmp_path, ROW + ROW.replace("-01", "-02"))

    assert [clause.id for clause in catalogue.clauses_without_check(["SHOP-CART-02"])] == ["SHOP-CART-01"]


@pytest.mark.parametrize("gate", ["mode-matrix", "mode_matrix"])
def test_a_gate_selects_its_clauses_in_both_spellings(tmp_path: Path, gate: str) -> None:
    catalogue = shop(tmp_path, ROW + ROW.replace("-01", "-02").replace(', "mode-matrix"', ""))

    assert [clause.id for clause in catalogue.for_gates([gate])] == ["SHOP-CART-01"]


def test_a_mistyped_gate_selects_nothing_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"unknown gate .smoek.; did you mean .smoke.\?$"):
        shop(tmp_path).for_gates(["smoke", "smoek"])


def test_a_search_wants_every_word(tmp_path: Path) -> None:
    catalogue = shop(tmp_path)

    assert [clause.id for clause in catalogue.search("CART keeps")] == ["SHOP-CART-01"]
    assert catalogue.search("cart loses") == ()


LEFT = ROW + 'applies = { side = ["left"] }\nkinds = ["local", "staging"]\n'


@pytest.mark.parametrize(
    ("side", "kind", "why"),
    [
        ("left", "staging", None),
        ("right", "staging", "only where side is left, here it is right"),
        ("left", "prod", "only in an environment of kind local or staging, this one is prod"),
    ],
)
def test_configuration_decides_where_a_clause_applies(tmp_path: Path, side: str, kind: str, why: str | None) -> None:
    clause = shop(tmp_path, LEFT).clause("SHOP-CART-01")

    assert applicability(clause, {"side": side}, kind) == why


def test_what_only_stand_ins_show_applies_in_the_sandbox_only(tmp_path: Path) -> None:
    clause = shop(tmp_path, ROW + "only_sandbox = true\n").clause("SHOP-CART-01")
    why = "only where the providers are stand-ins, in the sandbox"

    assert applicability(clause, {}, "local") is None
    assert applicability(clause, {}, "local", sandbox=False) == why
    assert applicability(clause, {}, "staging") == why


def test_a_fact_that_the_system_does_not_tell_is_never_not_applicable(tmp_path: Path) -> None:
    clause = shop(tmp_path, LEFT).clause("SHOP-CART-01")

    with pytest.raises(UnknownFact, match="SHOP-CART-01: the environment does not tell the side of shop"):
        applicability(clause, {"sied": "left"}, "local")


@pytest.mark.parametrize("facts", [{}, {"side": "lefft"}])
def test_facts_that_no_clause_could_match_are_refused(tmp_path: Path, facts: dict[str, str]) -> None:
    with pytest.raises(UnknownFact, match=r"shop: side is .*, expected one of: left, right"):
        shop(tmp_path).check_facts("shop", facts)


def test_facts_that_the_catalogue_knows_are_taken(tmp_path: Path) -> None:
    shop(tmp_path).check_facts("shop", {"side": "right", "other": "anything"})


def test_what_a_clause_needs_and_does_not_get_is_listed(tmp_path: Path) -> None:
    clause = shop(tmp_path, ROW + 'needs = ["database"]\n').clause("SHOP-CART-01")

    assert clause.missing(["users"]) == ("database",)
    assert clause.missing(["users", "database"]) == ()


def test_the_folder_is_found_from_below(tmp_path: Path) -> None:
    (tmp_path / "clauses").mkdir()
    folder_with(tmp_path / "clauses", shop=HEAD + ROW)
    deep = tmp_path / "suites" / "smoke"
    deep.mkdir(parents=True)

    assert find_folder(deep) == tmp_path.resolve() / "clauses"
