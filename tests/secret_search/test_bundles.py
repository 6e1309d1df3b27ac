"""Built web applications: what leads where, and what is searched."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from rollout_gates.secret_search import bundle as bundles
from rollout_gates.secret_search.bundle import Fetched, from_address, from_directory, search_bundle
from rollout_gates.secret_search.searching import Searcher
from rollout_gates.secret_search.values import SecretValues
from tests.secret_search.planted import ANON, HELD, PROVIDER, SERVICE, noise, word

HOME = "https://app.example.com/"
PAGE = """<!doctype html><html><head><base href="/">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/style-1a2b.css">
<link rel="modulepreload" crossorigin href="/assets/vendor-3c4d.js">
<script type="module" crossorigin src="assets/index-5e6f.js"></script>
<script src="https://js.stripe.com/v3"></script></head><body></body></html>"""
CHUNKS = 'const m=["assets/Lazy-7a8b.js","./Other-9c0d.js"];import("./Lazy-7a8b.js");'


def source_map(*sources, **more):
    names = [f"../../src/{number}.ts" for number in range(len(sources))]
    return json.dumps({"version": 3, "sources": names, "sourcesContent": list(sources), "mappings": "AAAA", **more})


def site(**changed):
    files = {
        "": PAGE,
        "assets/index-5e6f.js": f"{noise(1)};{CHUNKS}\n//# sourceMappingURL=index-5e6f.js.map\n",
        "assets/index-5e6f.js.map": source_map("export const a = 1;", "const b = 2;"),
        "assets/vendor-3c4d.js": f'{noise(2)};createClient("https://abc.supabase.co","{ANON}")',
        "assets/style-1a2b.css": "body{}",
        "assets/Lazy-7a8b.js": noise(3),
        "assets/Other-9c0d.js": noise(4),
    }
    return {f"{HOME}{name}": text for name, text in {**files, **changed}.items()}


def fetched(files, address=HOME):
    asked = []

    async def fetch(url):
        asked.append(url)
        if url not in files:
            return Fetched(problem="answered 404")
        return Fetched(files[url], len(files[url]))

    return asyncio.run(from_address(address, fetch)), asked


def found(bundle):
    scan = search_bundle(bundle, Searcher(SecretValues.of(HELD)))
    return [str(each).partition(" (fingerprint")[0] for each in scan.findings]


def test_a_page_is_followed_to_scripts_chunks_styles_and_maps_of_its_origin():
    bundle, asked = fetched(site())

    assert {asset.place for asset in bundle.assets} == set(site())
    assert bundle.has_script
    assert not [url for url in asked if not url.startswith(HOME)]
    assert bundle.left_out == []
    assert found(bundle) == []


@pytest.mark.parametrize("name", ["", "assets/index-5e6f.js", "assets/style-1a2b.css", "assets/Other-9c0d.js"])
def test_a_secret_is_found_in_every_file(name):
    files = site()
    files[HOME + name] = f"{files[HOME + name]}/* {SERVICE} */"
    (told,) = found(fetched(files)[0])

    assert told.startswith(f"{HOME}{name}:")
    assert told.endswith("value of service_role_key")


def test_a_secret_is_found_by_line_in_the_source_of_a_map():
    mapped = source_map("export const a = 1;", f'// one\nexport const k = "{PROVIDER}";')
    files = site(**{"assets/index-5e6f.js.map": mapped})

    assert found(fetched(files)[0]) == [f"{HOME}assets/index-5e6f.js.map [../../src/1.ts]:2: value of provider_key"]


def test_a_secret_beside_the_sources_of_a_map_is_found_too():
    files = site(**{"assets/index-5e6f.js.map": source_map("fine", names=[SERVICE])})

    assert found(fetched(files)[0]) == [f"{HOME}assets/index-5e6f.js.map:1: value of service_role_key"]


def test_a_map_inside_of_a_script_is_searched():
    data = base64.b64encode(source_map(f'const k = "sk_live_{word(24)}"').encode()).decode()
    files = site(**{"assets/Lazy-7a8b.js": f"//# sourceMappingURL=data:application/json;charset=utf-8;base64,{data}"})

    assert found(fetched(files)[0]) == [f"{HOME}assets/Lazy-7a8b.js [source map] [../../src/0.ts]:1: Stripe secret key"]


def test_a_file_that_is_named_and_not_there_is_told():
    files = site()
    del files[f"{HOME}assets/vendor-3c4d.js"], files[f"{HOME}assets/Other-9c0d.js"]
    bundle, _asked = fetched(files)

    assert bundle.left_out == [f"{HOME}assets/vendor-3c4d.js (answered 404)"]


def test_a_page_without_scripts_is_no_bundle():
    bundle, asked = fetched({HOME: "<html><body>Parked. See 'other/a.js'</body></html>"})

    assert (bundle.has_script, asked) == (False, [HOME])


def test_files_are_bounded(monkeypatch):
    monkeypatch.setattr(bundles, "MOST_FILES", 2)
    bundle, asked = fetched(site())

    assert (len(bundle.assets), len(asked)) == (2, 2)
    assert "the limit of 2 files" in bundle.cut
    assert any(line.startswith("not whole: ") for line in search_bundle(bundle, Searcher(SecretValues())).lines())


def test_a_directory_is_read_whole(tmp_path):
    for address, text in site().items():
        path = tmp_path / (address.removeprefix(HOME) or "index.html")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "font.woff2").write_bytes(b"\x00\x01")
    assert found(from_directory(tmp_path)) == []

    (tmp_path / "assets" / "chunk.js").write_text(f'{noise(5)};a="{SERVICE.encode().hex()}"')
    bundle = from_directory(tmp_path)

    assert [told.partition(":")[0] for told in found(bundle)] == ["assets/chunk.js"]
    assert bundle.left_out == ["font.woff2 (not text)"]


def test_the_answer_to_what_was_looked_for_stands_in_the_scan():
    lines = list(search_bundle(fetched(site())[0], Searcher(SecretValues.of(HELD))).lines())

    assert lines[:2] == [HOME, f"searched: 7 files ({sum(map(len, site().values()))} bytes)"]
    assert "by value: service_role_key, provider_key, database_dsn, user_password" in lines
    assert lines[-1] == "found: nothing"
