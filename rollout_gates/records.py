"""Records of what no request can show: who signed what for which build, who is on call, when what was deployed.

A TOML file an environment, ``environments/records/NAME.toml`` or what ``records_file`` names. It is validated with the
environment file, before anything is sent. What is missing in it is for a check to find; what is malformed is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rollout_gates.errors import EnvironmentFileError
from rollout_gates.explain import explain

FOLDER = "records"
"""Beside an environment file: where the records of each environment lie unless its file says otherwise."""


def _with_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must have a time zone, such as 2026-11-28T09:00:00Z")
    return value


Moment = Annotated[datetime, AfterValidator(_with_zone)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SignOff(_Table):
    """Somebody answers for one *item* of the rollout: by whom, on which day, for which build, until when."""

    item: str = Field(min_length=1)
    by: str = ""
    on: date | None = None
    build: str = ""
    expires: date | None = None
    note: str = ""


class OnCall(_Table):
    """Who is called when something goes wrong, and how, in which hours."""

    name: str = ""
    contact: str = ""
    since: Moment
    until: Moment

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> OnCall:
        if self.since >= self.until:
            raise ValueError("until must be later than since")
        return self


class Deployed(_Table):
    """When the schema was migrated, the new code deployed, the switch thrown."""

    schema_at: Moment | None = None
    code_at: Moment | None = None
    flipped_at: Moment | None = None


class Incident(_Table):
    """Something that went wrong, how badly (1 is worst), since when, and the file that tells of it."""

    severity: int = Field(ge=1, le=5)
    opened: Moment
    closed: Moment | None = None
    file: Path | None = None


class Records(_Table):
    """What is on record for one environment.

    *build* is what is rolled out now. *ledger* is where runs of the gates before this one are looked up, where that is
    another one than the environment's own. What is older than *evidence_days*, or a rehearsal older than
    *rehearsal_days*, counts for nothing. *backups_verified_at* is when a backup was last restored for a trial.
    """

    build: str = ""
    ledger: str | None = Field(None, min_length=1)
    evidence_days: int = Field(30, ge=1, le=365)
    rehearsal_days: int = Field(30, ge=1, le=365)
    stabilisation_days: int = Field(30, ge=14, le=365)
    backups_verified_at: Moment | None = None
    sign_off: tuple[SignOff, ...] = ()
    on_call: tuple[OnCall, ...] = ()
    deployed: Deployed = Deployed()
    incident: tuple[Incident, ...] = ()


def read_records(environment_file: Path, wanted: Path | None) -> Records | None:
    """Return the records of an environment, ``None`` where there are none. Raises `EnvironmentFileError`."""
    path = wanted or environment_file.parent / FOLDER / environment_file.name
    if wanted is None and not path.is_file():
        return None
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as problem:
        said = f"records_file: {path} cannot be read: {problem.strerror}; name a file, or remove the key"
        raise EnvironmentFileError(f"{environment_file}: {said}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise EnvironmentFileError(f"{path}: not valid TOML: {problem}") from None
    return _validated(document, path)


def _validated(document: Mapping[str, Any], path: Path) -> Records:
    try:
        return Records.model_validate(document)
    except ValidationError as problem:
        raise EnvironmentFileError("\n".join(f"{path}: {line}" for line in explain(problem, Records))) from None
