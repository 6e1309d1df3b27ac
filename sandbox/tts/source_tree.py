"""The repository that a deployment was built from, as small as it can be: what every repository has, and no secret."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.tts.instance import Instance


def write(instance: Instance, folder: Path) -> Path:
    """Write it below *folder* and return its root. F-85: somebody committed the file with the provider's key.

    It belongs to the owner of *folder*, who removes all of that at the end.
    """
    root, owner = folder / f"source-{instance.name}", folder.stat()
    for name, text in _files(instance).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in (root, *root.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return root


def _files(instance: Instance) -> dict[str, str]:
    digest = hashlib.sha512(b"package").hexdigest()
    lock = {"name": "speak", "lockfileVersion": 3, "packages": {"node_modules/a": {"integrity": f"sha512-{digest}"}}}
    files = {
        ".gitignore": ".env\nnode_modules/\ndist/\n",
        ".env": f"DASHSCOPE_API_KEY={instance.providers.dashscope.api_key}\n",
        ".env.example": "DASHSCOPE_API_KEY=sk-your-key-here\nSTRIPE_SECRET_KEY=sk_test_...\nSUPABASE_ANON_KEY=\n",
        "README.md": "# Speak a text\n\nCopy `.env.example` to `.env` and fill in your own keys.\n",
        "package-lock.json": json.dumps(lock, indent=2),
        "src/main.ts": 'import { createClient } from "./client";\n\nexport const key = import.meta.env.VITE_KEY;\n',
        "src/client.ts": "export const createClient = (url: string, key: string) => ({ url, apikey: key });\n",
        "src/client.test.ts": 'const password = "correct-horse-1";\nexport const token = "a-token-of-nobody";\n',
        "supabase/functions/api/provider.ts": 'const key = Deno.env.get("DASHSCOPE_API_KEY");\n',
        "node_modules/a/index.js": f'module.exports={{key:"{digest}"}}\n',
    }
    if instance.faults.on("F-85"):
        files["supabase/functions/.env.production"] = files[".env"]
    return files
