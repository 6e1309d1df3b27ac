"""Searches for secrets: in the web bundle, the source tree, the log, and in what this run was answered and wrote.

Each leaves its output in the evidence. Nothing of it ever holds a secret.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rollout_gates.conductor import flow
from rollout_gates.evidence.events import FILE_NAME, read_events
from rollout_gates.evidence.sightings import MOST
from rollout_gates.reasons import Reason
from rollout_gates.secret_search.finding import Scan
from rollout_gates.secret_search.searching import ANSWERS, Searcher, without_repeats
from rollout_gates.secret_search.values import Known, Registered, SecretValues, Together
from rollout_gates.systems.tts.flows.security.declared import CLOSED, READ_AND_DELETE, READ_ONLY
from rollout_gates.systems.tts.log_source import log_lines
from rollout_gates.systems.tts.names import KEY
from rollout_gates.wire import BadAnswer, CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.secret_search.bundle import Bundle, Fetched
    from rollout_gates.systems.tts.flows.security.logs import Logs
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.systems.tts.settings import Settings

ANSWERED, LOGGED = "Answers of this run", "Log"
_PUBLIC = ("anon_key", "user_a_email", "user_b_email")
_ROWS = 200


def configured(settings: Settings) -> SecretValues:
    """Return the secrets that the environment file names, without those that anybody may know."""
    held = {name: secret.reveal() for name, secret in settings.held_secrets.items() if name not in _PUBLIC}
    return SecretValues.of({f"secrets.{name}": value for name, value in held.items()})


def _searcher(context: Context, values: Known) -> Searcher:
    """Return one for *values*; one secret has one fingerprint in all searches of a run."""
    sightings = context.wire.recorder.sightings
    return Searcher(values) if sightings is None else replace(sightings.searcher, values=values)


def _kept(context: Context, scan: Scan) -> Scan:
    """Leave the output of *scan* in the evidence."""
    context.record("secret_scan", system=KEY, title=scan.title, detail=list(scan.lines()))
    return scan


# --- what was built, and what it was built from


@flow("bundle_scan")
async def bundle_scan(context: Context) -> Scan:
    """Search the web bundle. Raises `NotConfigured`, or `CouldNotJudge` where there is none."""
    from rollout_gates.secret_search.bundle import search_bundle  # noqa: PLC0415 - few runs search

    where: str | None = context.settings.web_bundle
    if where is None:
        raise NotConfigured("name the directory or the address of the built web application as web_bundle")
    bundle = await _bundle(context, where)
    if not bundle.has_script:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "web_bundle holds no script, so it is no web application")
    return _kept(
        context, await asyncio.to_thread(search_bundle, bundle, _searcher(context, configured(context.settings)))
    )


async def _bundle(context: Context, where: str) -> Bundle:
    from rollout_gates.secret_search.bundle import from_address, from_directory  # noqa: PLC0415

    if "://" not in where:
        return await asyncio.to_thread(from_directory, Path(where))
    page = await context.wire.fetch(where, actor="visitor", retry="idempotent")
    if page.status != 200:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"web_bundle answered {page.status} where a page was expected")

    async def fetch(url: str) -> Fetched:
        return await _fetched(context, url)

    return await from_address(page.request.url, fetch)


async def _fetched(context: Context, url: str) -> Fetched:
    from rollout_gates.secret_search.bundle import MOST_BYTES_OF_ONE, Fetched  # noqa: PLC0415

    try:
        got = await context.wire.fetch(url, actor="visitor", retry="idempotent", max_bytes=MOST_BYTES_OF_ONE)
    except (CouldNotJudge, BadAnswer) as problem:
        return Fetched(problem=str(problem))
    if got.status != 200:
        return Fetched(problem=f"answered {got.status}")
    if got.content_type == "text/html" and urlsplit(url).path.endswith((".js", ".mjs", ".css", ".map")):
        return Fetched(problem="answered with a page")
    if b"\x00" in got.body[:8192]:
        return Fetched(problem="not text")
    return Fetched(got.text, len(got.body), got.header("sourcemap") or got.header("x-sourcemap"))


@flow("source_scan")
async def source_scan(context: Context) -> Scan:
    """Search the source tree. Raises `NotConfigured`, or `CouldNotJudge` where it holds nothing."""
    from rollout_gates.secret_search.tree import files_of, search_tree  # noqa: PLC0415

    root: Path | None = context.settings.source_tree
    if root is None:
        raise NotConfigured("name the directory of the repository under test as source_tree")
    searcher = _searcher(context, configured(context.settings))
    scan = await asyncio.to_thread(lambda: search_tree(files_of(root), searcher))
    if not scan.searched:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "source_tree holds no file that could be searched")
    return _kept(context, scan)


# --- what was answered


@flow("readable")
async def readable(context: Context) -> int:
    """Read whatever user A and anybody may read; return how many rows came. The recorder searches all of it."""
    session: Session = context.session
    await context.after("clone", "design", "speech", "cancel")
    client = (await session.user_a()).client
    asks = (client.me, client.languages, client.credits_usage, client.voices, client.generations)
    await asyncio.gather(*(ask() for ask in asks), session.anon.me(), session.anon.health())
    query: dict[str, str | int] = {"select": "*", "limit": _ROWS}
    tables = (*READ_ONLY, *READ_AND_DELETE, *CLOSED)
    pages = await asyncio.gather(*(who.rows(table, query) for table in tables for who in (client, session.anon)))
    return sum(_count(page.text) for page in pages if page.status == 200)


def _count(text: str) -> int:
    try:
        found = json.loads(text)
    except ValueError:
        return 0
    return len(found) if isinstance(found, list) else 0


@flow("witnessed_scan", last=True)
async def witnessed_scan(context: Context) -> Scan:
    """Return what was found in all answers to this run. Raises `CouldNotJudge` where nobody looked at any."""
    rows: int = await context.observe("readable")
    sightings = context.wire.recorder.sightings
    if sightings is None:
        raise CouldNotJudge(Reason.CHECK_DID_NOT_RUN, "answers were not searched while they were recorded")
    ours = [origin for origin in sightings.searched if origin not in _others(context)]
    searched = sum(sightings.searched[origin] for origin in ours)
    if not searched:
        raise CouldNotJudge(Reason.NO_TRAFFIC, "the deployment answered nothing that could be searched")
    remarks = (
        *sightings.searcher.told(ANSWERS),
        f"rows read through the data API: {rows}",
        f"bodies that are no text, or longer than is searched: {sum(sightings.bodiless[origin] for origin in ours)}",
    )
    if len(sightings.found) >= MOST:
        remarks = (*remarks, f"no more than {MOST} finds are kept; there may be others")
    scan = Scan(
        ANSWERED,
        context.settings.api_url,
        searched,
        sum(sightings.size_bytes[origin] for origin in ours),
        without_repeats(each.finding for each in sightings.found if each.origin in ours),
        remarks=remarks,
        what="answers",
    )
    return _kept(context, scan)


def _others(context: Context) -> set[str]:
    """Return the origins that are not the deployment: remote control of a sandbox, and the provider itself."""
    provider = context.settings.provider
    told = (provider.rest_url, provider.other_rest_url, provider.realtime_url) if provider is not None else ()
    urls = filter(None, (context.sandbox_url, *told))
    return {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls)}


# --- what was written


@flow("logs_scan", last=True)
async def logs_scan(context: Context) -> Scan:
    """Search the log: that of a playground in the sandbox, all of it on a deployment.

    Raises `NotConfigured` where nobody said how to read it, `CouldNotJudge` when no line is there.
    """
    if context.sandbox_url is not None:
        logs: Logs = await context.observe("logs")
        lines: tuple[Mapping[str, object], ...] = logs.lines
    else:
        lines = await log_lines(context.settings.logs)
    if not lines:
        raise CouldNotJudge(Reason.NO_TRAFFIC, "the log is empty, so nothing can be said of what stands in it")
    redactor, settings = context.wire.recorder.redactor, context.settings
    others = Registered(redactor, settings.server_secrets(), "secrets.{}")
    searcher = _searcher(context, Together(configured(settings), others))
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    found = await asyncio.to_thread(lambda: without_repeats(searcher.search(text, "log", ANSWERS)))
    about = "the log of a playground" if context.sandbox_url else "the log of tts.logs"
    scan = Scan(LOGGED, about, len(lines), len(text), found, remarks=tuple(searcher.told(ANSWERS)), what="lines")
    return _kept(context, scan)


@flow("written_scan", last=True)
async def written_scan(context: Context) -> Scan:
    """Search all that this run wrote so far, for every secret that it knows."""
    from rollout_gates.secret_search.written import search_written  # noqa: PLC0415

    if context.folder is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "this run keeps no evidence that could be searched")
    folder, redactor = context.folder, context.wire.recorder.redactor
    searcher = _searcher(context, Registered(redactor))

    def search() -> Scan:
        return search_written(folder, searcher, allowed=lambda match, _line: redactor.is_allowed(match.value))

    return _kept(context, await asyncio.to_thread(search))


# --- what is on record


@dataclass(frozen=True)
class ScansOnRecord:
    """Two searches, and the output of each as it stands in the evidence; ``None`` where it does not."""

    made: tuple[Scan, ...]
    recorded: Mapping[str, tuple[str, ...]]


@flow("scans_on_record")
async def scans_on_record(context: Context) -> ScansOnRecord:
    """Look for the output of the searches through bundle and source tree in the events of this run."""
    made = (await context.observe("bundle_scan"), await context.observe("source_scan"))
    if context.folder is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "this run keeps no evidence")
    events = await asyncio.to_thread(read_events, context.folder / FILE_NAME)
    rows = [event for event in events.of("secret_scan") if event.get("system") == KEY]
    return ScansOnRecord(made, {str(row["title"]): tuple(row["detail"]) for row in rows})
