from __future__ import annotations

import sys

import pytest

import rollout_gates.systems
from rollout_gates import registry

TIDY = """
KEY = "tidy"
class Settings: ...
"""


@pytest.fixture
def systems(tmp_path, monkeypatch):
    """A folder of two systems: `tidy`, and `torn`, which cannot be imported."""
    for name, text in {"tidy": TIDY, "torn": "import nothing_of_this_name"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    monkeypatch.setattr(rollout_gates.systems, "__path__", [str(tmp_path)])
    registry.system_packages.cache_clear()
    yield tmp_path
    registry.system_packages.cache_clear()
    for name in ("tidy", "torn"):
        sys.modules.pop(f"rollout_gates.systems.{name}", None)


def test_a_system_that_is_not_asked_for_is_not_imported(systems):
    found = registry.system_packages()

    assert list(found) == ["tidy", "torn"]
    assert "torn" in found
    assert found["tidy"].KEY == "tidy"
    assert registry.settings_classes()["tidy"].__name__ == "Settings"
    assert "rollout_gates.systems.torn" not in sys.modules


def test_a_system_that_cannot_be_imported_says_so_when_asked_for(systems):
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        registry.system_packages()["torn"]


def test_an_unknown_system_is_none(systems):
    assert "gone" not in registry.system_packages()
    assert registry.system_packages().get("gone") is None


def test_a_folder_that_is_not_named_by_its_key_is_refused(systems):
    (systems / "tidy" / "__init__.py").write_text(TIDY.replace('"tidy"', '"neat"'))

    with pytest.raises(ImportError, match="KEY is 'neat', and the folder is called 'tidy'"):
        registry.system_packages()["tidy"]
