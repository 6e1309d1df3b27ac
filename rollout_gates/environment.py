"""Environment files: what a run is pointed at, what it may do there, and where its secrets come from.

A file is TOML (``environments/NAME.toml`` or any path). It is validated whole before anything is sent. Unknown
keys are refused. Values of secrets never stand in it: a key under ``secrets`` names an environment variable.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from rollout_gates.errors import EnvironmentFileError, did_you_mean
from rollout_gates.explain import explain
from rollout_gates.records import Records, read_records

Model = TypeVar("Model", bound=BaseModel)
Kind = Literal["local", "staging", "prod"]
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{1,63}")


class Secret(SecretStr):
    """A value that never shows itself: ``repr`` and ``str`` are masked. `reveal` gives it to the wire alone."""

    def reveal(self) -> str:
        """Return the value in clear."""
        return self.get_secret_value()


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Secrets(_Table):
    """Base of a system's ``secrets`` table: each field holds the *name* of an environment variable."""

    @model_validator(mode="before")
    @classmethod
    def _names_not_values(cls, table: Any) -> Any:
        for key, value in table.items() if isinstance(table, dict) else ():
            if not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
                raise ValueError(f"{key} must be the name of an environment variable such as MY_TOKEN, never a value")
        return table


def _read(cls: type[BaseModel], name: str, value: Any) -> dict[str, Any]:
    """Return *value* as the field *name* has it; as it stands where it is refused, and not at all if it is a table."""
    known = cls.model_fields.get(name)
    if known is None:
        return {}
    try:
        return {name: TypeAdapter(known.rebuild_annotation()).validate_python(value)}
    except ValidationError:
        return {} if isinstance(value, dict) else {name: value}


class SystemSettings(_Table):
    """Base of a system's own table. A system package subclasses it as ``Settings``."""

    key: ClassVar[str] = ""
    # Keys that say how a run judges, not how the system is deployed: a stand-in is not told of them.
    of_the_run: ClassVar[frozenset[str]] = frozenset()
    _resolved: dict[str, Secret] = PrivateAttr(default_factory=dict)

    @classmethod
    def provisional(cls, table: Mapping[str, Any]) -> SystemSettings:
        """Return what *table* tells, though it may lack keys that are required, or hold some that will be refused.

        Tables within are read; one that does not hold is left out, as if it were not given.
        """
        read = {name: value for key, given in table.items() for name, value in _read(cls, key, given).items()}
        return cls.model_construct(**read)

    def secret(self, name: str) -> Secret | None:
        """Return the secret that ``secrets.<name>`` points at, or ``None`` where the key is not given."""
        return self._resolved.get(name)

    @property
    def held_secrets(self) -> Mapping[str, Secret]:
        """All secrets that the file names, by key."""
        return dict(self._resolved)

    def facts(self) -> dict[str, str]:
        """What the catalogue's ``applies`` tables are matched against, for example mode and lane."""
        return {}

    def capabilities(self) -> frozenset[str]:
        """What this configuration allows beyond the API, for example ``database``."""
        return frozenset()

    def server_secrets(self) -> frozenset[str]:
        """Names of secrets that no answer of the system may ever hold."""
        return frozenset()

    def sandbox_capabilities(self) -> frozenset[str]:
        """What the stand-in offers on top, for example ``control``: there a check may do as it likes."""
        return frozenset()

    def rates(self) -> tuple[Mapping[str, int], float]:
        """Return the deployment's rate limits (calls a window, by tier) and the window in seconds."""
        return {}, 60.0

    def target(self) -> str:
        """The address that a person knows the system by, for the header of a run."""
        return ""

    def problems(self, kind: Kind) -> Iterable[tuple[str, str]]:  # noqa: ARG002 - for subclasses
        """Yield (key, what is expected) for what a single field cannot tell, such as a key that prod forbids."""
        return ()


class Limits(_Table):
    """What one run may spend, all workers together."""

    billable_calls: int = Field(6, ge=0)
    burst_requests: int = Field(400, ge=0)
    timeout_s: float = Field(30, gt=0, le=600)


