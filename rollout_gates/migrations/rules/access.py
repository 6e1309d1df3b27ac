"""Who may do what: row security, policies, grants, functions and views with their owner's rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast
from pglast.enums import ObjectType

from rollout_gates.migrations.conditions import always, asks_who, names_who, trusts_the_caller
from rollout_gates.migrations.model import Finding, Hazard, Weight
from rollout_gates.migrations.rules.judging import Judge, rule
from rollout_gates.migrations.scene import CLIENTS, granted_objects, is_definer, search_path_set
from rollout_gates.migrations.statements import opened
from rollout_gates.migrations.tree import constant, find, option, qualified, relation, roles, strings, truth

_POWERS = {"bypassrls", "issuper", "superuser", "isreplication"}
_EXPOSED = ("public.", "graphql_public.")
_PAST_ROW_SECURITY = {"truncate", "references", "trigger", "maintain"}


@rule("CreatePolicyStmt")
def policy(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a policy that lets callers at rows whoever they are."""
    to = roles(node.roles) or {"public"}
    if not node.permissive or not to & CLIENTS:
        return
    table, command = relation(node.table), node.cmd_name
    reading = [] if command == "insert" else [node.qual]
    writing = [] if command in {"select", "delete"} else [node.with_check if node.with_check is not None else node.qual]
    if judge.scene.is_new(table):
        yield from _new_policy(judge, table, node, writing if command != "delete" else reading)
        return
    for condition in [*reading, *writing]:
        if not asks_who(condition):
            yield judge.finding(Hazard.OPENS, "open policy", _why(table, node.policy_name, condition))
            return


def _new_policy(judge: Judge, table: str, node: Any, writing: list[Any]) -> Iterator[Finding]:
    """Yield a policy of a new table that lets anybody write; what a new table shows is its maker's decision."""
    for condition in [] if node.cmd_name == "select" else writing:
        if not asks_who(condition):
            yield judge.finding(Hazard.OPENS, "open policy", _why(table, node.policy_name, condition))


def _why(table: str, name: str, condition: Any) -> str:
    if condition is not None and trusts_the_caller(condition):
        return f"the policy {name} of {table} trusts what users can write about themselves"
    if always(condition):
        return f"the policy {name} of {table} lets anybody at every row"
    return f"the policy {name} of {table} does not ask who the caller is"


