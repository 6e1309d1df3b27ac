"""A built web application: its page, the scripts and styles that it leads to, and their source maps."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from rollout_gates.json_text import parse
from rollout_gates.secret_search.finding import Finding, Scan
from rollout_gates.secret_search.searching import BUILT, VALUES_ONLY, Searcher, without_repeats

MOST_FILES: Final = 400
MOST_BYTES: Final = 64 * 2**20
MOST_BYTES_OF_ONE: Final = 16 * 2**20
TITLE: Final = "Web bundle"
_SCRIPTS: Final = (".js", ".mjs", ".cjs")
_MAP: Final = re.compile(r"[#@]\s*sourceMappingURL=([^\s'\"*]+)")
# Chunks that a script loads when they are needed stand in it as texts.
_CHUNK: Final = re.compile(r"[\"'`]((?:\.{0,2}/)?[\w@./-]{1,200}\.(?:js|mjs|css))[\"'`]")
_LINKED: Final = {"modulepreload", "preload", "prefetch", "stylesheet", "manifest"}


@dataclass(frozen=True)
class Asset:
    """One file of a bundle; *base* is what its own links are relative to."""

    place: str
    text: str
    base: str = ""

    @property
    def is_script(self) -> bool:
        """Whether it holds code: a bundle without any was not found."""
        return urlsplit(self.place).path.endswith(_SCRIPTS) or "<script" in self.text


@dataclass(frozen=True)
class Fetched:
    """What came of asking for one address: the text, unless *problem* says why there is none; and the map it names."""

    text: str = ""
    size_bytes: int = 0
    source_map: str = ""
    problem: str | None = None


Fetch = Callable[[str], Awaitable[Fetched]]


@dataclass
class Bundle:
    """The files that were found, and those that were not read."""

    subject: str
    assets: list[Asset] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    size_bytes: int = 0
    cut: str | None = None

    @property
    def has_script(self) -> bool:
        """Whether any code was found."""
        return any(asset.is_script for asset in self.assets)

    @property
    def room(self) -> bool:
        """Whether one more file may be read."""
        return len(self.assets) < MOST_FILES and self.size_bytes < MOST_BYTES


async def from_address(address: str, fetch: Fetch) -> Bundle:
    """Fetch the page at *address* and whatever it leads to on its own origin, within the limits above."""
    bundle, home = Bundle(address), _origin(address)
    ahead, known = [(address, True)], {address}
    while ahead:
        url, needed = ahead.pop(0)
        if not bundle.room:
            bundle.cut = _limit(url)
            break
        got = await fetch(url)
        if got.problem is not None:
            # A text that looks like the name of a script need not be one.
            bundle.left_out += [f"{url} ({got.problem})"] if needed else []
            continue
        asset = Asset(url, got.text, url)
        bundle.assets.append(asset)
        bundle.size_bytes += got.size_bytes
        named = [urljoin(url, got.source_map)] if got.source_map else []
        for link, wanted in (*((each, True) for each in named), *links(asset)):
            if link not in known and _origin(link) == home:
                known.add(link)
                ahead.append((link, wanted))
    return bundle


def from_directory(directory: Path) -> Bundle:
    """Read every file of a build, within the limits above."""
    bundle = Bundle(str(directory))
    for path in sorted(path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()):
        place, size = path.relative_to(directory).as_posix(), path.stat().st_size
        if not bundle.room:
            bundle.cut = _limit(place)
            break
        if size > MOST_BYTES_OF_ONE:
            bundle.left_out.append(f"{place} ({size} bytes, more than {MOST_BYTES_OF_ONE})")
            continue
        data = path.read_bytes()
        if b"\x00" in data[:8192]:
            bundle.left_out.append(f"{place} (not text)")
            continue
        bundle.assets.append(Asset(place, data.decode("utf-8", "replace")))
        bundle.size_bytes += size
    return bundle


def search_bundle(bundle: Bundle, searcher: Searcher) -> Scan:
    """Search every file, the sources inside of source maps one by one, and maps that stand inside of scripts."""
    findings = [finding for asset in bundle.assets for finding in _in_asset(asset, searcher)]
    return Scan(
        TITLE,
        bundle.subject,
        len(bundle.assets),
        bundle.size_bytes,
        without_repeats(findings),
        tuple(bundle.left_out),
        tuple(searcher.told(BUILT)),
        bundle.cut,
    )


def _limit(place: str) -> str:
    return f"the limit of {MOST_FILES} files or {MOST_BYTES} bytes was reached before {place}"


def _in_asset(asset: Asset, searcher: Searcher) -> Iterator[Finding]:
    sources = list(sources_of(asset.text))
    found = [each for name, text in sources for each in searcher.search(text, f"{asset.place} [{name}]", BUILT)]
    yield from found
    told = {each.fingerprint for each in found}
    ways = VALUES_ONLY if sources else BUILT
    yield from (each for each in searcher.search(asset.text, asset.place, ways) if each.fingerprint not in told)
    for text in _embedded_maps(asset.text):
        yield from _in_asset(Asset(f"{asset.place} [source map]", text), searcher)


def sources_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each source that stands in a source map; nothing for any other text."""
    if '"mappings"' not in text:
        return
    try:
        found = parse(text.lstrip(")]}'\n"))
    except ValueError:
        return
    listed = found.get("sections") if isinstance(found, dict) else None
    maps = [each.get("map") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else [found]
    for each in maps:
        names, texts = (each.get("sources"), each.get("sourcesContent")) if isinstance(each, dict) else (None, None)
        if isinstance(names, list) and isinstance(texts, list):
            yield from ((str(name), text) for name, text in zip(names, texts, strict=False) if isinstance(text, str))


def _embedded_maps(text: str) -> Iterator[str]:
    for match in _MAP.finditer(text):
        head, comma, data = match[1].partition(",")
        if not (comma and head.startswith("data:")):
            continue
        try:
            yield base64.b64decode(data).decode("utf-8", "replace") if head.endswith(";base64") else unquote(data)
        except (ValueError, binascii.Error):
            continue


def links(asset: Asset) -> Iterator[tuple[str, bool]]:
    """Yield the addresses that *asset* leads to, and whether each is surely one."""
    page = _Page()
    base = asset.base
    if "<" in asset.text[:2048]:
        page.feed(asset.text)
        base = urljoin(base, page.base)
    yield from ((urljoin(base, link), True) for link in page.links)
    named = (match[1] for match in _MAP.finditer(asset.text))
    yield from ((urljoin(asset.base, link), True) for link in named if not link.startswith("data:"))
    if urlsplit(asset.base).path.endswith(_SCRIPTS) or page.has_script:
        for match in _CHUNK.finditer(asset.text):
            yield from ((link, False) for link in _readings(asset.base, match[1]))


def _readings(base: str, chunk: str) -> Iterable[str]:
    """Return what *chunk* may mean: a bundler writes the paths of chunks from the script, or from the root."""
    return dict.fromkeys((urljoin(base, chunk), urljoin(base, f"/{chunk.lstrip('./')}")))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class _Page(HTMLParser):
    """What a page leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.base = ""
        self.has_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note scripts, what is linked as part of the application, and the base of all of that."""
        given = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = given.get("href", "")
        if tag == "script":
            self.has_script = True
            self.links += [given["src"]] if given.get("src") else []
        if tag == "link" and _LINKED & set(given.get("rel", "").lower().split()):
            self.links += [given["href"]] if given.get("href") else []
