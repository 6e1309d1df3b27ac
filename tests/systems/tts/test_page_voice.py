"""A voice is found and chosen whichever way a page offers it. Needs Chromium on the machine."""

from __future__ import annotations

import asyncio

import pytest

from rollout_gates.browser import has_browser, open_page
from rollout_gates.systems.tts.flows.matrix.page_voice import VoiceChoice

NATIVE = """
<label for="v">Voice</label>
<select id="v" onchange="chosen.textContent = this.value">
  <option value="0">somebody</option><option value="1">mine</option><option value="2" disabled>theirs</option>
</select><output id="chosen"></output>
"""
OWN = """
<span id="l">Choose a voice</span>
<button role="combobox" aria-labelledby="l" aria-expanded="false" aria-controls="list"
        onclick="list.hidden = false; this.setAttribute('aria-expanded', 'true')">...</button>
<div id="list" role="listbox" hidden onclick="pick(event.target)">
  <div role="option" data-id="0">somebody</div><div role="option" data-id="1">mine</div>
  <div role="option" data-id="2" aria-disabled="true">theirs</div>
</div><output id="chosen"></output>
<script>
  const box = document.querySelector("[role=combobox]");
  const close = () => { list.hidden = true; box.setAttribute("aria-expanded", "false"); };
  const pick = (option) => { chosen.textContent = option.dataset.id; close(); };
  addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
</script>
"""
pytestmark = pytest.mark.skipif(not has_browser(), reason="no Chromium on this machine")


def on_a_page(html, act):
    async def run():
        async with open_page(5) as page:
            await page.set_content(html)
            return await act(page, VoiceChoice(page))

    return asyncio.run(run())


@pytest.mark.parametrize("html", [NATIVE, OWN], ids=["select", "combobox"])
def test_voices_are_seen_as_the_page_offers_them(html):
    async def act(_page, choice):
        return [await choice.shows(name) for name in ("mine", "theirs", "nobody's")]

    assert on_a_page(html, act) == [(True, True), (True, False), (False, False)]


@pytest.mark.parametrize("html", [NATIVE, OWN], ids=["select", "combobox"])
def test_voice_is_chosen_by_its_name(html):
    async def act(page, choice):
        await choice.shows("theirs")
        await choice.choose("mine")
        return await page.locator("#chosen").inner_text()

    assert on_a_page(html, act) == "1"