@rule("AlterPolicyStmt")
def alter_policy(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a policy that exists and is changed."""
    table = relation(node.table)
    if not judge.scene.is_new(table):
        yield judge.finding(Hazard.OPENS, "policy changed", f"it changes the policy {node.policy_name} of {table}")


@rule("GrantStmt")
def grant(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield rights that are given to clients, or taken from those who had them."""
    if node.targtype.name == "ACL_TARGET_DEFAULTS":
        return
    handler = _granted if node.is_grant else _revoked
    yield from handler(judge, node)


def _granted(judge: Judge, node: Any) -> Iterator[Finding]:
    to = sorted(roles(node.grantees) & CLIENTS)
    if not to:
        return
    rights = {each.priv_name or "columns" for each in node.privileges or ()} or {"all"}
    told = f"it grants {', '.join(sorted(rights))} to {', '.join(to)}"
    for name in granted_objects(node):
        if _is_harmless_grant(judge, node, name, rights, set(to)):
            continue
        yield judge.finding(Hazard.OPENS, "grant", f"{told} on {name}")


def _is_harmless_grant(judge: Judge, node: Any, name: str, rights: set[str], to: set[str]) -> bool:
    if node.objtype in {ObjectType.OBJECT_FUNCTION, ObjectType.OBJECT_PROCEDURE, ObjectType.OBJECT_ROUTINE}:
        return judge.scene.is_new_function(name) and _may_be_called(judge, name, to)
    if node.objtype is ObjectType.OBJECT_SCHEMA:
        return rights == {"usage"} and (name in {"public", *judge.scene.made.schemas})
    if node.objtype is ObjectType.OBJECT_TYPE:
        return True
    if not judge.scene.is_new(name):
        return False
    if rights == {"select"} or (node.objtype is ObjectType.OBJECT_SEQUENCE and to == {"authenticated"}):
        return True
    past = rights & (_PAST_ROW_SECURITY | {"all"})
    return not past and to == {"authenticated"}


def _may_be_called(judge: Judge, name: str, by: set[str]) -> bool:
    """Tell whether a new function can be left to clients: it acts with their rights, or asks who they are."""
    made = judge.scene.made.functions[name.rpartition(".")[2]]
    definers = [each for each in made if is_definer(each.options)]
    return not definers or (by == {"authenticated"} and all(_body_asks(judge, each) for each in definers))


def _body_asks(judge: Judge, function: Any) -> bool:
    return any(names_who(each.node) for each in opened(judge.statement, function))


def _revoked(judge: Judge, node: Any) -> Iterator[Finding]:
    taken = roles(node.grantees)
    if node.objtype is not ObjectType.OBJECT_TABLE:
        return
    for name in granted_objects(node):
        if judge.scene.is_new(name):
            continue
        if taken & {"authenticated", "service_role"} and not name.endswith("*"):
            yield judge.finding(
                Hazard.REFUSES, "revoke", f"{', '.join(sorted(taken))} can do less with {name}", _revoke_weight(taken)
            )


def _revoke_weight(taken: set[str]) -> Weight:
    """What the service loses breaks it; what clients lose may have been open by mistake."""
    return Weight.REFUSED if "service_role" in taken else Weight.ADVICE


@rule("AlterDefaultPrivilegesStmt")
def default_privileges(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield rights that clients will have on all that is made later."""
    to = sorted(roles(node.action.grantees) & CLIENTS)
    if node.action.is_grant and to:
        why = f"{', '.join(to)} get rights on all that is made from now on"
        yield judge.finding(Hazard.OPENS, "default privileges", why)


@rule("GrantRoleStmt")
def membership(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a role that is given to clients."""
    to = sorted(roles(node.grantee_roles) & CLIENTS)
    if node.is_grant and to:
        given = ", ".join(each.priv_name for each in node.granted_roles)
        yield judge.finding(Hazard.OPENS, "role granted", f"{', '.join(to)} get all that {given} may do")


@rule("AlterRoleStmt", "CreateRoleStmt")
def powers(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a role that is bound by no row security any more."""
    for each in node.options or ():
        if each.defname in _POWERS and each.arg is not None and truth(each.arg):
            yield judge.finding(Hazard.OPENS, "role without bounds", f"no policy binds a role with {each.defname}")


@rule("CreateFunctionStmt")
def function(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a function with its definer's rights that callers can turn against its owner."""
    if not is_definer(node.options):
        return
    name = qualified(node.funcname)
    if not search_path_set(node.options) and not _path_set_later(judge, name):
        why = f"{name} has its definer's rights and the search path of whoever calls it"
        yield judge.finding(Hazard.OPENS, "definer function without search_path", why)
    if _is_callable(judge, name, node) and _touches_tables(judge, node) and not _body_asks(judge, node):
        why = f"anybody may call {name}, which has its definer's rights, and it does not ask who calls"
        yield judge.finding(Hazard.OPENS, "definer function for everybody", why)


def _path_set_later(judge: Judge, name: str) -> bool:
    return ("search_path", "", name) in judge.scene.made.parts


def _is_callable(judge: Judge, name: str, node: Any) -> bool:
    """Tell whether everybody may call the function: a new one that is no trigger's, with its rights as they come."""
    returned = strings(node.returnType.names)[-1:] if node.returnType is not None else []
    scene = judge.scene
    return (
        returned not in (["trigger"], ["event_trigger"])
        and name.startswith(_EXPOSED)
        and scene.is_new_function(name)
        and not (node.replace and scene.before is None and not scene.has_clients)
        and not scene.made.is_closed(name, ("public",))
    )


def _touches_tables(judge: Judge, node: Any) -> bool:
    return any(next(find(each.node, ast.RangeVar), None) is not None for each in opened(judge.statement, node))


@rule("AlterFunctionStmt")
def alter_function(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a function that gets its definer's rights, or loses its search path."""
    name = qualified(node.func.objname)
    if is_definer(node.actions) and not search_path_set(node.actions):
        yield judge.finding(Hazard.OPENS, "definer function", f"{name} gets its definer's rights")
    for each in node.actions or ():
        if (
            each.defname == "set"
            and each.arg.name in {"search_path", None}
            and each.arg.kind.name.startswith("VAR_RESET")
        ):
            yield judge.finding(Hazard.OPENS, "search_path reset", f"{name} takes the search path of whoever calls it")


@rule("ViewStmt")
def view(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a view that shows its owner's rows to whoever may read it."""
    name = relation(node.view)
    invoker = option(node.options, "security_invoker")
    if (invoker is not None and truth(invoker)) or not _is_exposed(judge, name):
        return
    if node.view.relpersistence == "t" or next(find(node.query, ast.RangeVar), None) is None:
        return
    yield judge.finding(Hazard.OPENS, "view of its owner", f"{name} passes row security: it has no security_invoker")


def _is_exposed(judge: Judge, name: str) -> bool:
    """Tell whether clients get at *name* as it comes: it lies where they look, and nobody took their rights."""
    scene = judge.scene
    unknown = scene.before is None
    return name.startswith(_EXPOSED) and (unknown or scene.has_clients) and not scene.made.is_closed(name)


@rule("CreateTableAsStmt")
def materialised(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a materialised view, or a copy of a table, which has no row security."""
    name = relation(node.into.rel)
    if node.into.rel.relpersistence == "t" or not _is_exposed(judge, name):
        return
    if node.objtype is ObjectType.OBJECT_MATVIEW:
        why = f"{name} is a materialised view, which no row security holds for"
        yield judge.finding(Hazard.OPENS, "materialised view", why)
    elif judge.scene.has_clients and name not in judge.scene.made.secured:
        yield judge.finding(Hazard.OPENS, "table without row security", f"{name} is a copy without row security")


@rule("CreateStmt")
def table(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a new table without row security, where clients look and the others have it."""
    name = relation(node.relation)
    scene = judge.scene
    if node.relation.relpersistence == "t" or not scene.has_clients or not _is_exposed(judge, name):
        return
    if scene.is_new(name) and name not in scene.made.secured and node.partbound is None:
        yield judge.finding(Hazard.OPENS, "table without row security", f"whoever may reach {name} gets every row")


@rule("AlterTableStmt")
def view_options(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a view that loses security_invoker, and a trigger-like right that is taken from row security."""
    for command in node.cmds or ():
        name = command.subtype.name
        options = command.def_ if isinstance(command.def_, tuple) else ()
        given = option(options, "security_invoker")
        if given is None:
            continue
        if name == "AT_ResetRelOptions" or not truth(given):
            why = f"{relation(node.relation)} passes row security from now on"
            yield judge.finding(Hazard.OPENS, "view of its owner", why)


@rule("InsertStmt")
def bucket(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a bucket of stored objects that is made public."""
    if relation(node.relation) != "storage.buckets" or node.selectStmt is None:
        return
    names = [each.name for each in node.cols or ()]
    place = names.index("public") if "public" in names else None
    rows = getattr(node.selectStmt, "valuesLists", None) or ()
    conflict = node.onConflictClause.targetList if node.onConflictClause is not None else ()
    made = place is not None and any(constant(row[place]) in (True, "true", "t") for row in rows)
    if made or any(each.name == "public" and constant(each.val) in (True, "true", "t") for each in conflict or ()):
        yield judge.finding(Hazard.OPENS, "public bucket", "everybody can read a public bucket")


@rule("UpdateStmt")
def published(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a bucket that is made public later."""
    if relation(node.relation) == "storage.buckets":
        for each in node.targetList or ():
            if each.name == "public" and constant(each.val) is not False:
                yield judge.finding(Hazard.OPENS, "public bucket", "everybody can read a public bucket")
