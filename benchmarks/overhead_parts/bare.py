"""Baseline (a): the same requests and assertions from a bare asyncio client, concurrency 16, no framework."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import httpx


async def main(url: str, folder: Path) -> None:
    cases = [json.loads(file.read_text()) for file in sorted(folder.rglob("*.json"))]
    slots = asyncio.Semaphore(16)

    async def check(client: httpx.AsyncClient, case: dict) -> None:
        async with slots:
            reply = await client.get(f"{url}{case['request']['path']}")
        expected = case["expect"]["any"]
        assert reply.status_code == expected["status"]
        assert reply.json() == expected["json"]

    async with httpx.AsyncClient(trust_env=False) as client:
        await asyncio.gather(*(check(client, case) for case in cases))


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
