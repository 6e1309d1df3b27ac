"""The house rules. Each takes the path of a file below the root and its text, and returns the lines that break it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from rollout_gates.selection import GATES, identifier

LOCAL = {"suites", "fixtures", "rollout_gates", "sandbox", "tests", "benchmarks", "conftest"}
MAY_KNOW = {
    "suites": {"suites", "fixtures", "rollout_gates"},
    "fixtures": {"fixtures", "rollout_gates"},
    "rollout_gates": {"rollout_gates"},
    "sandbox": {"sandbox"},
    "conftest.py": {"fixtures", "rollout_gates"},
}
# A line of pyproject.toml that names a package to install.
REQUIREMENT = re.compile(r'\s*"[A-Za-z0-9._-]+(\[[a-z,]+\])?[<>=~!]=')
SYSTEM_NAMES = ("tts", "qwen", "modal", "dashscope", "stages", "full_pass")
SYSTEMS_BELONG = (
    "clauses/",
    "suites/",
    "fixtures/",
    "golden_payloads/",
    "rollout_gates/systems/",
    "sandbox/",
    "environments/",
    "docs/",
    "tests/",
    "benchmarks/",
    "README.md",
    "CHANGELOG.md",
    "conftest.py",  # it registers the fixture modules, one of which bears each system's name
)


def layers(path: str, source: str) -> list[str]:
    """Suites know fixtures, fixtures know the library, the library and the sandbox know neither each other nor those."""
    allowed = MAY_KNOW.get(path.split("/", maxsplit=1)[0])
    if allowed is None:
        return []
    return [
        f"{path}:{line}: {path.split('/', maxsplit=1)[0]} may not import {name}"
        for line, name in imports(path, source)
        if name.split(".")[0] in LOCAL - allowed
    ]


def systems_apart(path: str, source: str) -> list[str]:
    """A system's package knows no other system, and the library outside of them names none: it looks them up."""
    if not path.startswith("rollout_gates/"):
        return []
    inside = path.startswith("rollout_gates/systems/")
    mine = PurePosixPath(path).parts[2] if inside else ""
    found = []
    for line, name in imports(path, source):
        parts = name.split(".")
        if parts[:2] == ["rollout_gates", "systems"] and len(parts) > 2 and parts[2] != mine:
            found.append(f"{path}:{line}: {mine or 'the library'} may not import the system {parts[2]!r}")
    return found


def pytest_in_the_plugin_only(path: str, source: str) -> list[str]:
    """Within the library only the plugin imports pytest, so that everything else can be used without a test run."""
    if not path.startswith("rollout_gates/") or path == "rollout_gates/plugin.py":
        return []
    return [
        f"{path}:{line}: only rollout_gates/plugin.py may import {name.split('.')[0]}"
        for line, name in imports(path, source)
        if name.split(".")[0] in {"pytest", "_pytest"}
    ]


def no_system_name(path: str, text: str) -> list[str]:
    """A system is named where systems belong. Everything else works for the next one without a change."""
    if path.startswith(SYSTEMS_BELONG):
        return []
    return [
        f"{path}:{number}: names the system or provider {name!r}"
        for number, line in enumerate(text.splitlines(), start=1)
        for name in SYSTEM_NAMES
        if _names(name, line) and not (path == "pyproject.toml" and REQUIREMENT.match(line))
    ]


def _names(name: str, line: str) -> bool:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", line).casefold().replace("-", "_")
    return re.search(rf"(?<![a-z]){name}(?![a-z])", apart) is not None


def folders_are_gates(path: str, _text: str = "") -> list[str]:
    """Each folder of suites is the marker of a gate, with an underscore."""
    parts = PurePosixPath(path).parts
    known = {identifier(gate) for gate in GATES}
    if parts[0] != "suites" or len(parts) < 3 or parts[1] in known:
        return []
    return [f"{path}: suites/{parts[1]} is no gate; the gates are {', '.join(sorted(known))}"]


CASES = {"golden_case", "golden_exchange"}
"""Fixtures that give a test one golden case each, which brings its own clauses as marks."""
_FORBIDDEN_NAMES = {"skip", "skipif", "xfail", "importorskip", "skipTest", "expectedFailure"}


