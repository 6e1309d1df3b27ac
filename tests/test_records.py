"""Records of an environment: what is refused, in which words, and what is left for checks to find."""

from __future__ import annotations

import pytest

from rollout_gates.environment import read_environment
from rollout_gates.errors import EnvironmentFileError
from tests.test_environment import CLASSES, GOOD

RECORDS = """
build = "build-7"
backups_verified_at = 2026-11-20T08:00:00Z

[[sign_off]]
item = "task-01"
by = "A. Person"
on = 2026-11-20
build = "build-7"

[[on_call]]
name = "B. Person"
contact = "+00 1"
since = 2026-11-28T09:00:00Z
until = 2026-11-30T09:00:00+01:00

[deployed]
schema_at = 2026-11-27T09:00:00Z
code_at = 2026-11-28T09:00:00Z
"""


@pytest.fixture
def read(tmp_path):
    def make(text=RECORDS, head="", where="records/here.toml"):
        if text is not None:
            path = tmp_path / where
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        (tmp_path / "here.toml").write_text(head + GOOD)
        return read_environment(str(tmp_path / "here.toml"), classes=CLASSES)

    return make


def test_records_lie_beside_the_environment(read):
    records = read().records

    assert records.build == "build-7"
    assert records.sign_off[0].item == "task-01"
    assert records.deployed.flipped_at is None
    assert read().provisional().records == records
    assert "rollout_records" in read().provisional().capabilities()


def test_an_environment_may_have_none(read):
    draft = read(None)

    assert draft.records is None
    assert "rollout_records" not in draft.provisional().capabilities()


def test_the_file_may_lie_elsewhere(read, tmp_path):
    head = f'records_file = "{tmp_path}/other.toml"\n'

    assert read(head=head, where="other.toml").records.build == "build-7"


def test_a_file_that_is_named_and_not_there_is_refused(read, tmp_path):
    with pytest.raises(EnvironmentFileError) as refused:
        read(None, head='records_file = "gone.toml"\n')

    told = (
        "here.toml: records_file: gone.toml cannot be read: No such file or directory; name a file, or remove the key"
    )
    assert str(refused.value) == f"{tmp_path}/{told}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("build = ", "bild = "), "bild: unknown key; did you mean 'build'?"),
        (("item = ", "itme = "), "sign_off[0].itme: unknown key; did you mean 'item'?"),
        (("on = 2026-11-20", 'on = "soon"'), "sign_off[0].on: input should be a valid date"),
        (("09:00:00+01:00", "09:00:00"), "on_call[0].until: must have a time zone, such as 2026-11-28T09:00:00Z"),
        (("2026-11-30", "2026-11-01"), "on_call[0]: until must be later than since"),
        (("[deployed]", "stabilisation_days = 3\n[deployed]"), "on_call[0].stabilisation_days: unknown key"),
        (
            ('build = "build-7"\nback', "stabilisation_days = 3\nback"),
            "stabilisation_days: input should be greater than",
        ),
        (("schema_at", "schema_on"), "deployed.schema_on: unknown key; did you mean 'schema_at'?"),
        (
            ("[deployed]", "[[incident]]\nseverity = 9\nopened = 2026-11-28T09:00:00Z\n[deployed]"),
            "incident[0].severity",
        ),
        (("[deployed]", "deployed"), "not valid TOML: "),
    ],
)
def test_what_is_malformed_is_refused_in_a_line_that_names_file_and_key(read, tmp_path, change, says):
    with pytest.raises(EnvironmentFileError) as refused:
        read(RECORDS.replace(*change))

    assert f"{tmp_path}/records/here.toml: {says}" in str(refused.value)
