"""A headless browser for checks of web pages: the Chromium of the machine, driven by Playwright (extra ``ui``)."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import AsyncIterator
from functools import cache
from typing import TYPE_CHECKING

from rollout_gates.wire.errors import NotConfigured

if TYPE_CHECKING:
    from playwright.async_api import Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = ("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync")


@cache
def find_chromium() -> str | None:
    """Return the path of the machine's Chromium, or ``None``."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@cache
def has_browser() -> bool:
    """Tell whether pages can be looked at: Playwright is installed, and the machine has Chromium."""
    return importlib.util.find_spec("playwright") is not None and find_chromium() is not None


@contextlib.asynccontextmanager
async def open_page(timeout_s: float) -> AsyncIterator[Page]:
    """Yield an empty page of a browser of its own, which ends with the block; each step waits *timeout_s* at most.

    Raises `NotConfigured` where there is no browser. TLS is verified.
    """
    chromium = find_chromium()
    if chromium is None or not has_browser():
        raise NotConfigured("pages need Chromium on this machine, and the extra 'ui': pip install 'rollout-gates[ui]'")
    from playwright.async_api import async_playwright  # noqa: PLC0415 - an extra that most runs do without

    async with async_playwright() as playwright:
        # Chromium's own sandbox cannot be had by root, as which containers run.
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=[*_FLAGS], chromium_sandbox=os.geteuid() != 0
        )
        try:
            page = await browser.new_page()
            page.set_default_timeout(timeout_s * 1000)
            yield page
        finally:
            await browser.close()