def no_way_out(path: str, source: str) -> list[str]:
    """A suite never skips, expects a failure, sleeps, or asserts what cannot fail."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in _FORBIDDEN_NAMES:
                found.append(f"{path}:{node.lineno}: no {name} in a suite")
            case ast.Attribute(value=ast.Name(id="time" | "asyncio"), attr="sleep"):
                found.append(f"{path}:{node.lineno}: no sleep in a suite; wait for a state, with a deadline")
            case ast.ImportFrom(module=str(module)):
                names = {alias.name for alias in node.names} & ({"sleep"} | _FORBIDDEN_NAMES)
                found += [f"{path}:{node.lineno}: no {module}.{name} in a suite" for name in sorted(names)]
            case ast.Assert(test=ast.Constant()):
                found.append(f"{path}:{node.lineno}: this assertion cannot fail, or never holds")
    return found


_BRANCHES = (ast.If, ast.IfExp, ast.Match, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Return)


def no_branches(path: str, source: str) -> list[str]:
    """A test body is a straight line: a branch is two tests, a loop is a parametrisation."""
    return [
        f"{path}:{node.lineno}: no {type(node).__name__.lower()} in {test.name}"
        for test, _owners in tests_in(source)
        for node in ast.walk(test)
        if isinstance(node, _BRANCHES)
    ]


def one_line_docstring(path: str, source: str) -> list[str]:
    """Each test says in one line what the target must do."""
    return [
        f"{path}:{test.lineno}: {test.name} needs a docstring of one line"
        for test, _owners in tests_in(source)
        if not (text := ast.get_docstring(test, clean=False)) or "\n" in text.strip()
    ]


def has_a_clause(path: str, source: str) -> list[str]:
    """Each test claims a clause: by its own mark, that of its class or module, or those of its golden cases."""
    tree = ast.parse(source)
    assigned = (node for node in tree.body if isinstance(node, ast.Assign) and _marks_clause(node.value))
    if any(isinstance(target, ast.Name) and target.id == "pytestmark" for node in assigned for target in node.targets):
        return []
    return [
        f"{path}:{test.lineno}: {test.name} claims no clause; mark it with @pytest.mark.clause(...)"
        for test, owners in tests_in(source)
        if not any(_marks_clause(mark) for owner in (test, *owners) for mark in owner.decorator_list)
        and not CASES.intersection(argument.arg for argument in test.args.args)
    ]


def _marks_clause(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr == "clause" for part in ast.walk(node))


def no_machine_path(path: str, text: str, *, root: Path, home: Path) -> list[str]:
    """No text speaks of a machine: a home directory, or where this checkout happens to lie."""
    usual = {Path(name) for name in ("/", "/tmp", "/home", "/usr", "/opt", "/var", "/srv", "/mnt", "/root")}
    places = {str(place) for place in (root, root.parent, home) if place not in usual}
    homes = r"(?<![\w.~/-])/(?:home|Users)/\w|\b[A-Z]:\\Users\\"
    here = "|".join(rf"(?<![\w.~/-]){re.escape(place)}(?![\w-])" for place in sorted(places))
    pattern = re.compile(f"{homes}|{here}")
    return [
        f"{path}:{number}: a path of somebody's machine"
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def nothing_unfinished(path: str, text: str) -> list[str]:
    """What is left to do stands in the tracker, not in the files."""
    words = re.compile(r"\b(?:TO" + "DO|FIX" + r"ME)\b")
    return [
        f"{path}:{number}: unfinished: {line.strip()[:60]}"
        for number, line in enumerate(text.splitlines(), start=1)
        if words.search(line)
    ]


def imports(path: str, source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything that *source* imports, by statement or by `import_module`."""
    package = PurePosixPath(path).parent.parts
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = [*(package[: len(package) - level + 1] if level else ()), *([module] if module else [])]
                yield from ((node.lineno, ".".join([*base, alias.name])) for alias in names)
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]) if _imports(func):
                yield node.lineno, name


def _imports(func: ast.expr) -> bool:
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    return name in {"import_module", "__import__", "importorskip"}


Test = ast.FunctionDef | ast.AsyncFunctionDef


def tests_in(source: str) -> Iterable[tuple[Test, tuple[ast.ClassDef, ...]]]:
    """Return each test function of *source* with the classes that it stands in."""
    return list(_tests(ast.parse(source), ()))


def _tests(node: ast.AST, owners: tuple[ast.ClassDef, ...]) -> Iterator[tuple[Test, tuple[ast.ClassDef, ...]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Test) and child.name.startswith("test"):
            yield child, owners
        elif isinstance(child, ast.ClassDef):
            yield from _tests(child, (*owners, child))
