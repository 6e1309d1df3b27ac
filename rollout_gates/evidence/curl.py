"""A line for the shell that repeats a request. In place of secrets it has variables: `$TOKEN`, `$ANON_KEY`, ..."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z0-9@%_+=:,./-]+")
_GLOB = re.compile(r"[][{}]")
_DOTS = re.compile(r"/\.{1,2}(?:/|$|\?)")
_UNSAFE = re.compile(r"[\"$`\\!]")
_WORD = re.compile(r"[A-Za-z0-9_]")
_PLACEHOLDER = re.compile(r"\[redacted:([^\]]*)\]")
# What curl sets by itself, or what must differ the second time.
_LEFT_OUT = frozenset({"content-length", "host", "accept-encoding", "user-agent", "x-request-id"})
_OWN_VARIABLE = frozenset({"anon_key", "service_role_key"})


def curl(
    method: str, url: str, headers: Iterable[tuple[str, str]], body: str | None, body_file: str | None = None
) -> str:
    """Return the command. *url*, *headers* and *body* are redacted already.

    *body_file* names the file that holds a body which is binary or too long for a line.
    """
    pairs = list(headers)
    words = ["curl", "--include", *_method(method, has_body=body is not None or body_file is not None)]
    if _GLOB.search(_PLACEHOLDER.sub("", url)):
        words.append("--globoff")
    if _DOTS.search(url):
        words.append("--path-as-is")
    words.append(quoted(url))
    for name, value in pairs:
        if name.lower() not in _LEFT_OUT:
            words += ["--header", quoted(f"{name}: {value}" if value else f"{name};", _variable_in(name))]
    if body is not None or body_file is not None:
        if not any(name.lower() == "content-type" for name, _ in pairs):
            words += ["--header", quoted("content-type:")]
        words += ["--data-raw", quoted(body)] if body_file is None and body is not None else []
        words += ["--data-binary", quoted(f"@{body_file}")] if body_file is not None else []
    return " ".join(words)


def _method(method: str, *, has_body: bool) -> list[str]:
    if method == "HEAD" and not has_body:
        return ["--head"]
    if method == ("POST" if has_body else "GET"):
        return []
    return ["--request", quoted(method)]


def _variable_in(header: str) -> str | None:
    """The variable for an unknown secret in this header."""
    return {"authorization": "TOKEN", "apikey": "ANON_KEY"}.get(header.lower())


def quoted(text: str, variable: str | None = None) -> str:
    """Quote *text* for a POSIX shell; each ``[redacted:NAME]`` becomes a variable.

    *variable* is used instead of a name of its own, except for the keys that have one (anon, service role).
    """
    pieces = _PLACEHOLDER.split(text)
    if len(pieces) == 1:
        return text if _PLAIN.fullmatch(text) else _single(text)
    literals, names = pieces[0::2], [_variable(name, variable) for name in pieces[1::2]]
    if any(_UNSAFE.search(literal) for literal in literals):
        return "".join(_interleaved([_single(literal) if literal else "" for literal in literals], names, '"${}"'))
    return f'"{"".join(_interleaved(literals, names, "${}"))}"'


def _interleaved(literals: list[str], names: list[str], form: str) -> Iterable[str]:
    """Yield literals and variables in turn; a variable that a word character follows gets braces."""
    yield literals[0]
    for name, literal in zip(names, literals[1:], strict=True):
        yield form.replace("{}", f"{{{name}}}" if _WORD.match(literal) else name)
        yield literal


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _variable(name: str, instead: str | None) -> str:
    if instead is not None and name not in _OWN_VARIABLE:
        return instead
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "SECRET"
