"""The web application, as small as it can be: sign in, choose a voice, have a text spoken.

It is served at `/` and `/generate`, and calls `/api/...` on its own origin, which is the API (section 1.1). What a
bundler would have made of it lies below `/assets/`.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.tts import bundle

if TYPE_CHECKING:
    from sandbox.tts.instance import Instance

PATHS = frozenset({"/", "/generate"})
ASSETS = "/assets/"
_KINDS = {"js": "text/javascript", "css": "text/css", "map": "application/json"}
_PAGE = Path(__file__).with_name("web.html")
# F-52: what a build had baked in before the cap was advertised.
_BAKED_IN_CAP = 100


def page(instance: Instance) -> web.Response:
    """The page of *instance*. F-52: it counts up to a cap of its own, not to the advertised one."""
    cap = str(_BAKED_IN_CAP) if instance.faults.on("F-52") else ""
    text = _PAGE.read_text(encoding="utf-8")
    for mark, value in {"{{anon_key}}": instance.deployment.anon_key, "{{baked_in_cap}}": cap}.items():
        text = text.replace(mark, html.escape(value, quote=True))
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers={"Cache-Control": "no-store"})


def asset(instance: Instance, path: str) -> web.Response:
    """The file of the bundle at *path*."""
    found = bundle.files(instance).get(path.removeprefix(ASSETS))
    if found is None:
        return web.Response(status=404, text="Not found")
    kind = _KINDS[path.rpartition(".")[2]]
    return web.Response(text=found, content_type=kind, charset="utf-8", headers={"Cache-Control": "no-store"})
