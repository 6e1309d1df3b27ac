"""A trivial target: GET /items/N after a fixed delay. Prints its port, ends with its standard input."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web


async def main(delay_s: float) -> None:
    async def item(request: web.Request) -> web.Response:
        if delay_s:
            await asyncio.sleep(delay_s)
        number = int(request.match_info["number"])
        return web.json_response({"id": number, "name": f"item {number}", "tags": ["a", "b"]})

    app = web.Application()
    app.router.add_get("/items/{number}", item)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


asyncio.run(main(float(sys.argv[1])))
