"""What stands before a set of migrations, as far as its files tell, and what the set itself makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pglast import ast
from pglast.enums import AlterTableType, ConstrType, ObjectType

from rollout_gates.migrations.statements import Statement, executed
from rollout_gates.migrations.tree import ANY, PUBLIC, find, option, qualified, relation, roles, strings, truth

CLIENTS = frozenset({"anon", "authenticated", "public"})
"""Roles that anybody can have."""


@dataclass
class Column:
    """A column as its definition tells it."""

    not_null: bool = False
    default: Any = None
    filled: bool = False
    """Whether it fills itself: an identity, a serial, a generated column."""

    @property
    def must_be_given(self) -> bool:
        """Tell whether an insert that does not name it fails."""
        return self.not_null and self.default is None and not self.filled


@dataclass
class Stage:
    """What some statements make: tables with their columns, and all else by name."""

    tables: dict[str, dict[str, Column]] = field(default_factory=dict)
    added: dict[tuple[str, str], Column] = field(default_factory=dict)
    relations: set[str] = field(default_factory=set)
    functions: dict[str, list[Any]] = field(default_factory=dict)
    parts: set[tuple[str, str, str]] = field(default_factory=set)
    """Policies, triggers, constraints and indexes: (kind, table, name); indexes have no table."""
    secured: set[str] = field(default_factory=set)
    unique_indexes: set[str] = field(default_factory=set)
    checked: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """The values that named checks speak of: (table, check)."""
    types: set[str] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    closed: set[tuple[str, str]] = field(default_factory=set)
    """Rights taken away: (object, role); the object may be a schema with ``.*``."""
    has_clients: bool = False
    """Whether roles of a hosting platform, or row security, are spoken of."""

    def learn(self, statements: Iterable[Statement]) -> None:
        """Take in what *statements* make."""
        for statement in statements:
            handler = _LEARN.get(statement.kind)
            if handler is not None:
                handler(self, statement.node)

    def make_table(self, node: Any) -> None:
        name = relation(node.relation)
        self.relations.add(name)
        columns = self.tables.setdefault(name, {})
        for element in node.tableElts or ():
            if isinstance(element, ast.ColumnDef):
                columns[element.colname] = column(element)
            for each in element.constraints or () if isinstance(element, ast.ColumnDef) else (element,):
                self._constrain(name, each)

    def _constrain(self, table: str, constraint: Any) -> None:
        if isinstance(constraint, ast.Constraint) and constraint.conname:
            self.parts.add(("constraint", table, constraint.conname))
            if constraint.contype is ConstrType.CONSTR_CHECK:
                self.checked[table, constraint.conname] = named_values(constraint)

    def make_table_from_query(self, node: Any) -> None:
        into = getattr(node, "into", None) or getattr(node, "intoClause", None)
        if into is not None:
            self.relations.add(relation(into.rel))
            if getattr(node, "objtype", None) is not ObjectType.OBJECT_MATVIEW:
                self.tables.setdefault(relation(into.rel), {})

    def alter_table(self, node: Any) -> None:
        name = relation(node.relation)
        for command in node.cmds or ():
            self._alter(name, command)

    def _alter(self, table: str, command: Any) -> None:
        kind = command.subtype
        if kind is AlterTableType.AT_AddColumn:
            self.added.setdefault((table, command.def_.colname), column(command.def_))
            self.tables.setdefault(table, {}).setdefault(command.def_.colname, column(command.def_))
        elif kind is AlterTableType.AT_AddConstraint:
            self._constrain(table, command.def_)
        elif kind is AlterTableType.AT_DropConstraint:
            self.parts.add(("dropped constraint", table, command.name))
        elif kind in {AlterTableType.AT_EnableRowSecurity, AlterTableType.AT_ForceRowSecurity}:
            self.secured.add(table)
            self.has_clients = True

    def make_index(self, node: Any) -> None:
        if node.idxname:
            self.parts.add(("index", "", node.idxname))
            if node.unique:
                self.unique_indexes.add(node.idxname)

    def make_policy(self, node: Any) -> None:
        self.parts.add(("policy", relation(node.table), node.policy_name))
        self.has_clients = True

    def make_trigger(self, node: Any) -> None:
        self.parts.add(("trigger", relation(node.relation), node.trigname))

    def make_function(self, node: Any) -> None:
        self.functions.setdefault(strings(node.funcname)[-1], []).append(node)

    def alter_function(self, node: Any) -> None:
        if search_path_set(node.actions):
            self.parts.add(("search_path", "", qualified(node.func.objname)))

    def make_view(self, node: Any) -> None:
        self.relations.add(relation(node.view))

    def make_type(self, node: Any) -> None:
        names = getattr(node, "typeName", None) or getattr(node, "domainname", None)
        names = getattr(node, "typevar", None) or names
        self.types.add(relation(names) if isinstance(names, ast.RangeVar) else qualified(names))

    def make_schema(self, node: Any) -> None:
        if node.schemaname:
            self.schemas.add(node.schemaname)

    def make_sequence(self, node: Any) -> None:
        self.relations.add(relation(node.sequence))

    def grant(self, node: Any) -> None:
        self.has_clients = self.has_clients or bool(roles(node.grantees) & (CLIENTS - {"public"}))
        if node.is_grant:
            return
        for name in granted_objects(node):
            self.closed |= {(name, role) for role in roles(node.grantees)}

    def is_closed(self, name: str, wanted: Iterable[str] = ("anon", "authenticated")) -> bool:
        """Tell whether the rights on *name* were taken from all of the roles *wanted*."""
        schema = name.partition(".")[0]
        names = (name, f"{schema}.*", f"{PUBLIC}.{ANY}", f"{schema}.{ANY}")
        return all({(each, role) for each in names} & self.closed for role in wanted)


_LEARN = {
    "CreateStmt": Stage.make_table,
    "CreateTableAsStmt": Stage.make_table_from_query,
    "SelectStmt": Stage.make_table_from_query,
    "AlterTableStmt": Stage.alter_table,
    "IndexStmt": Stage.make_index,
    "CreatePolicyStmt": Stage.make_policy,
    "CreateTrigStmt": Stage.make_trigger,
    "CreateFunctionStmt": Stage.make_function,
    "AlterFunctionStmt": Stage.alter_function,
    "ViewStmt": Stage.make_view,
    "CreateEnumStmt": Stage.make_type,
    "CreateDomainStmt": Stage.make_type,
    "CompositeTypeStmt": Stage.make_type,
    "CreateRangeStmt": Stage.make_type,
    "CreateSchemaStmt": Stage.make_schema,
    "CreateSeqStmt": Stage.make_sequence,
    "GrantStmt": Stage.grant,
}


def granted_objects(node: Any) -> list[str]:
    """Return the names that a grant or revoke is about; all of a schema is ``schema.*``."""
    whole = node.targtype.name == "ACL_TARGET_ALL_IN_SCHEMA"
    found = []
    for each in node.objects or ():
        if isinstance(each, ast.RangeVar):
            found.append(relation(each))
        elif isinstance(each, ast.ObjectWithArgs):
            found.append(qualified(each.objname))
        else:
            names = strings(each)
            found.append(f"{names[-1]}.*" if whole else names[-1] if names else "")
    return found


def column(definition: Any) -> Column:
    """Return what a column's definition tells."""
    made = Column(filled=bool(_serial(definition)))
    for each in definition.constraints or ():
        if each.contype in {ConstrType.CONSTR_NOTNULL, ConstrType.CONSTR_PRIMARY}:
            made.not_null = True
        elif each.contype is ConstrType.CONSTR_DEFAULT:
            made.default = usable_default(each.raw_expr)
        elif each.contype in {ConstrType.CONSTR_IDENTITY, ConstrType.CONSTR_GENERATED}:
            made.filled = True
    if definition.raw_default is not None:
        made.default = usable_default(definition.raw_default)
    return made


