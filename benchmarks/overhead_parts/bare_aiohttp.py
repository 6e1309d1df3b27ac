"""Baseline (a) once more, on the fastest client there is: aiohttp, concurrency 16, no framework."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp


async def main(url: str, folder: Path) -> None:
    cases = [json.loads(file.read_text()) for file in sorted(folder.rglob("*.json"))]
    slots = asyncio.Semaphore(16)

    async def check(client: aiohttp.ClientSession, case: dict) -> None:
        async with slots, client.get(f"{url}{case['request']['path']}") as reply:
            status, body = reply.status, await reply.json()
        expected = case["expect"]["any"]
        assert status == expected["status"]
        assert body == expected["json"]

    async with aiohttp.ClientSession() as client:
        await asyncio.gather(*(check(client, case) for case in cases))


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
