"""Signed URLs that the API hands out: how long they live, and what else their tokens open."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from rollout_gates.conductor import flow
from rollout_gates.matrix import Cell, Outcome
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.accounts import claims
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.flows.security.data.exposure import of_signed_urls, overview_of_signed_urls
from rollout_gates.systems.tts.flows.security.data.objects import GENERATIONS, REFERENCES, samples_as_wav
from rollout_gates.systems.tts.flows.security.data.parties import gathered, plant_object, plant_row
from rollout_gates.systems.tts.flows.security.data.tables import BY_NAME
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.flows.security.data.parties import Parties
    from rollout_gates.wire import Reply

LONGEST_S: Final = 3600
"""How long a signed URL may live (rule 8 of section 2.0)."""
REFUSALS: Final = (400, 401, 403, 404)
OF_ANOTHER: Final = "token of"
CLIP, OTHER_CLIP, SPEECH = "clip", "another clip", "speech"
_OF: Final = {
    CLIP: ("voices", "reference_object_key"),
    OTHER_CLIP: ("voices", "reference_object_key"),
    SPEECH: ("generations", "audio_object_key"),
}
_A_YEAR_S: Final = 365 * 86_400
_LATER_S: Final = LONGEST_S + 60


@dataclass(frozen=True)
class SignedUrl:
    """One URL: the answer that handed it out, what it opened, and its lifetime in seconds by its own word, if any.

    *later* is what it answered after an hour had passed, where a clock can be put forward.
    """

    title: str
    route: Reply
    opened: Reply
    lifetime_s: float | None
    later: Reply | None = None


@dataclass(frozen=True)
class Forgery:
    """A URL that was put together from the parts of others, or altered. *there*: what it points at can be opened."""

    title: str
    reply: Reply
    there: bool


@dataclass(frozen=True)
class SignedUrls:
    """URLs of one user's clips and speech, and what was forged of them."""

    urls: tuple[SignedUrl, ...]
    forgeries: tuple[Forgery, ...]


@dataclass(frozen=True)
class _Parts:
    """A signed URL, taken apart."""

    url: str
    token: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def with_(self, *, path: str | None = None, token: str | None) -> str:
        """Return the URL with another path or token, or with none."""
        parts = urlsplit(self.url)
        query = "" if token is None else f"token={quote(token)}"
        return urlunsplit((parts.scheme, parts.netloc, path or parts.path, query, ""))


@flow("signed_urls")
async def signed_urls(context: Context) -> SignedUrls:
    """Open URLs, forge others from them, and open them again when they are over. Raises `CouldNotJudge` kinds."""
    async with scene(context) as stage:
        parties = await gathered(stage)
        routes = await _routes(stage, parties)
        client = parties.owner.user.client
        parts = _taken_apart(client, routes)
        opened = {title: await _open(client, part.url) for title, part in parts.items()}
        forged = await asyncio.gather(*(_forge(client, *each, opened) for each in _forgeries(parts)))
        later = await _later(stage, client, parts)
    urls = [
        SignedUrl(title, routes[title], opened[title], _lifetime(part.token), later.get(title))
        for title, part in parts.items()
    ]
    seen = SignedUrls(tuple(urls), tuple(forged))
    context.show(overview_of_signed_urls(seen, judged))
    context.show(of_signed_urls(seen, expiry, judged))
    return seen


def expiry(url: SignedUrl) -> Cell:
    """Return whether *url* was over within an hour, by its own word and, where that was tried, by being refused."""
    if not 200 <= url.opened.status < 300:
        return Cell(Outcome.INCONCLUSIVE, f"it opens nothing: {url.opened.status}")
    if url.later is not None and 200 <= url.later.status < 300:
        return Cell(Outcome.LEAKED, f"{url.later.status} after {_LATER_S} s")
    if url.lifetime_s is not None and url.lifetime_s > LONGEST_S:
        return Cell(Outcome.LEAKED, f"it lives {url.lifetime_s:.0f} s by its own word, at most {LONGEST_S} are allowed")
    if url.later is not None and url.later.status in REFUSALS:
        return Cell(Outcome.HELD, f"{url.later.status} after {_LATER_S} s")
    if url.later is None and url.lifetime_s is not None:
        return Cell(Outcome.HELD, f"it lives {url.lifetime_s:.0f} s by its own word")
    return Cell(Outcome.INCONCLUSIVE, "its token does not say how long it lives, and no clock can be put forward")


def judged(forgery: Forgery) -> Cell:
    """Return what *forgery* opened."""
    status = forgery.reply.status
    if 200 <= status < 300:
        return Cell(Outcome.LEAKED, f"{status}: it was opened")
    if status not in REFUSALS:
        return Cell(Outcome.INCONCLUSIVE, f"neither opened nor refused: {status}")
    if not forgery.there:
        return Cell(Outcome.INCONCLUSIVE, f"{status}, and its own URL opens nothing either")
    return Cell(Outcome.HELD, str(status))


