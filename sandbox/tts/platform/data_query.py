"""Query strings of the data API as composed SQL: columns checked against the catalogue, values as parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from sandbox.tts.platform.data_errors import refused, unparsable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_ROWS = 1000
RESERVED = frozenset({"select", "order", "limit", "offset", "on_conflict", "columns", "and", "or", "not.and", "not.or"})
_COMPARISONS: dict[str, LiteralString] = {
    "eq": "{} = {}",
    "neq": "{} <> {}",
    "gt": "{} > {}",
    "gte": "{} >= {}",
    "lt": "{} < {}",
    "lte": "{} <= {}",
    "like": "{} like {}",
    "ilike": "{} ilike {}",
    "match": "{} ~ {}",
    "imatch": "{} ~* {}",
    "cs": "{} @> {}",
    "cd": "{} <@ {}",
    "isdistinct": "{} is distinct from {}",
}
_IS: dict[str, LiteralString] = {
    "null": "{} is null",
    "not_null": "{} is not null",
    "true": "{} is true",
    "false": "{} is false",
    "unknown": "{} is unknown",
}
_CASTS: dict[str, LiteralString] = {
    "text": "({})::text",
    "int": "({})::integer",
    "integer": "({})::integer",
    "bigint": "({})::bigint",
    "float": "({})::double precision",
    "numeric": "({})::numeric",
    "jsonb": "({})::jsonb",
    "json": "({})::json",
    "date": "({})::date",
    "timestamptz": "({})::timestamptz",
}
_SELECTED = re.compile(r"(?:(?P<alias>[^:.>]+):(?!:))?(?P<column>[^:]+?)(?:::(?P<cast>\w+))?")
_ORDERED = re.compile(r"(?P<column>.+?)(?:\.(?P<way>asc|desc))?(?:\.(?P<nulls>nullsfirst|nullslast))?")


@dataclass
class Query:
    """Composes the parts of one request on a relation that is called `t` in SQL, collecting its parameters.

    *called*: the relation is the result of a function, which must run only once.
    """

    relation: str
    columns: Sequence[str]
    called: bool = False
    parameters: dict[str, object] = field(default_factory=dict)

    def value(self, value: object) -> sql.Composable:
        """A placeholder for *value*."""
        name = f"v{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)

    def column(self, text: str) -> sql.Composable:
        """A column, or a path into a JSON one such as `metadata->usage->>count`. Raises Refused (400)."""
        name, *path = re.split(r"(->>?)", text.strip())
        if name not in self.columns:
            raise refused(400, "42703", f"column {self.relation}.{name} does not exist")
        composed: sql.Composable = sql.Identifier("t", name)
        for arrow, key in zip(path[::2], path[1::2], strict=True):
            step = sql.SQL("({} ->> {}::text)") if arrow == "->>" else sql.SQL("({} -> {}::text)")
            composed = step.format(composed, self.value(key))
        return composed

    def select(self, text: str) -> sql.Composable:
        """The list of wanted columns. Raises Refused (400)."""
        wanted = [self._selected(item) for item in split(text) if item.strip()]
        return sql.SQL(", ").join(wanted) if wanted else sql.SQL("t.*")

    def _selected(self, item: str) -> sql.Composable:
        item = item.strip()
        if item == "*":
            return sql.SQL("t.*")
        if "(" in item:
            other = item.partition("(")[0]
            text = f"Could not find a relationship between '{self.relation}' and '{other}' in the schema cache"
            raise refused(400, "PGRST200", text)
        match = _SELECTED.fullmatch(item)
        if match is None or (match["cast"] and match["cast"] not in _CASTS):
            raise unparsable("select parameter", item)
        column = self.column(match["column"])
        if match["cast"]:
            column = sql.SQL(_CASTS[match["cast"]]).format(column)
        label = match["alias"] or re.split(r"->>?", match["column"])[-1]
        return sql.SQL("{} as {}").format(column, sql.Identifier(label))

    def order(self, text: str) -> sql.Composable:
        """An order by clause, empty when nothing is asked for. Raises Refused (400)."""
        parts = []
        for item in split(text):
            match = _ORDERED.fullmatch(item.strip())
            if match is None:
                raise unparsable("order", text)
            way = sql.SQL(" desc") if match["way"] == "desc" else sql.SQL("")
            nulls = {"nullsfirst": sql.SQL(" nulls first"), "nullslast": sql.SQL(" nulls last")}
            end = nulls[match["nulls"]] if match["nulls"] else sql.SQL("")
            parts.append(sql.SQL("{}{}{}").format(self.column(match["column"]), way, end))
        return sql.SQL(" order by {}").format(sql.SQL(", ").join(parts)) if parts else sql.SQL("")

    def where(self, pairs: Iterable[tuple[str, str]]) -> sql.Composable:
        """A where clause of all filters among the query pairs, empty when there is none. Raises Refused (400)."""
        parts = [self._condition(name, text) for name, text in pairs if name not in RESERVED]
        parts += [self._group(name, text) for name, text in pairs if name in {"and", "or", "not.and", "not.or"}]
        return sql.SQL(" where {}").format(sql.SQL(" and ").join(parts)) if parts else sql.SQL("")

    def _group(self, name: str, text: str) -> sql.Composable:
        if not (text.startswith("(") and text.endswith(")")) or not text[1:-1]:
            raise unparsable("logic tree", text)
        members = [self._member(item.strip()) for item in split(text[1:-1])]
        joint = sql.SQL(" or ") if name.endswith("or") else sql.SQL(" and ")
        group = sql.SQL("({})").format(joint.join(members))
        return sql.SQL("not {}").format(group) if name.startswith("not.") else group

    def _member(self, item: str) -> sql.Composable:
        if match := re.match(r"((?:not\.)?(?:and|or))(\(.*)", item, re.DOTALL):
            return self._group(match[1], match[2])
        name, dot, text = item.partition(".")
        if not dot:
            raise unparsable("logic tree", item)
        return self._condition(name, text, quoted=True)

    def _condition(self, name: str, text: str, *, quoted: bool = False) -> sql.Composable:
        if text.startswith("not."):
            return sql.SQL("not ({})").format(self._condition(name, text.removeprefix("not."), quoted=quoted))
        operator, dot, operand = text.partition(".")
        if not dot:
            raise unparsable("filter", text)
        column = self.column(name)
        if operator == "in":
            return self._in(column, operand, text)
        if operator == "is":
            if operand.lower() not in _IS:
                raise unparsable("filter", text)
            return sql.SQL(_IS[operand.lower()]).format(column)
        if operator not in _COMPARISONS:
            raise unparsable("filter", text)
        operand = unquote(operand) if quoted else operand
        if operator in {"like", "ilike"}:
            operand = operand.replace("*", "%")
        return sql.SQL(_COMPARISONS[operator]).format(column, self.value(operand))

    def _in(self, column: sql.Composable, operand: str, text: str) -> sql.Composable:
        if not (operand.startswith("(") and operand.endswith(")")):
            raise unparsable("filter", text)
        if not operand[1:-1]:
            return sql.SQL("false")
        values = [self.value(unquote(item)) for item in split(operand[1:-1])]
        return sql.SQL("{} in ({})").format(column, sql.SQL(", ").join(values))


def split(text: str) -> list[str]:
    """Cut at commas outside of quotes, parentheses and braces; nothing comes of an empty text."""
    items, current, depth, quoted, escaped = [], "", 0, False, False
    for letter in text:
        if escaped or (quoted and letter == "\\"):
            escaped = not escaped
        elif letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += (letter in "({") - (letter in ")}")
        if letter == "," and not quoted and depth == 0:
            items.append(current)
            current = ""
        else:
            current += letter
    return [*items, current] if text else []


def unquote(item: str) -> str:
    """The text of a list item: without its double quotes and their escapes."""
    if len(item) >= 2 and item[0] == item[-1] == '"':
        return re.sub(r"\\(.)", r"\1", item[1:-1])
    return item
