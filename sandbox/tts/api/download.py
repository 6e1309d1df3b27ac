"""Fetching synthesised audio: only from hosts that are known to hold it, again only after a fault that may pass."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from sandbox.tts.api.dashscope_client import timeout
from sandbox.tts.api.provider_errors import (
    DOWNLOAD_FAILED,
    TIMEOUT,
    UNAVAILABLE,
    UNAVAILABLE_TEXT,
    UNKNOWN,
    ProviderFailed,
    category_of,
)

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api

ATTEMPT_S = 60.0
PAUSES_S = (0.3, 0.6)
PROVIDER_DOMAIN = ".aliyuncs.com"


async def download(api: Api, url: str) -> bytes:
    """The bytes at *url*, never empty. Up to three attempts. Raises ProviderFailed.

    F-83: one attempt, without an end. F-84: another one also after a 4xx.
    """
    target = allowed_url(api, url)
    for pause_s in (*PAUSES_S, None):
        try:
            return await _attempt(api, target)
        except ProviderFailed as failure:
            final = failure.status is not None and failure.status < 500 and not api.fault("F-84")
            if pause_s is None or final or api.fault("F-83"):
                raise
        await asyncio.sleep(pause_s)
    raise AssertionError("the last attempt has no pause")


def allowed_url(api: Api, url: str) -> URL:
    """*url*, if audio may come from there: https at the provider's domain, or a host of the allowlist.

    The provider writes its URLs with http and serves them over https as well. F-82: any URL will do.
    """
    try:
        target = URL(url, encoded=True)
        host = (target.host or "").lower()
        place = f"{host}:{target.port}"
    except ValueError as error:
        raise ProviderFailed(UNKNOWN, DOWNLOAD_FAILED, raw=f"Invalid URL: '{url}'") from error
    if api.fault("F-82") and target.scheme in {"http", "https"} and _is_here(host):
        return target
    listed = api.deployment.audio_host_allowlist
    if target.scheme in {"http", "https"} and target.user is None and target.password is None:
        if host in listed or place in listed:
            return target
        if host.endswith(PROVIDER_DOMAIN) and target.is_default_port():
            return target.with_scheme("https") if target.scheme == "http" else target
    raise ProviderFailed(UNKNOWN, DOWNLOAD_FAILED, raw=f"Invalid URL: '{url}'")


def _is_here(host: str) -> bool:
    """Whether *host* is this machine, however it is written: not even a faulty sandbox calls anybody else."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)} if host else set()
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address).is_loopback for address in found)


async def _attempt(api: Api, target: URL) -> bytes:
    limit = timeout(api)
    if limit.total is not None:
        limit = aiohttp.ClientTimeout(total=min(ATTEMPT_S, limit.total))
    try:
        async with api.http.get(target, timeout=limit, allow_redirects=api.fault("F-82")) as reply:
            status, body = reply.status, await reply.read()
    except TimeoutError as error:
        raise ProviderFailed(TIMEOUT, DOWNLOAD_FAILED) from error
    except (aiohttp.ClientError, OSError) as error:
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error)) from error
    if not 200 <= status < 300:
        raw = body[:1200].decode("utf-8", "replace")[:300]
        raise ProviderFailed(category_of(status), DOWNLOAD_FAILED, raw=raw, status=status)
    if not body:
        raise ProviderFailed(UNAVAILABLE, DOWNLOAD_FAILED, status=status)
    return body
