"""The reference pages explain every key, matcher, call and file, and no other; their examples are well formed."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator

import jsonschema
import pytest
from pydantic import BaseModel

from rollout_gates import environment
from rollout_gates.golden.matchers import KINDS
from rollout_gates.systems.tts import GOLDEN_NAMES, Settings
from rollout_gates.systems.tts.settings import TtsSecrets
from tests.documents import DOCS, PAGES, ROOT, blocks, text_of

# --- the environment file

ENVIRONMENT = DOCS / "point-it-at-your-deployment.md"


def table_under(heading: str) -> set[str]:
    """Return the keys in the first column of the tables that follow *heading* of the page on environments."""
    text = text_of(ENVIRONMENT)
    part = text[text.index(heading) :]
    table = re.search(r"^\|.*?(?=^(?!\|))", part, re.MULTILINE | re.DOTALL)
    assert table is not None
    firsts = [row.split("|")[1] for row in table[0].splitlines()[2:]]
    return {key for first in firsts for key in re.findall(r"`(\w+)`", first)}


def test_every_key_at_the_top_of_an_environment_is_explained_and_no_other():
    assert table_under("At the top:") == set(environment._Head.model_fields) - {"limits"}


def test_every_limit_is_explained_and_no_other():
    assert table_under("`[limits]`, what one run") == set(environment.Limits.model_fields)


def test_every_key_of_the_system_is_explained_and_no_other():
    assert table_under("`[tts]`, one deployment") == set(Settings.model_fields)


def test_every_secret_is_explained_and_no_other():
    assert table_under("## Secrets") == set(TtsSecrets.model_fields)


def keys_within(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield (key, key below it) for each table in *model* but the secrets."""
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel) and name != "secrets":
                yield from ((name, below) for below in kind.model_fields)


def test_every_key_of_a_table_within_is_explained():
    rows = {row.split("`")[1]: row for row in text_of(ENVIRONMENT).splitlines() if row.startswith("| `")}
    missing = [f"{key}.{below}" for key, below in keys_within(Settings) if f"`{below}`" not in rows[key]]

    assert missing == []


@pytest.mark.parametrize("name", ["local", "staging", "prod"])
def test_every_key_of_the_templates_is_explained(name):
    table = tomllib.loads((ROOT / "environments" / f"{name}.toml").read_text(encoding="utf-8"))
    keys = {*table, *table["tts"], *table["tts"].get("secrets", {}), *table["limits"]} - {"tts"}

    assert [
        key for key in sorted(keys) if f"`{key}`" not in text_of(ENVIRONMENT) and f"[{key}]" not in text_of(ENVIRONMENT)
    ] == []


# --- examples


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_in_python_json_and_toml_are_well_formed(page):
    for block in blocks(page, "python"):
        ast.parse(re.sub(r"^    (?=filled)", "", block))
    for block in blocks(page, "json"):
        json.loads(block)
    for block in blocks(page, "toml"):
        tomllib.loads(block)


@pytest.mark.parametrize("page", [DOCS / "golden-payloads.md", DOCS / "write-a-check.md"], ids=lambda page: page.name)
def test_golden_examples_are_what_the_schema_allows(page):
    schema = json.loads((ROOT / "golden_payloads" / "payload.schema.json").read_text(encoding="utf-8"))
    examples = blocks(page, "json")

    assert examples
    for example in examples:
        jsonschema.validate(json.loads(example), schema)


def test_the_keys_of_a_golden_payload_are_all_explained():
    schema = json.loads((ROOT / "golden_payloads" / "payload.schema.json").read_text(encoding="utf-8"))
    keys = [*schema["properties"], *schema["$defs"]["expectation"]["properties"]]
    explained = text_of(DOCS / "golden-payloads.md")

    assert [key for key in keys if f"| `{key}` |" not in explained] == []


def test_every_kind_and_placeholder_of_a_golden_payload_is_explained():
    explained = text_of(DOCS / "golden-payloads.md")

    assert [kind for kind in KINDS if f"`{kind}`" not in explained] == []
    assert [name for name in sorted(GOLDEN_NAMES) if f"`${{{name}}}`" not in explained] == []


def test_the_calls_of_remote_control_are_all_explained():
    remote = (ROOT / "sandbox" / "tts" / "remote.py").read_text(encoding="utf-8")
    calls = set(re.findall(r'"(?:GET|POST|DELETE) (\w+)": self', remote))
    explained = text_of(DOCS / "sandbox.md")

    assert [call for call in sorted(calls) if f" {call}" not in explained] == []


def test_every_file_of_the_evidence_is_explained():
    written = re.findall(r'^(?:FILE_NAME|MANIFEST)(?:: Final)? = "([\w.-]+)"', _sources(), re.MULTILINE)

    assert len(written) >= 7
    assert [name for name in written if f"`{name}`" not in text_of(DOCS / "for-auditors.md")] == []


def _sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rollout_gates" / "evidence").glob("*.py"))
