"""A source tree: the files that belong to it, and the search through them. Its history is not looked at."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from rollout_gates.secret_search.finding import Finding, Scan
from rollout_gates.secret_search.kinds import Match
from rollout_gates.secret_search.searching import CODE, VALUES_ONLY, Allowed, Searcher, Ways, without_repeats

TITLE: Final = "Source tree"
MOST_FILES: Final = 50_000
MOST_BYTES: Final = 512 * 2**20
MOST_BYTES_OF_ONE: Final = 4 * 2**20
BASELINE: Final = ".secrets.baseline"
FOREIGN: Final = frozenset(
    {"node_modules", "bower_components", ".git", ".hg", ".svn", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache"}
)
"""Folders of what others wrote, wherever they are."""
BUILT: Final = frozenset(
    {"dist", "build", "out", "target", "coverage", ".next", ".nuxt", ".svelte-kit", ".vercel", ".turbo", ".output"}
)
"""Folders of what was built: left out unless they were committed."""
LOCKS: Final = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock", "poetry.lock",
     "uv.lock", "pdm.lock", "pipfile.lock", "cargo.lock", "go.sum", "composer.lock", "gemfile.lock", "flake.lock"}
)  # fmt: skip
"""Files that are full of digests: searched by value and by form, not for random values."""
_TESTS: Final = frozenset(
    {"test", "tests", "__tests__", "__mocks__", "fixtures", "mocks", "e2e", "cypress", "testdata"}
)
_PROSE: Final = (".md", ".mdx", ".rst", ".txt", ".adoc", ".svg", ".csv", ".snap", ".map")
_ALLOWS: Final = ("pragma: allowlist secret", "pragma: whitelist secret", "pragma: allowlist nextline secret")
_GIT_S: Final = 60.0


@dataclass
class Tree:
    """The files of the tree at *root*, relative to it, and what is left out."""

    root: Path
    files: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def files_of(root: Path) -> Tree:
    """List what belongs to the tree: what git knows or would take, else whatever no `.gitignore` leaves out."""
    tree = Tree(root)
    known = _known_to_git(root)
    if known is None:
        tree.remarks.append("no git repository: all files but those of .gitignore")
        tree.files = sorted(_walked(tree))
    else:
        tree.remarks.append("files that git tracks, and new ones that it would take; the history is not searched")
        tree.files = sorted(name for name in known if not FOREIGN & set(PurePosixPath(name).parts))
    return tree


def search_tree(tree: Tree, searcher: Searcher) -> Scan:
    """Search each file, within the limits above. What `.secrets.baseline` has as audited and no secret is accepted."""
    accepted = _Accepted(_audited(tree.root))
    findings: list[Finding] = []
    searched = size_bytes = 0
    left_out, cut = list(tree.left_out), None
    for name in tree.files:
        if searched >= MOST_FILES or size_bytes >= MOST_BYTES:
            cut = f"the limit of {MOST_FILES} files or {MOST_BYTES} bytes was reached before {name}"
            break
        text, why_not = _text(tree.root / name)
        if why_not is not None:
            left_out.append(f"{name} ({why_not})")
        if text is None:
            continue
        searched, size_bytes = searched + 1, size_bytes + len(text)
        findings += searcher.search(text, name, _ways(name), allowed=accepted.of(name))
    remarks = [*tree.remarks, *searcher.told(CODE)]
    if accepted.places:
        remarks.append(f"accepted by {BASELINE} or a comment: {len(accepted.places)}")
    found = without_repeats(findings)
    return Scan(TITLE, str(tree.root), searched, size_bytes, found, tuple(left_out), tuple(remarks), cut)


def _known_to_git(root: Path) -> list[str] | None:
    """Return what git tracks and what it would take, or ``None`` where there is no repository or no git."""
    # Nothing that the configuration of somebody's repository names may be run.
    options = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*"]
    command = ["git", *options, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            command, cwd=root, capture_output=True, timeout=_GIT_S, check=False, env=_plain_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def _walked(tree: Tree) -> Iterator[str]:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - for trees without git only

    specs: dict[str, GitIgnoreSpec] = {}
    for folder, folders, names in os.walk(tree.root):
        here = Path(folder).relative_to(tree.root).as_posix()
        with contextlib.suppress(OSError):
            specs[here] = GitIgnoreSpec.from_lines(
                (Path(folder) / ".gitignore").read_text("utf-8", "replace").splitlines()
            )
        for name in list(folders):
            inside = f"{here}/{name}".removeprefix("./")
            if name in FOREIGN | BUILT or _ignored(specs, f"{inside}/"):
                folders.remove(name)
                tree.left_out.append(f"{inside}/ (not code of this tree)")
        for name in names:
            inside = f"{here}/{name}".removeprefix("./")
            if not _ignored(specs, inside):
                yield inside


def _ignored(specs: Mapping[str, object], path: str) -> bool:
    for folder, spec in specs.items():
        below = path if folder == "." else path.removeprefix(f"{folder}/")
        if (folder == "." or below != path) and spec.match_file(below):  # type: ignore[attr-defined]
            return True
    return False


def _text(path: Path) -> tuple[str | None, str | None]:
    """Return the text of a file, and why not all of it or none."""
    try:
        if path.is_symlink() or not path.is_file():
            return None, None
        size = path.stat().st_size
        with path.open("rb") as file:
            data = file.read(MOST_BYTES_OF_ONE)
    except OSError as problem:
        return None, f"cannot be read: {problem.strerror}"
    if b"\x00" in data[:8192]:
        return None, "not text"
    return data.decode("utf-8", "replace"), f"only the first {len(data)} bytes" if size > len(data) else None


def _ways(name: str) -> Ways:
    """Return how a file is searched: random values are looked for where they would be in use."""
    path = PurePosixPath(name.lower())
    if path.name == BASELINE:
        return VALUES_ONLY
    quiet = path.name in LOCKS or path.suffix in _PROSE or ".test." in path.name or ".spec." in path.name
    minified = ".min." in path.name
    return replace(CODE, named=not (quiet or minified or _TESTS & set(path.parts)))


@dataclass
class _Accepted:
    """What somebody looked at and called harmless; keeps where."""

    audited: Mapping[str, frozenset[str]]
    places: set[tuple[str, int]] = field(default_factory=set)

    def of(self, name: str) -> Allowed:
        """Return the rule for the file *name*."""

        def accepts(match: Match, line: str) -> bool:
            known = self.audited.get(name, frozenset())
            found = bool(known & {_digest(match.value), _digest(match.core)}) or any(word in line for word in _ALLOWS)
            if found:
                self.places.add((name, match.start))
            return found

        return accepts


def _digest(value: str) -> str:
    """Return the digest of a secret as the baseline has it."""
    return hashlib.sha1(value.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _audited(root: Path) -> dict[str, frozenset[str]]:
    """Return the digests that the baseline has as no secrets, by file. What nobody audited yet is not accepted."""
    try:
        found = json.loads((root / BASELINE).read_bytes())["results"]
        return {
            str(name): frozenset(str(row["hashed_secret"]) for row in rows if row.get("is_secret") is False)
            for name, rows in found.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
