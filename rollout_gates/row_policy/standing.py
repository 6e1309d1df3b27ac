"""What the catalogue tells and acting cannot: rights that nobody used yet, policies that hold for every row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rollout_gates.row_policy.catalogue import Catalogue, Function, Policy, Relation
from rollout_gates.row_policy.model import ALL, SERVICE, Identity, Operation, Standing
from rollout_gates.row_policy.owning import Owners
from rollout_gates.row_policy.rights import Rights

_ALWAYS = re.compile(r"^\(*true\)*$|\bor\s+\(*true\b|\btrue\)*\s+or\b|(\d+)\s*=\s*\1\b", re.IGNORECASE)
TRUNCATE, ALWAYS_TRUE, DEFINER, MUTABLE_PATH = (
    "truncate is granted", "policy always true", "definer function can be executed",
    "definer function with the caller's search path",
)  # fmt: skip
DEFINER_VIEW, EDITABLE, OFF, OWNER, CHECK_MISSING, FOREIGN, BYPASS = (
    "view reads with its owner's rights", "policy trusts claims that users edit", "row security is off",
    "the caller owns the table and row security is not forced", "policy for writes lets every new row in",
    "foreign table has no row policies", "role bypasses row security",
)  # fmt: skip


@dataclass
class Inspector:
    """Reads the catalogue for *identities*, whose *rights* are known by role."""

    catalogue: Catalogue
    owners: Owners
    identities: Sequence[Identity]
    rights: Mapping[str, Rights]
    members: Mapping[str, frozenset[str]]

    def inspect(self, reachable: Sequence[str]) -> Iterator[Standing]:
        """Yield what is wrong with each object of *reachable*, and with the functions."""
        for name in reachable:
            relation = self.catalogue.relations[name]
            yield from self._grants(relation)
            if relation.is_table:
                yield from self._policies(relation)
            elif relation.kind == "v":
                yield from self._view(relation)
        for function in self.catalogue.functions.values():
            yield from self._function(function)
        for identity in self._judged():
            if self.rights[identity.role].bypasses:
                yield Standing(identity.role, BYPASS, (identity.role,), "no policy holds for it")

    def _judged(self) -> list[Identity]:
        return [identity for identity in self.identities if identity.audience != SERVICE]

    def _roles(self, holds: Iterator[Identity]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(identity.role for identity in holds))

    def _reads(self, relation: Relation, identity: Identity) -> bool:
        return bool(self.rights[identity.role].select.get(relation.name))

    def _grants(self, relation: Relation) -> Iterator[Standing]:
        emptied = self._roles(
            i for i in self._judged()
            if relation.name in self.rights[i.role].truncate
            and self.owners.access(relation.name, i.audience).truncate != ALL
        )  # fmt: skip
        if emptied:
            yield Standing(relation.name, TRUNCATE, emptied, "row policies do not hold for truncate")
        readers = self._roles(
            i for i in self._judged()
            if self._reads(relation, i) and self.owners.access(relation.name, i.audience).select != ALL
        )  # fmt: skip
        if relation.kind == "f" and readers:
            yield Standing(relation.name, FOREIGN, readers, "select is granted")
        touching = self._roles(i for i in self._judged() if self._touches(relation, i))
        if relation.is_table and not relation.row_security and touching:
            yield Standing(relation.name, OFF, touching, "every row is open to whoever holds a grant")
        callers = self._roles(i for i in self._judged() if relation.owner in self.members.get(i.role, frozenset()))
        if relation.is_table and relation.row_security and not relation.forced and callers:
            yield Standing(relation.name, OWNER, callers, "its owner is not asked by any policy")

    def _touches(self, relation: Relation, identity: Identity) -> bool:
        rights, access = self.rights[identity.role], self.owners.access(relation.name, identity.audience)
        return any(
            granted and access.scope(operation) != ALL
            for granted, operation in (
                (rights.select.get(relation.name), Operation.SELECT),
                (rights.insert.get(relation.name), Operation.INSERT),
                (rights.update.get(relation.name), Operation.UPDATE),
                (relation.name in rights.delete, Operation.DELETE),
            )
        )

    def _policies(self, relation: Relation) -> Iterator[Standing]:
        for policy in relation.policies if relation.row_security else ():
            roles = self._roles(i for i in self._judged() if self._concerns(relation, policy, i))
            if not roles or not policy.permissive:
                continue
            texts = " ".join(filter(None, (policy.using, policy.check)))
            for claim in self.owners.intent.editable_claims:
                if claim in texts:
                    yield Standing(relation.name, EDITABLE, roles, f"policy {policy.name!r} reads {claim}")
            if policy.using is not None and _ALWAYS.search(policy.using):
                yield Standing(relation.name, ALWAYS_TRUE, roles, f"policy {policy.name!r} for {policy.command}")
            if policy.check is not None and _ALWAYS.search(policy.check):
                yield Standing(relation.name, CHECK_MISSING, roles, f"policy {policy.name!r} for {policy.command}")

    def _concerns(self, relation: Relation, policy: Policy, identity: Identity) -> bool:
        """Tell whether *policy* opens something that is not meant to be open, to a role that holds the grant."""
        mine = self.members.get(identity.role, frozenset()) | {identity.role, "public"}
        if not mine & set(policy.roles):
            return False
        commands = [o for o in (Operation.SELECT, Operation.INSERT, Operation.UPDATE, Operation.DELETE)
                    if policy.command in {"all", o.value}]  # fmt: skip
        access, rights = self.owners.access(relation.name, identity.audience), self.rights[identity.role]
        held = {
            Operation.SELECT: bool(rights.select.get(relation.name)),
            Operation.INSERT: bool(rights.insert.get(relation.name)),
            Operation.UPDATE: bool(rights.update.get(relation.name)),
            Operation.DELETE: relation.name in rights.delete,
        }
        opened = [access.scope(o) for o in commands if held[o]] + (
            list(access.columns.values()) if Operation.SELECT in commands and access.columns else []
        )
        return bool(opened) and ALL not in opened

    def _view(self, relation: Relation) -> Iterator[Standing]:
        if relation.invoker:
            return
        guarded = [b for b in relation.bases if (t := self.catalogue.relations.get(b)) is not None and t.row_security]
        roles = self._roles(
            i for i in self._judged()
            if self._reads(relation, i) and self.owners.access(relation.name, i.audience).select != ALL
        )  # fmt: skip
        if guarded and roles:
            yield Standing(relation.name, DEFINER_VIEW, roles, f"policies of {', '.join(guarded)} are not asked")

    def _function(self, function: Function) -> Iterator[Standing]:
        if function.trigger or function.extension or not function.definer:
            return
        roles = self._roles(
            i for i in self._judged()
            if function.oid in self.rights[i.role].call and self.owners.access(function.name, i.audience).call != ALL
        )  # fmt: skip
        if not roles:
            return
        yield Standing(function.name, DEFINER, roles, function.signature)
        path = next((s for s in function.settings if s.startswith("search_path=")), None)
        if path is None:
            yield Standing(function.name, MUTABLE_PATH, roles, "names in it mean what the caller wants")
            return
        schemas = [part.strip().strip('"') for part in path.removeprefix("search_path=").split(",")]
        open_to = [r for r in roles if set(schemas) & self.rights[r].creates_in]
        if open_to:
            yield Standing(function.name, MUTABLE_PATH, tuple(open_to), f"{path}, where it may create")