async def _routes(stage: Scene, parties: Parties) -> dict[str, Reply]:
    """Return the answers that hand out URLs of two clips and of one speech, as far as there are such."""
    owner, service = parties.owner, parties.service
    found = {CLIP: owner.rows.get("voices"), SPEECH: owner.rows.get("generations")}
    if service is not None:
        folder = f"{owner.id}/rollout-gate-{tag(stage.context.run_id)}-signed"
        keys = {title: f"{folder}/{number}.wav" for number, title in enumerate((CLIP, OTHER_CLIP, SPEECH))}
        for number, (title, key) in enumerate(keys.items()):
            table, column = _OF[title]
            bucket = GENERATIONS if title is SPEECH else REFERENCES
            await plant_object(stage, owner.user, service, f"{bucket}/{key}", samples_as_wav(number))
            row = BY_NAME[table].row(owner.id, tag(stage.context.run_id)) | {column: key}
            found[title] = await plant_row(stage, owner.user, service, BY_NAME[table], row)
    client = owner.user.client
    usable = {title: row for title, row in found.items() if row and row.get(_OF[title][1])}
    if not usable:
        raise CouldNotJudge(
            Reason.SOURCE_ABSENT, "the user has neither a clip nor speech that a URL could be signed for"
        )
    return {title: await _asked(client, title, str(row["id"])) for title, row in usable.items()}


async def _asked(client: Client, title: str, row_id: str) -> Reply:
    return await (client.generation_audio(row_id) if title is SPEECH else client.voice_preview(row_id))


def _taken_apart(client: Client, routes: dict[str, Reply]) -> dict[str, _Parts]:
    """Return the URLs in *routes*, taken apart; what is not handed out by one is left to the clauses about it."""
    found = {}
    for title, route in routes.items():
        location = route.header("location")
        url = client.absolute(location, answered=route.request.url) if location and 300 <= route.status < 400 else ""
        if token := parse_qs(urlsplit(url).query).get("token", [""])[0]:
            found[title] = _Parts(url, token)
    if not found:
        told = ", ".join(f"{title}: {route.status}" for title, route in routes.items())
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"nothing was handed out by a URL with a token ({told})")
    return found


async def _open(client: Client, url: str) -> Reply:
    return await client.wire.send("GET", url, actor="anon")


def _forgeries(parts: dict[str, _Parts]) -> Iterator[tuple[str, str, str]]:
    """Yield what to call each forgery, its URL, and the title of what it points at."""
    for title, one in parts.items():
        yield f"{title}: without a token", one.with_(token=None), title
        yield f"{title}: altered signature", one.with_(token=_altered(one.token)), title
        for what, token in _rewritten(one.token):
            yield f"{title}: {what}", one.with_(token=token), title
        for other_title, other in parts.items():
            if other_title != title:
                yield f"{title}: {OF_ANOTHER} {other_title}", one.with_(token=other.token), title


def _altered(token: str) -> str:
    """Return *token* with one letter of its signature changed: in the middle, where no bit of it is padding."""
    start = token.rfind(".") + 1
    middle = start + (len(token) - start) // 2
    return f"{token[:middle]}{'A' if token[middle] != 'A' else 'B'}{token[middle + 1 :]}"


def _rewritten(token: str) -> Iterator[tuple[str, str]]:
    """Yield, for a JWT, what a forger would write into it: a later end, and that it needs no signature."""
    said = claims(token)
    if not isinstance(said.get("exp"), int):
        return
    head, _, signature = token.split(".")
    longer = _encoded({**said, "exp": said["exp"] + _A_YEAR_S})
    yield "a later end", f"{head}.{longer}.{signature}"
    yield "no signature", f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(said)}."


def _encoded(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def _lifetime(token: str) -> float | None:
    """Return how long a token lives from when it was made, or else from now on; ``None`` where it does not say."""
    said = claims(token)
    end, start = said.get("exp"), said.get("iat")
    if not isinstance(end, int | float):
        return None
    # Clocks differ by some seconds; what lives too long lives for days.
    return float(end - start) if isinstance(start, int | float) else max(end - time.time() - 60, 0.0)


async def _forge(client: Client, title: str, url: str, points_at: str, opened: dict[str, Reply]) -> Forgery:
    return Forgery(title, await _open(client, url), 200 <= opened[points_at].status < 300)


async def _later(stage: Scene, client: Client, parts: dict[str, _Parts]) -> dict[str, Reply]:
    """Open all once more an hour later, where a clock can be put forward."""
    if stage.ground is None:
        return {}
    await stage.ground.skip(_LATER_S)
    return {title: await _open(client, part.url) for title, part in parts.items()}
