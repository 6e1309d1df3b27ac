"""What a bundler makes of a web application: minified scripts named by their digests, a style, a source map.

Like any healthy bundle it is full of what a careless search takes for secrets: digests, embedded fonts, the anon key,
the publishable key of payments.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tts.instance import Instance

APP, VENDOR, LAZY, STYLE = "index-B7kq2xWd.js", "vendor-9fZc01Ls.js", "Voices-DqT4mE8a.js", "index-C0xw7Yp3.css"
_SOURCE = """import { createClient } from "./client";

export const ANON_KEY = "%(anon_key)s";
export const PUBLISHABLE_KEY = "%(publishable)s";%(more)s
export const client = createClient(window.location.origin, ANON_KEY);
"""
_VENDOR_SOURCE = """export function createClient(url, key) {
  return Object.freeze({ url, key, headers: { apikey: key } });
}
"""
_APP = (
    'import{c as n}from"./%(vendor)s";const e="%(anon_key)s",t="%(publishable)s";%(more)s'
    'const o=n(window.location.origin,e),r={412:"%(chunk)s"};'
    'function i(){return import("./%(lazy)s")}export{o as client,t as key,i as voices,r as chunks};\n'
    "//# sourceMappingURL=%(app)s.map\n"
)
_VENDOR = (
    'function n(e,t){return Object.freeze({url:e,key:t,headers:{apikey:t}})}const a="sha384-%(integrity)s",'
    'l="%(digest)s",p="password",s={password:"At least 8 characters",token:"sb-access-token"};'
    "function u(e,t){for(var n=t,r=0;r<e.length;r++)n=(n<<5)-n+e.charCodeAt(r)|0;return n>>>0}"
    "export{n as c,a as i,l as d,u as h,s as t,p};\n"
)
_LAZY = 'const e="data:image/png;base64,%(image)s";export{e as picture};\n'
_STYLE = '@font-face{font-family:Speak;src:url(data:font/woff2;base64,%(font)s) format("woff2")}\n'


def files(instance: Instance) -> dict[str, str]:
    """The files by their names. F-85: one of them knows the key of the service role."""
    leaks, service = instance.faults.on("F-85"), instance.deployment.service_role_key
    words = {
        "anon_key": instance.deployment.anon_key,
        "publishable": f"pk_live_{_digest('publishable')[:24]}",
        "chunk": _digest("chunk")[:8],
        "integrity": _noise("integrity", 48),
        "digest": _digest("digest"),
        "image": _noise("image", 900),
        "font": _noise("font", 1800),
        "app": APP,
        "vendor": VENDOR,
        "lazy": LAZY,
    }
    minified = f'const d="{service}";' if leaks else ""
    written = f'\nexport const ADMIN_KEY = "{service}";' if leaks else ""
    sources = [_SOURCE % {**words, "more": written}, _VENDOR_SOURCE]
    names = ["../../src/main.ts", "../../src/client.ts"]
    mapped = {"version": 3, "file": APP, "sources": names, "sourcesContent": sources, "names": [], "mappings": "AAAA"}
    return {
        APP: _APP % {**words, "more": minified},
        f"{APP}.map": json.dumps(mapped),
        VENDOR: _VENDOR % words,
        LAZY: _LAZY % words,
        STYLE: _STYLE % words,
    }


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def _noise(word: str, size: int) -> str:
    """Base64 of *size* bytes that look random and are the same each time."""
    return base64.b64encode(hashlib.shake_256(word.encode()).digest(size)).decode().rstrip("=")
