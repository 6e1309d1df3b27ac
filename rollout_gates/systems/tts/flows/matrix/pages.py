"""The web application in a browser: what it counts, what can be chosen, what it says of errors, how it falls back.

Things on the page are found as a person finds them, by role and label. What the API says to the page is put in its
mouth where no real answer can be had without cost: a voice of the other provider, an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.browser import open_page
from rollout_gates.conductor import flow
from rollout_gates.environment import Secret
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.accounts import granted
from rollout_gates.systems.tts.client import Caller
from rollout_gates.systems.tts.flows.matrix.cloning import voice_row
from rollout_gates.systems.tts.flows.matrix.page_voice import VoiceChoice
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.identities import USER_A, Identity
from rollout_gates.systems.tts.replies import json_object, value
from rollout_gates.systems.tts.samples import characters, spoken, tag
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import Locator, Page, Route

    from rollout_gates.conductor import Context

_COUNTER = re.compile(r"(\d[\d.,\s]*?)\s*(?:/|of)\s*(\d[\d.,]*)")
_PATIENCE_S = 15.0
ERRORS = (
    "Provider is temporarily unavailable. Please try again.",
    "Provider request timed out. Please try again.",
)
"""Texts of section 6.4 that the page has to pass on."""
OTHERS_VOICE = "voice of the other provider"


@dataclass(frozen=True)
class Counted:
    """The page with a text of *length*: the two numbers of its counter, and whether the text can be sent."""

    length: int
    shown: tuple[int, int] | None
    sendable: bool


@dataclass(frozen=True)
class Fallback:
    """A text sent while streaming fails: status of each call to speak, in order, by its path."""

    calls: tuple[tuple[str, int], ...]

    def status(self, path: str) -> int | None:
        """The status of the last call of *path*; ``None`` when there was none."""
        return next((status for asked, status in reversed(self.calls) if asked == path), None)


@dataclass(frozen=True)
class Pages:
    """What was seen on the page where a text is spoken. *cap* is the advertised one.

    *other_voice* and *own_voice* tell whether each is listed, and whether it can be chosen. *errors* maps what the
    API said to whether the page showed it. *toggle* tells whether one can choose how speech is delivered, and
    *toggle_allowed* whether the API advertises that. *fallback* is ``None`` where nothing is streamed.
    """

    cap: int
    at: Counted
    over: Counted
    own_voice: tuple[bool, bool]
    other_voice: tuple[bool, bool]
    errors: tuple[tuple[str, bool], ...]
    toggle: bool
    toggle_allowed: bool
    fallback: Fallback | None


@flow("pages")
async def pages(context: Context) -> Pages:
    """Look at the page in a browser. Raises `NotConfigured` where there is none, or nobody can sign in."""
    async with scene(context) as stage:
        settings = stage.session.settings
        if settings.web_url is None:
            raise NotConfigured("this clause looks at pages: set web_url")
        email, password, user = await _who(stage)
        voice = await voice_row(user, await own_voice(stage, user)) or {}
        told = value(json_object(await stage.session.anon.languages()), "capabilities")
        capabilities = told if isinstance(told, dict) else {}
        async with open_page(min(_PATIENCE_S, context.wire.timeout_s)) as page:
            with _in_the_browser():
                await _add_a_voice(page, "modal" if settings.is_qwen else "qwen")
                await page.goto(f"{settings.web_url}/generate")
                await _sign_in(page, email, password)
                return await _look(stage, Speaker(page), str(voice.get("name")), capabilities)


async def _look(stage: Scene, speaker: Speaker, voice: str, capabilities: Mapping[str, Any]) -> Pages:
    advertised = value(capabilities, "max_text_chars")
    cap = advertised if isinstance(advertised, int) else stage.session.settings.cap
    own, other = await speaker.voice.shows(voice), await speaker.voice.shows(OTHERS_VOICE)
    await speaker.voice.choose(voice)
    at, over = await _counted(speaker, cap), await _counted(speaker, cap + 1)
    toggle = await speaker.page.get_by_role("checkbox", name=re.compile("stream", re.IGNORECASE)).is_visible()
    errors = tuple([(said, await _error_shown(stage, speaker, said)) for said in ERRORS])
    fallback = await _fallback(stage, speaker) if _streams(stage) else None
    return Pages(
        cap, at, over, own, other, errors, toggle, value(capabilities, "allow_generate_mode_toggle") is True, fallback
    )


def _streams(stage: Scene) -> bool:
    return stage.session.settings.is_qwen and stage.session.settings.lane == "realtime"


# --- who


async def _who(stage: Scene) -> tuple[str, str, Identity]:
    """Return e-mail, password and identity of one who signs in by hand: a new user, else user A."""
    session = stage.session
    if not session.settings.sign_up:
        email, password = (session.settings.secret(f"user_a_{name}") for name in ("email", "password"))
        if email is None or password is None:
            raise NotConfigured("one signs in by hand on a page: name user_a_email and user_a_password, or set sign_up")
        return email.reveal(), password.reveal(), await session.identities.get(USER_A)
    email_address = (
        f"rollout-gate-{tag(stage.context.run_id)}-page-{secrets.token_hex(3)}@{session.settings.email_domain}"
    )
    word = secrets.token_urlsafe(24)
    stage.context.wire.recorder.redactor.register(word, "page_password")
    planned = session.things.planned("user", email_address, email_address, how="signed up for this run")
    grant = granted(await session.accounts.sign_up(email_address, word))
    if grant is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "auth_url gave no token at sign-up, so nobody can sign in on a page")
    session.things.made(planned, grant.user_id)
    stage.context.wire.recorder.redactor.register(grant.token, "page_token")
    client = session.anon.speaking_as(Caller("page", Secret(grant.token), user=True))
    return email_address, word, Identity("page", email_address, grant.user_id, client, fresh=True)


async def _sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_label(re.compile("e-?mail", re.IGNORECASE)).fill(email)
    await page.get_by_label(re.compile("password", re.IGNORECASE)).fill(password)
    await page.get_by_role("button", name=re.compile(r"(sign|log)\s*in", re.IGNORECASE)).click()


# --- the page


@dataclass(frozen=True)
class Speaker:
    """The form in which a text is spoken."""

    page: Page

    @property
    def text(self) -> Locator:
        """Where the text is written."""
        return self.page.get_by_role("textbox", name=re.compile("text", re.IGNORECASE))

    @property
    def voice(self) -> VoiceChoice:
        """Where the voice is chosen."""
        return VoiceChoice(self.page)

    @property
    def send(self) -> Locator:
        """What has the text spoken."""
        return self.page.get_by_role("button", name=re.compile("generate|speak", re.IGNORECASE))


async def _counted(speaker: Speaker, length: int) -> Counted:
    await speaker.text.fill(characters(length))
    kept = len(await speaker.text.input_value())
    shown = [_numbers(found) for found in _COUNTER.findall(await speaker.page.locator("body").inner_text())]
    sendable = kept == length and await speaker.send.is_enabled()
    return Counted(length, next((pair for pair in shown if pair[0] == kept), None), sendable)


def _numbers(found: tuple[str, str]) -> tuple[int, int]:
    first, second = (int(re.sub(r"\D", "", number)) for number in found)
    return first, second


async def _error_shown(stage: Scene, speaker: Speaker, said: str) -> bool:
    """Have the API refuse with *said*, and tell whether the page shows it."""

    async def refuse(route: Route) -> None:
        await route.fulfill(status=502, json={"detail": said})

    await speaker.page.route("**/api/generate", refuse)
    await speaker.page.route("**/api/generate/stream", refuse)
    await speaker.text.fill(spoken(stage.context.run_id, "Refused on a page"))
    await speaker.send.click()
    shown = await _seen(speaker.page.get_by_text(said, exact=True).first)
    await speaker.page.unroute("**/api/generate")
    await speaker.page.unroute("**/api/generate/stream")
    return shown


async def _seen(found: Locator) -> bool:
    from playwright.async_api import TimeoutError as NotSeen  # noqa: PLC0415 - an extra that most runs do without

    try:
        await found.wait_for(state="visible", timeout=_PATIENCE_S / 3 * 1000)
    except NotSeen:
        return False
    return True


async def _fallback(stage: Scene, speaker: Speaker) -> Fallback:
    """Send a text while its stream breaks, and see where the page turns."""
    calls: list[tuple[str, int]] = []
    done = asyncio.Event()

    def hear(response: Any) -> None:
        path = response.url.partition("?")[0].rpartition("/api/")[2]
        if response.request.method == "POST" and path in ("generate", "generate/stream"):
            calls.append((path, response.status))
            if path == "generate":
                done.set()

    speaker.page.on("response", hear)
    await stage.pay("generate")
    async with _broken_streams(stage, speaker.page):
        await speaker.text.fill(spoken(stage.context.run_id, "Fall back on a page"))
        await speaker.send.click()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _PATIENCE_S)
    return Fallback(tuple(calls))


@contextlib.asynccontextmanager
async def _broken_streams(stage: Scene, page: Page) -> AsyncIterator[None]:
    """Within the block, no stream comes to its first byte: at the provider where that is ours, else in the browser."""
    if stage.ground is None:
        await page.route("**/api/generate/stream", lambda route: route.abort())
        yield
        return
    await stage.ground.providers.script("dashscope", "realtime", status=500, times=0)
    yield
    await stage.ground.providers.unscript("dashscope")


async def _add_a_voice(page: Page, provider: str) -> None:
    """Let the list of voices that the page gets hold one of *provider*, beside those that are there."""

    async def add(route: Route) -> None:
        response = await route.fetch()
        answer = json.loads(await response.text())
        if isinstance(answer, dict) and isinstance(answer.get("voices"), list) and answer["voices"]:
            named = {"id": "00000000-0000-4000-8000-000000000000", "name": OTHERS_VOICE, "tts_provider": provider}
            answer["voices"] = [*answer["voices"], {**answer["voices"][0], **named}]
        await route.fulfill(response=response, json=answer)

    await page.route(re.compile(r"/api/voices(\?|$)"), add)


@contextlib.contextmanager
def _in_the_browser() -> Any:
    """Turn what the browser cannot find or reach into what keeps a clause from being judged."""
    from playwright.async_api import Error  # noqa: PLC0415 - an extra that most runs do without

    try:
        yield
    except Error as problem:
        said = " ".join(problem.message.split("\n")[0].split())
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the page could not be used as expected: {said}") from None
