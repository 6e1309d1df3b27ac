"""The catalogue and the contracts say the same: no clause on one side alone, and the tags agree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from rollout_gates.catalogue import Clause, applicability, load

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / "docs" / "contracts"
CATALOGUE = load(ROOT / "clauses")
TTS_TAGS = {"M": ("mode", "modal"), "Q": ("mode", "qwen"), "T": ("lane", "task"), "R": ("lane", "realtime")}


@dataclass(frozen=True)
class Sentence:
    """A clause as its contract puts it: facts that its tags demand, and whether it is known to be red."""

    id: str
    demands: Mapping[str, str]
    known_red: bool
    text: str


def tts_sentences() -> dict[str, Sentence]:
    text = (CONTRACTS / "qwen-tts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^- \*\*(TTS-[A-Z0-9-]+)\*\* ((?:\[[MQTR]\])*)(.*)$", text, re.MULTILINE)
    found = {}
    for clause_id, tags, sentence in rows:
        demands = dict(TTS_TAGS[tag] for tag in re.findall(r"[MQTR]", tags))
        found[clause_id] = Sentence(clause_id, demands, re.search(r"\bKR\b", sentence) is not None, sentence)
    return found


TTS = tts_sentences()


def every_fact(system: str) -> list[dict[str, str]]:
    """Return all combinations of values of a system's facts."""
    known = CATALOGUE.systems[system].facts
    return [dict(zip(known, values, strict=True)) for values in product(*known.values())]


def of(system: str) -> dict[str, Clause]:
    return {clause.id: clause for clause in CATALOGUE.clauses if clause.system == system}


def test_the_tts_contract_and_its_catalogue_hold_the_same_199_clauses() -> None:
    assert len(TTS) == 199
    assert list(of("tts")) == list(TTS)


def test_what_the_tts_contract_knows_to_be_red_is_marked_so() -> None:
    marked = {clause.id for clause in of("tts").values() if clause.source == "KR"}

    assert marked == {sentence.id for sentence in TTS.values() if sentence.known_red}


@pytest.mark.parametrize("sentence", [row for row in TTS.values() if row.demands], ids=lambda row: row.id)
def test_a_tag_of_the_tts_contract_limits_where_the_clause_applies(sentence: Sentence) -> None:
    applies = of("tts")[sentence.id].applies

    assert {fact: (value,) for fact, value in sentence.demands.items()}.items() <= applies.items()


# Untagged in the contract, yet their words exclude a mode or a lane.
NARROWER = {
    "TTS-CAP-05": "a stream exists in mode qwen only",
    "TTS-MODE-13": "regions are a notion of the qwen provider",
    "TTS-CLONE-07": "modal calls no provider on clone",
    "TTS-DUR-08": "the modal provider answers none of these fields",
    "TTS-SEC-FAIL-06": "only REST synthesis of qwen answers with a URL",
    **{f"TTS-STREAM-{n:02}": "section 7.10 is of lane realtime, and modal answers 409" for n in range(2, 15)},
}


def test_a_clause_is_not_narrowed_without_a_reason() -> None:
    narrowed = {clause.id for clause in of("tts").values() if set(clause.applies) > set(TTS[clause.id].demands)}

    assert narrowed == set(NARROWER)


def test_every_clause_is_judged_in_the_sandbox_or_in_production() -> None:
    nowhere = [
        c.id
        for c in CATALOGUE.clauses
        if not any(
            applicability(c, facts, kind) is None for facts in every_fact(c.system) for kind in ("local", "prod")
        )
    ]

    assert nowhere == []


def test_the_smoke_gate_of_a_deployment_needs_nothing_beyond_the_api() -> None:
    gate = CATALOGUE.for_gates(["smoke"], ["tts"])

    assert [clause.id for clause in gate if clause.needs or clause.only_sandbox or clause.kinds] == []


def test_what_a_production_forbids_is_not_asked_of_it() -> None:
    forbidden = {"service_role", "control"}
    asked = [c.id for c in of("tts").values() if forbidden.intersection(c.needs)]
    judged = [c.id for c in of("tts").values() if not c.kinds and not c.only_sandbox]

    assert asked
    assert set(asked).isdisjoint(judged)


def test_every_capability_is_explained_and_needed() -> None:
    needed = {need for clause in of("tts").values() for need in clause.needs}

    assert needed == set(CATALOGUE.systems["tts"].capabilities)


def test_the_titles_are_our_own_words_and_none_stands_twice() -> None:
    titles = [clause.title for clause in CATALOGUE.clauses]

    assert len(set(titles)) == len(titles)
    assert [title for title in titles if not title[:1].isupper()] == []


@pytest.mark.parametrize("system", sorted(CATALOGUE.systems))
def test_the_contract_of_each_system_is_there(system: str) -> None:
    assert (ROOT / CATALOGUE.systems[system].contract).is_file()
