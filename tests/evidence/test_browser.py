"""The page in a real browser: it runs, it is safe, it fits, it can be used by keyboard. Needs Chromium on the machine."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rollout_gates.evidence.render import render
from tests.evidence import story
from tests.evidence.browser import Tab, tab
from tests.evidence.test_html import attacked, exchange
from tests.evidence.test_pictures import event, mp3, told

Look = Callable[[Tab], Awaitable[Any]]


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture
def look(chromium, tmp_path):
    """Open the page of an evidence directory and do something with it; return what that returns, and the tab."""

    def run(directory: Path, act: Look, *, fragment: str = "", width: int = 1440) -> tuple[Any, Tab]:
        url = (directory / "index.html").resolve().as_uri() + fragment

        async def whole() -> tuple[Any, Tab]:
            async with tab(chromium, url, tmp_path / "profile", width=width) as opened:
                return await act(opened), opened

        return asyncio.run(whole())

    return run


def seen(directory: Path) -> Path:
    """A NO-GO with exchanges behind its checks, and long words in its messages."""
    story.write_transcript(directory, "order", [exchange(1), exchange(2, url="https://shop.example/" + "long" * 80)])
    run = story.Story(directory).begin().collect().flow("order", 1.5).flow("golden:shop/order/a", 0.5)
    run.check_rest("SHOP-SMOKE-04", exchanges=[{"transcript": "transcripts/order.jsonl", "id": None}])
    run.check(
        "SHOP-SMOKE-04",
        "failed",
        message="left a charge " + "word" * 100,
        exchanges=[{"transcript": "transcripts/order.jsonl", "id": "main-1"}],
    )
    run.end("NO-GO", 1)
    render(directory)
    return directory


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_fits_and_asks_for_nothing(look, tmp_path, width):
    async def open_all(page: Tab) -> Any:
        await page.tell("document.querySelectorAll('.opener').forEach((button) => button.click())")
        await page.tell("document.getElementById('show_all_details').click()")
        await page.tell("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        return await page.tell("[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]")

    (page_width, body_width, window), page = look(seen(tmp_path / "evidence"), open_all, width=width)

    assert page_width <= window
    assert body_width <= window
    assert page.troubles == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []


def test_what_a_target_says_does_not_run(look, tmp_path):
    async def open_all(page: Tab) -> Any:
        await page.tell("document.querySelectorAll('.opener').forEach((button) => button.click())")
        await page.tell("document.getElementById('show_all_details').click()")
        await page.tell("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        return await page.tell("document.querySelectorAll('.page img[src=x], .page svg[onload], script').length")

    scripts, page = look(attacked(tmp_path / "evidence"), open_all)

    assert scripts == 3
    assert page.troubles == []


def test_a_link_to_a_clause_opens_it_with_what_its_check_saw(look, tmp_path):
    async def read(page: Tab) -> Any:
        await page.tell("document.querySelector('#clause-SHOP-SMOKE-04 details').open = true")
        await page.tell("new Promise((done) => setTimeout(done))")
        return await page.tell("document.getElementById('clause-SHOP-SMOKE-04').innerText")

    text, _ = look(seen(tmp_path / "evidence"), read, fragment="#clause-SHOP-SMOKE-04")

    assert "left a charge" in text
    assert "POST https://shop.example/orders → 200 35 ms · as buyer_a · main-1" in text
    assert '"reason": "because"' in text
    assert 'curl --include https://shop.example/orders --header "authorization: Bearer $TOKEN"' in text


def test_clauses_are_filtered_by_outcome_and_text(look, evidence):
    async def narrow(page: Tab) -> Any:
        shown = "[...document.querySelectorAll('.matrix tbody')].filter((one) => !one.hidden).map((one) => one.dataset.clause)"
        await page.tell("document.querySelector('.toggle.green input').click()")
        by_outcome = await page.tell(shown)
        await page.tell(
            "(() => { const box = document.getElementById('clause-text'); box.value = 'user_b not';"
            " box.dispatchEvent(new Event('input')); })()"
        )
        return (
            by_outcome,
            await page.tell(shown),
            await page.tell("document.getElementById('clause-count').textContent"),
        )

    (by_outcome, by_text, told), _ = look(evidence("no_go"), narrow)

    assert by_outcome == ["SHOP-SMOKE-04", "SHOP-CON-03", "SHOP-SEC-01", "SHOP-SEC-02"]
    assert by_text == ["SHOP-SEC-01"]
    assert told == "1 of 11"


def test_a_check_opens_by_keyboard_and_keeps_the_focus(look, tmp_path):
    async def press(page: Tab) -> Any:
        await page.tell("document.querySelector('#results-table .col-result').focus()")
        await page.press("Enter")
        await page.tell("new Promise((done) => setTimeout(done))")
        return await page.tell(
            "[document.activeElement.className, document.activeElement.getAttribute('aria-expanded'),"
            " document.querySelector('#results-table .check-place').innerText]"
        )

    (focused, expanded, text), _ = look(seen(tmp_path / "evidence"), press)

    assert (focused, expanded) == ("col-result", "true")
    assert "left a charge" in text


def test_a_stream_can_be_played_from_the_page(look, tmp_path):
    told(tmp_path, event(), audio=mp3())
    page = """(async () => {
        const player = document.querySelector('audio');
        if (player.readyState < 1) await new Promise((done) => player.addEventListener('loadedmetadata', done));
        return player.duration;
    })()"""

    seconds, opened = look(tmp_path, lambda tab: tab.tell(page))

    assert seconds == pytest.approx(2.1, abs=0.1)
    assert opened.troubles == []


@pytest.mark.parametrize("width", [360, 1440])
def test_streams_fit_their_page(look, tmp_path, width):
    told(tmp_path, event(label="word" * 40, audio_file=None), event(), audio=mp3())
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

    over, opened = look(tmp_path, lambda tab: tab.tell(wide), width=width)

    assert over <= 0
    assert opened.troubles == []