class Waiver(_Table):
    """A red clause that somebody answers for until a day. It stands in the environment file only."""

    clause: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    expires: date


class _Head(_Table):
    kind: Kind
    sandbox: bool = False
    ledger: str | None = Field(None, min_length=1)
    records_file: Path | None = None
    waivers: tuple[Waiver, ...] = ()
    limits: Limits = Limits()
    owners: Mapping[str, str] = Field(default_factory=dict)
    due_days: Mapping[Literal["critical", "high", "medium", "low"], Annotated[int, Field(ge=0, le=3650)]] = Field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Environment:
    """One validated environment. *digest* is the SHA-256 of the file's bytes, in hex.

    *owners* says who answers for an open clause, by the beginning of its ID, and *due_days* by when, by its severity.
    *ledger* is the directory or URL of the record of earlier verdicts, *records* what people answer for.
    """

    name: str
    kind: Kind
    path: Path
    digest: str
    limits: Limits
    waivers: tuple[Waiver, ...]
    sandbox: bool
    systems: Mapping[str, SystemSettings]
    owners: Mapping[str, str] = field(default_factory=dict)
    due_days: Mapping[str, int] = field(default_factory=dict)
    ledger: str | None = None
    records: Records | None = None

    def capabilities(self) -> frozenset[str]:
        """What the file allows beside what it says of single systems."""
        offered = {
            "owners": bool(self.owners),
            "ledger": self.ledger is not None,
            "rollout_records": self.records is not None,
        }
        return frozenset(name for name, there in offered.items() if there)


@dataclass(frozen=True)
class Overlay:
    """What a freshly started stand-in adds to a file: tables a system, and the variables that hold its secrets."""

    systems: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    control_url: str | None = None


@dataclass(frozen=True)
class Draft:
    """A file that was read and checked as far as it goes without a stand-in."""

    name: str
    path: Path
    digest: str
    head: _Head
    tables: Mapping[str, dict[str, Any]]
    classes: Mapping[str, type[SystemSettings]]
    records: Records | None = None

    def finish(self, variables: Mapping[str, str], overlay: Overlay = Overlay()) -> Environment:
        """Validate the systems' tables and resolve their secrets. Raises `EnvironmentFileError`."""
        held = {**variables, **overlay.variables}
        return self.of({key: self.system(key, held, overlay) for key in self.tables})

    def provisional(self) -> Environment:
        """Return the environment as far as the file alone tells: no secrets, nothing that a stand-in adds."""
        return self.of({key: self.classes[key].provisional(table) for key, table in self.tables.items()})

    def of(self, systems: Mapping[str, SystemSettings]) -> Environment:
        """Return the environment with these settings of its systems."""
        head = self.head
        return Environment(
            self.name,
            head.kind,
            self.path,
            self.digest,
            head.limits,
            head.waivers,
            head.sandbox,
            systems,
            head.owners,
            {str(severity): days for severity, days in head.due_days.items()},
            head.ledger,
            self.records,
        )

    def system(
        self, key: str, variables: Mapping[str, str], overlay: Overlay, more: Mapping[str, Any] | None = None
    ) -> SystemSettings:
        """Validate the table of system *key*, with *more* laid over it. Raises `EnvironmentFileError`."""
        table = _merged(overlay.systems.get(key, {}), {**self.tables[key], **(more or {})})
        settings = _validated(self.classes[key], table, self.path, (key,))
        missing = list(_resolve(settings, variables))
        problems = [(f"{key}.{name}", expected) for name, expected in settings.problems(self.head.kind)]
        problems += [
            (f"{key}.secrets.{name}", f"the environment variable {variable} is not set; export it or remove the key")
            for name, variable in missing
        ]
        if problems:
            raise EnvironmentFileError("\n".join(f"{self.path}: {name}: {text}" for name, text in problems))
        return settings


