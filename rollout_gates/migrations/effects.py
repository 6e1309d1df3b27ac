"""What a change of a database did to those who use it, told from the facts of two moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rollout_gates.migrations.facts import Difference

if TYPE_CHECKING:
    from rollout_gates.migrations.visible import Visible

CLIENTS = ("public", "anon", "authenticated")
_SHAPE = ("table", "column", "constraint", "index", "trigger", "view", "function", "type")
_SWITCHES = ("row_security", "forced")
_RIGHTS = ("grant", "column grant", "execute", "default privilege")


def lost(found: Iterable[Difference]) -> list[str]:
    """Return what is gone, or is not of the kind that it was."""
    return [str(each) for each in found if each.kind in _SHAPE and _is_lost(each)]


def _is_lost(each: Difference) -> bool:
    judge = _CHANGES.get(each.kind)
    if each.what == "lost" or each.before is None or each.after is None or judge is None:
        return each.what == "lost"
    return judge(each.before, each.after)


def _unique(facts: Mapping[str, Any]) -> bool:
    return str(facts["definition"]).startswith("CREATE UNIQUE")


def _holds(labels: Any, wanted: Any) -> bool:
    return set(wanted or ()) <= set(labels or ())


_CHANGES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = {
    "column": lambda before, after: any(before[key] != after[key] for key in ("type", "identity", "generated")),
    "trigger": lambda before, after: bool(before["enabled"] != after["enabled"]),
    "index": lambda before, after: _unique(before) and not _unique(after),
    "type": lambda before, after: not _holds(after.get("labels"), before.get("labels")),
}
"""When a change of what is still there amounts to a loss."""


def narrowed(found: Iterable[Difference]) -> list[str]:
    """Return columns that demand more than before, or fill themselves with something else."""
    return [str(each) for each in found if each.kind == "column" and each.what == "changed" and _is_narrowed(each)]


def _is_narrowed(each: Difference) -> bool:
    before, after = each.before or {}, each.after or {}
    return (after["not_null"] and not before["not_null"]) or (
        before["default"] is not None and before["default"] != after["default"]
    )


def opened(found: Iterable[Difference]) -> list[str]:
    """Return what clients may do now and could not before, or are not asked any more."""
    return [str(each) for each in found if _is_opened(each)]


def _is_opened(each: Difference) -> bool:
    before, after = each.before or {}, each.after or {}
    if each.kind == "policy":
        return each.what in {"lost", "changed"}
    if each.kind == "table" and each.what == "changed":
        return bool(before["row_security"] and not after["row_security"]) or bool(
            before["forced"] and not after["forced"]
        )
    if each.kind in _RIGHTS and each.what != "lost" and each.name.rpartition(" to ")[2] in CLIENTS:
        more = set(str(after["rights"]).split(", ")) - set(str(before.get("rights", "")).split(", "))
        return bool(more) and (each.what == "changed" or each.kind == "default privilege")
    if each.kind == "function" and each.what == "changed":
        return bool(after["definer"] and (not before["definer"] or before["settings"] != after["settings"]))
    if each.kind == "view" and each.what == "changed":
        return _invoker(before) and not _invoker(after)
    return False


def _invoker(facts: Mapping[str, Any]) -> bool:
    return any(str(each).startswith("security_invoker=") for each in facts.get("options") or ())


def granted(found: Iterable[Difference], old: Iterable[str]) -> list[str]:
    """Return rights that clients got on the relations and functions *old*, which were there before."""
    known = set(old)
    return [
        str(each)
        for each in found
        if each.kind in _RIGHTS[:3]
        and each.what == "added"
        and each.name.rpartition(" to ")[2] in CLIENTS
        and (each.name.rpartition(" to ")[0] in known or each.name.rpartition(" to ")[0].rpartition(".")[0] in known)
    ]


def unlike(found: Iterable[Difference], old: Iterable[str]) -> list[str]:
    """Return every policy, right and switch of row security of the tables *old* that is not as it was."""
    known = tuple(f"{name}." for name in old)
    return [str(each) for each in found if _is_rule(each, known)]


def _is_rule(each: Difference, known: tuple[str, ...]) -> bool:
    if each.kind == "policy":
        return each.what != "added" or each.name.startswith(known)
    if each.kind in _RIGHTS:
        return each.what != "added" or each.name.startswith(known) or f"{each.name.rpartition(' to ')[0]}." in known
    before, after = each.before or {}, each.after or {}
    return each.kind == "table" and each.what == "changed" and any(before[key] != after[key] for key in _SWITCHES)


def seen_more(before: Visible, after: Visible) -> list[str]:
    """Return what roles see now of rows from before that they did not see."""
    return [
        f"{role} sees {after[role, table]} rows of {table}, before {told}"
        for (role, table), told in before.items()
        if isinstance(now := after.get((role, table)), int) and (isinstance(told, str) or now > told)
    ]


def seen_less(before: Visible, after: Visible) -> list[str]:
    """Return what roles do not see any more."""
    return [
        f"{role} is answered {after.get((role, table))} for {table}, before {told}"
        for (role, table), told in before.items()
        if isinstance(told, int) and (not isinstance(now := after.get((role, table)), int) or now < told)
    ]
