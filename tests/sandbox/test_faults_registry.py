"""The fault catalogue and its switches."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import faults
from sandbox.faults import FaultError, Switches, find, load
from sandbox.tts.database.faults import DATABASE_FAULTS
from sandbox.tts.database.published import FAULTS_OF_FILES

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "docs" / "contracts" / "qwen-tts.md"
CLAUSE = re.compile(r"TTS-[A-Z]+(-[A-Z]+)?-\d\d|DS-(RT|REST|PRE)-\d\d")
BUILT_FOR_SMOKE = {1, 2, 8, 9, 10, 11, 15, 18, 23, 29, 43, 51, 52, 53, 72, 76, 78}

REGISTRY = load("tts")
# Faults of the system, from its contract, and violations of its provider's protocol, from the sheet.
OF_CONTRACT = {key: fault for key, fault in REGISTRY.items() if key.startswith("F-")}
SHEET = ROOT / "docs" / "contracts" / "dashscope-protocol.md"
ADDITION = ROOT / "docs" / "contracts" / "provider-clauses.md"
UNBUILT = "F-51"
WITH_ONE_UNBUILT = {**REGISTRY, UNBUILT: replace(REGISTRY[UNBUILT], built=False)}


def contract_rows() -> dict[str, tuple[str, tuple[str, ...]]]:
    """ID, kind column and red clauses of section 8 of the contract."""
    rows = re.findall(r"^\| (F-\d\d) \| ([^|]+) \| .* \| ([^|]+) \|$", CONTRACT.read_text("utf-8"), re.MULTILINE)
    return {fault: (kind, tuple(f"TTS-{red.strip()}" for red in reds.split(","))) for fault, kind, reds in rows}


def test_ids_run_without_a_gap():
    faults, violations = [f"F-{number:02d}" for number in range(1, 91)], [f"P-{number:02d}" for number in range(1, 44)]
    known = ["K-01", "K-02"]

    assert list(REGISTRY) == faults + violations + known


def test_every_violation_of_the_sheet_has_a_switch():
    listed = re.findall(r"^- P(\d+)\*? ", SHEET.read_text("utf-8"), re.MULTILINE)

    of_sheet = [key for key in REGISTRY if key.startswith("P-") and int(key[2:]) <= 40]
    assert [f"P-{int(number):02d}" for number in listed] == of_sheet
    assert {fault.kind for key, fault in REGISTRY.items() if key.startswith("P-")} == {"P"}


def test_the_addition_names_the_clauses_that_each_violation_reddens():
    rows = re.findall(r"^\| `(P-\d\d)` \| ([^|]+) \|", ADDITION.read_text("utf-8"), re.MULTILINE)
    told = {key: () if red.strip() == "none" else tuple(red.strip().split(", ")) for key, red in rows}

    assert told == {key: fault.red for key, fault in REGISTRY.items() if key.startswith("P-")}


def test_red_clauses_are_full_ids():
    assert all(fault.red for fault in OF_CONTRACT.values())
    assert [red for fault in REGISTRY.values() for red in fault.red if not CLAUSE.fullmatch(red)] == []


def test_catalogue_says_what_the_contract_says():
    stated = {fault.id: (fault.kind, fault.red) for fault in OF_CONTRACT.values()}

    assert stated == {fault: (kind.split()[0], red) for fault, (kind, red) in contract_rows().items()}


def test_reference_build_has_the_faults_marked_so():
    marked = {fault for fault, (kind, _) in contract_rows().items() if "(RB)" in kind}
    partly = {fault.id for fault in REGISTRY.values() if fault.reference_red}

    assert {fault.id for fault in REGISTRY.values() if fault.reference} == marked | partly | {"K-01", "K-02"}


def test_every_fault_that_smoke_needs_is_built():
    assert {f"F-{number:02d}" for number in BUILT_FOR_SMOKE} <= {one.id for one in REGISTRY.values() if one.built}


def test_a_fault_is_built_if_and_only_if_the_code_asks_for_it():
    sources = (path.read_text("utf-8") for path in (ROOT / "sandbox").rglob("*.py"))
    asks = re.compile(r"""(?:\.on|fault)\(\s*["']([FPK]-\d\d)["']|["'](P-\d\d)["']: """)
    asked = {found for source in sources for pair in asks.findall(source) for found in pair if found}

    assert {one.id for one in REGISTRY.values() if one.built} == asked | set(DATABASE_FAULTS) | set(FAULTS_OF_FILES)


def test_summaries_are_short_sentences():
    assert [one.id for one in REGISTRY.values() if not 20 <= len(one.summary) <= 125 or one.summary.endswith(".")] == []


def test_a_fault_is_found_by_its_name():
    assert find("tts:F-51", {"tts": REGISTRY}).red == ("TTS-SMOKE-07", "TTS-CAP-01")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("tts:F-99", "no such fault: tts:F-99. Did you mean tts:F-9"),
        ("F-51", "a fault is written with its system"),
        ("tss:F-51", "no such fault: tss:F-51. Did you mean tts:F-51"),
        ("", "a fault is written with its system"),
    ],
)
def test_an_unknown_fault_is_refused_with_a_suggestion(name, complaint):
    with pytest.raises(FaultError, match=re.escape(complaint)):
        find(name, {"tts": REGISTRY})


def test_a_fault_that_is_not_built_is_refused_by_name():
    with pytest.raises(FaultError, match=f"tts:{UNBUILT} is not built yet"):
        find(f"tts:{UNBUILT}", {"tts": WITH_ONE_UNBUILT})


def test_switches_are_off_until_set():
    switches = Switches(REGISTRY)
    before = switches.on("F-51")
    switches.set(["F-51"])
    during = switches.on("F-51")
    switches.set([])

    assert (before, during, switches.on("F-51")) == (False, True, False)


def test_position_reference_switches_on_what_the_real_build_has():
    switches = Switches(REGISTRY, ["F-51"], position="reference")

    assert switches.on("F-10")
    assert set(switches.active()) == {"tts:F-51"} | {
        one.name for one in REGISTRY.values() if one.reference and one.built
    }


def test_asking_for_a_fault_that_does_not_exist_is_an_error_of_ours():
    with pytest.raises(KeyError):
        Switches(REGISTRY).on("F-990")


def test_switching_on_an_unbuilt_fault_is_refused():
    with pytest.raises(FaultError, match=f"cannot switch on {UNBUILT}"):
        Switches(WITH_ONE_UNBUILT, [UNBUILT])


def test_unknown_system_is_refused():
    with pytest.raises(FaultError, match="no such system: tsst"):
        load("tsst")


@pytest.mark.parametrize(("word", "said"), [("qwem", ". Did you mean qwen?"), ("zzz", ". Known: modal, qwen")])
def test_suggestion_is_near_or_the_whole_choice(word, said):
    assert faults.did_you_mean(word, ["qwen", "modal"]) == said