def load_environment(
    wanted: str,
    *,
    classes: Mapping[str, type[SystemSettings]],
    folder: Path = Path("environments"),
    variables: Mapping[str, str] | None = None,
) -> Environment:
    """Read, validate and resolve one environment that needs no stand-in. Raises `EnvironmentFileError`."""
    return read_environment(wanted, classes=classes, folder=folder).finish(
        os.environ if variables is None else variables
    )


def read_environment(
    wanted: str,
    *,
    classes: Mapping[str, type[SystemSettings]],
    folder: Path = Path("environments"),
    asked_by: str = "--env",
) -> Draft:
    """Read the file that *wanted* (a name in *folder*, or a path) means, and check all but what a stand-in adds.

    *asked_by* names the option or variable that *wanted* came from.
    """
    path = find_environment(wanted, folder, asked_by)
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise EnvironmentFileError(f"{asked_by}: {path} cannot be read: {problem.strerror}") from None
    document = _parsed(data, path)
    tables = {key: document.pop(key) for key in list(document) if key in classes}
    _refuse_strangers(document, classes, path)
    head = _validated(_Head, document, path, ())
    if head.sandbox and head.kind != "local":
        raise EnvironmentFileError(f"{path}: sandbox: only an environment of kind 'local' may start the stand-in")
    if not tables:
        raise EnvironmentFileError(
            f"{path}: no system is configured; add one of the tables [{'], ['.join(sorted(classes))}]"
        )
    for key, table in tables.items():
        _refuse_unknown(classes[key], table, path, key, complete=not head.sandbox)
    records = read_records(path, head.records_file)
    return Draft(path.stem, path, hashlib.sha256(data).hexdigest(), head, tables, classes, records)


def find_environment(wanted: str, folder: Path, asked_by: str = "--env") -> Path:
    """Return the path of the file that *wanted* names. Raises `EnvironmentFileError` with the choices."""
    is_path = wanted.endswith(".toml") or "/" in wanted
    path = Path(wanted) if is_path else folder / f"{wanted}.toml"
    if path.is_file():
        return path
    if is_path:
        found = f"{path} is a directory, not a TOML file" if path.is_dir() else f"there is no file {path}"
        raise EnvironmentFileError(f"{asked_by}: {found}")
    known = [file.stem for file in folder.glob("*.toml")]
    raise EnvironmentFileError(f"{asked_by}: unknown environment {wanted!r} in {folder}{did_you_mean(wanted, known)}")


def _parsed(data: bytes, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors put a mark of byte order in front
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise EnvironmentFileError(f"{path}: not valid TOML: {problem}") from None


def _refuse_strangers(document: Mapping[str, Any], classes: Mapping[str, Any], path: Path) -> None:
    known = {*_Head.model_fields, *classes}
    for key in document:
        if key not in known:
            raise EnvironmentFileError(f"{path}: {key}: unknown key{did_you_mean(key, known)}")


def _refuse_unknown(model: type[SystemSettings], table: Any, path: Path, key: str, *, complete: bool) -> None:
    """Refuse what is wrong in *table* already; what is merely *missing* may still come from the stand-in."""
    try:
        model.model_validate(table)
    except ValidationError as problem:
        lines = explain(problem, model, (key,), skip_missing=not complete)
        if lines:
            raise EnvironmentFileError("\n".join(f"{path}: {line}" for line in lines)) from None


def _validated(model: type[Model], table: Any, path: Path, at: tuple[str, ...]) -> Model:
    try:
        return model.model_validate(table)
    except ValidationError as problem:
        raise EnvironmentFileError("\n".join(f"{path}: {line}" for line in explain(problem, model, at))) from None


def _resolve(settings: SystemSettings, variables: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Fill the settings' secrets from *variables*; yield (key, variable) for each that is not set."""
    named = getattr(settings, "secrets", None)
    if not isinstance(named, Secrets):
        return
    for name, variable in named.model_dump(exclude_none=True).items():
        if value := variables.get(str(variable)):
            settings._resolved[name] = Secret(value)  # noqa: SLF001 - this module owns the resolution
        else:
            yield name, str(variable)


def _merged(base: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return *base* with *above* laid over it, tables merged key by key."""
    merged = dict(base)
    for key, value in above.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
