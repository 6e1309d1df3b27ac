"""Where a voice is chosen on a page: a native select, or a combobox of the page's own with options (WAI-ARIA 1.2)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

_VOICE = re.compile("voice", re.IGNORECASE)


@dataclass(frozen=True)
class VoiceChoice:
    """The list of voices on *page*. Each method raises Playwright's error where the page has none."""

    page: Page

    async def shows(self, name: str) -> tuple[bool, bool]:
        """Tell whether a voice with *name* in its label is listed, and whether it can be chosen."""
        async with self._options() as options:
            found = options.filter(has_text=name).first
            listed = await found.count() > 0
            return listed, listed and await found.is_enabled()

    async def choose(self, name: str) -> None:
        """Choose the voice with *name* in its label."""
        async with self._options() as options:
            found = options.filter(has_text=name).first
            if await self._is_native():
                await self._box.select_option(label=await found.text_content())
            else:
                await found.click()

    @property
    def _box(self) -> Locator:
        return self.page.get_by_role("combobox", name=_VOICE)

    @contextlib.asynccontextmanager
    async def _options(self) -> AsyncIterator[Locator]:
        """Open the list where it has to be opened; what is still open at the end is closed."""
        await self._box.wait_for()
        if await self._is_native():
            yield self._box.locator("option")
            return
        await self._box.click()
        options = self.page.get_by_role("option")
        await options.first.wait_for()
        yield options
        if await self._box.get_attribute("aria-expanded") == "true":
            await self.page.keyboard.press("Escape")

    async def _is_native(self) -> bool:
        return bool(await self._box.evaluate("box => box instanceof HTMLSelectElement"))
