"""The catalogue and the contracts say the same: no clause on one side alone, and the tags agree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from rollout_gates.catalogue import Clause, applicability, load
from rollout_gates.registry import settings_classes

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


def provider_ids() -> list[str]:
    text = (CONTRACTS / "provider-clauses.md").read_text(encoding="utf-8")
    return re.findall(r"^- \*\*(DS-[A-Z]+-\d\d)\*\* ", text, re.MULTILINE)


def stages_ids() -> list[str]:
    """Return the IDs of section 6 in order; a row such as ``STG-ERR-01/02/03`` stands for three."""
    text = (CONTRACTS / "stage-validation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (STG-[A-Z]+-)(\d\d(?:/\d\d)*) \|", text, re.MULTILINE)
    return [f"{group}{number}" for group, numbers in rows for number in numbers.split("/")]


def full_pass_sources() -> dict[str, str]:
    """Return each ID of section 6 with its source; ``R/D`` counts as demanded by the runbook."""
    text = (CONTRACTS / "full-pass.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (FP-[A-Z0-9]+-\d\d) \| (R|D|R/D) \|", text, re.MULTILINE)
    return {clause_id: source[0] for clause_id, source in rows}


def every_fact(system: str) -> list[dict[str, str]]:
    """Return all combinations of values of a system's facts."""
    known = CATALOGUE.systems[system].facts
    return [dict(zip(known, values, strict=True)) for values in product(*known.values())]


def of(system: str) -> dict[str, Clause]:
    return {clause.id: clause for clause in CATALOGUE.clauses if clause.system == system}


def of_tts() -> dict[str, Clause]:
    """Return the clauses of the TTS contract itself, without those of its provider's protocol."""
    return {name: clause for name, clause in of("tts").items() if name.startswith("TTS-")}


def test_the_tts_contract_and_its_catalogue_hold_the_same_199_clauses() -> None:
    assert len(TTS) == 199
    assert list(of_tts()) == list(TTS)


def test_the_provider_and_its_catalogue_hold_the_same_44_clauses() -> None:
    assert len(provider_ids()) == 44
    assert [name for name in of("tts") if name.startswith("DS-")] == provider_ids()


def test_what_the_tts_contract_knows_to_be_red_is_marked_so() -> None:
    marked = {clause.id for clause in of_tts().values() if clause.source == "KR"}

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
    narrowed = {clause.id for clause in of_tts().values() if set(clause.applies) > set(TTS[clause.id].demands)}

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


def test_the_stages_contract_and_its_catalogue_hold_the_same_111_clauses() -> None:
    assert len(stages_ids()) == 111
    assert list(of("stages")) == stages_ids()


def test_the_full_pass_contract_and_its_catalogue_hold_the_same_74_clauses_and_sources() -> None:
    sources = {clause.id: clause.source for clause in of("full_pass").values()}

    assert len(sources) == 74
    assert list(sources.items()) == list(full_pass_sources().items())


@pytest.mark.parametrize("system", sorted(CATALOGUE.systems))
def test_every_reference_that_is_listed_is_used_unless_the_standard_is_listed_whole(system: str) -> None:
    used = {reference for clause in of(system).values() for reference in clause.references}

    for standard in CATALOGUE.systems[system].standards.values():
        assert standard.whole or set(standard.entries) <= used


def test_every_clause_of_the_security_section_says_what_of_a_standard_it_is_about() -> None:
    mute = [c.id for c in of("tts").values() if c.id.startswith("TTS-SEC-") and not c.references]

    assert mute == []


def tts_route_rows() -> list[tuple[str, str, str, int | None, tuple[str, ...]]]:
    """Return the table of section 2 of the contract: method, path, auth, tier, lanes."""
    text = (CONTRACTS / "qwen-tts.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| \d+ \| (GET|POST|PUT|PATCH|DELETE) `/api(/\S+)`( \[R\])? \| (\w+) \| ([^|]+) \|", text, re.MULTILINE
    )
    auth = {"no": "none", "optional": "optional", "yes": "required", "signature": "signature"}
    return [
        (
            method,
            path,
            auth[word],
            int(digit[0]) if (digit := re.findall(r"\d", tier)) else None,
            ("realtime",) * bool(lane),
        )
        for method, path, lane, word, tier in rows
    ]


def test_the_routes_of_the_tts_catalogue_are_those_of_the_contract() -> None:
    listed = [
        (route.method, route.path, route.auth, route.tier, tuple(route.applies.get("lane", ())))
        for route in CATALOGUE.systems["tts"].route
    ]

    assert len(listed) == 24
    assert listed == tts_route_rows()


@pytest.mark.parametrize("system", sorted(CATALOGUE.systems))
def test_every_capability_is_explained_and_needed(system: str) -> None:
    needed = {need for clause in of(system).values() for need in clause.needs}

    assert needed == set(CATALOGUE.systems[system].capabilities)


def test_the_titles_are_our_own_words_and_none_stands_twice() -> None:
    titles = [clause.title for clause in CATALOGUE.clauses]

    assert len(set(titles)) == len(titles)
    assert [title for title in titles if not title[0].isupper()] == []


@pytest.mark.parametrize(("fact", "field"), [("mode", "provider_mode"), ("lane", "lane")])
def test_a_tts_environment_can_tell_exactly_the_facts_that_the_catalogue_knows(fact: str, field: str) -> None:
    told = get_args(settings_classes()["tts"].model_fields[field].annotation)

    assert set(told) == set(CATALOGUE.systems["tts"].facts[fact])


@pytest.mark.parametrize("system", sorted(CATALOGUE.systems))
def test_the_contract_of_each_system_is_there(system: str) -> None:
    assert (ROOT / CATALOGUE.systems[system].contract).is_file()