def named_values(constraint: Any) -> frozenset[str]:
    """Return the texts that a check speaks of."""
    return frozenset(
        each.val.sval for each in find(constraint.raw_expr, ast.A_Const) if isinstance(each.val, ast.String)
    )


def usable_default(expression: Any) -> Any:
    """Return *expression* unless it is NULL, which is no default at all."""
    inner = expression.arg if isinstance(expression, ast.TypeCast) else expression
    return None if isinstance(inner, ast.A_Const) and inner.isnull else expression


def _serial(definition: Any) -> bool:
    return definition.typeName is not None and strings(definition.typeName.names)[-1:] in (
        ["serial"], ["bigserial"], ["smallserial"], ["serial4"], ["serial8"], ["serial2"],
    )  # fmt: skip


@dataclass
class Scene:
    """The whole picture that rules judge a statement by. *before* is ``None`` when nobody told what is deployed."""

    before: Stage | None
    made: Stage
    so_far: Stage = field(default_factory=Stage)
    """What the statements up to the one that is judged have made."""

    @classmethod
    def of(cls, deployed: list[Statement] | None, pending: list[Statement]) -> Scene:
        """Learn what is *deployed* and what is *pending*; both are as they stand in their files."""
        before = None
        if deployed is not None:
            before = Stage()
            before.learn(executed(deployed, functions_of(deployed)))
        made = Stage()
        known = {**(before.functions if before else {}), **functions_of(pending)}
        made.learn(executed(pending, known))
        return cls(before, made)

    @property
    def functions(self) -> dict[str, list[Any]]:
        """Return the functions that can be called, by their bare names."""
        return {**(self.before.functions if self.before else {}), **self.made.functions}

    def is_new(self, name: str) -> bool:
        """Tell whether the relation *name* has been made by this set so far, and was not there before."""
        return name in self.so_far.relations and not self.was_there(name)

    def was_there(self, name: str) -> bool:
        """Tell whether the relation *name* is known to have been there before."""
        return self.before is not None and name in self.before.relations

    def surely_absent(self, name: str) -> bool:
        """Tell whether the relation *name* cannot have been there: all that is deployed is known."""
        return self.before is not None and name not in self.before.relations and ANY not in name

    def is_new_column(self, table: str, name: str) -> bool:
        """Tell whether a column is made by this set."""
        return self.is_new(table) or ((table, name) in self.so_far.added and self.old_column(table, name) is None)

    def old_column(self, table: str, name: str) -> Column | None:
        """Return a column that was there before, where that is known."""
        return self.before.tables.get(table, {}).get(name) if self.before is not None else None

    def makes_again(self, kind: str, table: str, name: str) -> bool:
        """Tell whether this set makes a part of that name, before or after."""
        return (kind, table, name) in self.made.parts

    def was_part(self, kind: str, table: str, name: str) -> bool | None:
        """Tell whether a part was there before; ``None`` where nobody knows."""
        return None if self.before is None else (kind, table, name) in self.before.parts

    def is_new_function(self, name: str) -> bool:
        """Tell whether the function *name* is made by this set, and is not known to have been there before."""
        bare = name.rpartition(".")[2]
        return bare in self.made.functions and not (self.before is not None and bare in self.before.functions)

    @property
    def has_clients(self) -> bool:
        """Tell whether this is a database whose tables clients get at through roles and row security."""
        return self.made.has_clients or (self.before is not None and self.before.has_clients)


def functions_of(statements: Iterable[Statement]) -> dict[str, list[Any]]:
    """Return the functions that *statements* make, by their bare names."""
    stage = Stage()
    stage.learn(each for each in statements if isinstance(each.node, ast.CreateFunctionStmt))
    return stage.functions


def is_definer(options: Iterable[Any] | None) -> bool:
    """Tell whether a function runs with its definer's rights."""
    given = option(options, "security")
    return given is not None and truth(given)


def search_path_set(options: Iterable[Any] | None) -> bool:
    """Tell whether a function has a search path of its own."""
    settings = [each.arg for each in options or () if each.defname == "set"]
    return any(each.name == "search_path" and each.kind.name != "VAR_RESET" for each in settings)
