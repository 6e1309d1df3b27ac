"""What aiohttp raises before an answer, in one line of ours."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from rollout_gates.wire.errors import (
    CouldNotJudge,
    NotConfigured,
    TargetUnreachable,
    TimedOut,
    TlsFailed,
    one_line,
    shown_url,
)


def explained(problem: BaseException, method: str, url: str, *, connect_s: float, read_s: float) -> CouldNotJudge:
    """Return the error to raise for *problem*. A ``ValueError`` (a header that cannot be sent) is raised as it is."""
    place, call = _place(url), f"{method} {shown_url(url)}"
    for kinds, say in _lines(place, call, url, connect_s, read_s):
        if isinstance(problem, kinds):
            return say(problem)
    if isinstance(problem, ValueError):
        raise problem
    return TargetUnreachable(f"{call}: the connection was closed without an answer")


_Line = tuple[tuple[type[BaseException], ...], Callable[[Any], CouldNotJudge]]


def _lines(place: str, call: str, url: str, connect_s: float, read_s: float) -> tuple[_Line, ...]:
    """The kinds of problem, the special before the general, each with its line."""
    return (
        (
            (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, UnicodeError),
            lambda _: NotConfigured(f"{shown_url(url)!r} is not a usable URL"),
        ),
        (
            (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError),
            lambda p: TlsFailed(f"{place}: the TLS certificate is not accepted: {_certificate(p)}"),
        ),
        (
            (aiohttp.ClientSSLError, ssl.SSLError),
            lambda p: TlsFailed(f"{place}: the TLS handshake failed: {_handshake(p)}"),
        ),
        (
            (aiohttp.ClientConnectorDNSError,),
            lambda _: TargetUnreachable(f"{place}: the host name is unknown; check the URL in the environment file"),
        ),
        (
            (aiohttp.ConnectionTimeoutError,),
            lambda _: TimedOut(f"{place}: no connection within {connect_s:g} s"),
        ),
        (
            (aiohttp.ClientConnectorError,),
            lambda p: TargetUnreachable(f"{place}: no connection: {_refused(p)}"),
        ),
        (
            (TimeoutError,),
            lambda _: TimedOut(f"{call}: no answer within {read_s:g} s"),
        ),
        (
            (aiohttp.ClientResponseError,),
            lambda p: TargetUnreachable(f"{place}: the answer is not HTTP: {one_line(p.message, 100)}"),
        ),
    )


def _place(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _certificate(problem: BaseException) -> str:
    inner = getattr(problem, "certificate_error", problem)
    return one_line(getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or inner, 160)


def _handshake(problem: BaseException) -> str:
    inner = getattr(problem, "os_error", None) or problem
    reason = getattr(inner, "reason", None)
    return one_line(reason, 100).replace("_", " ").lower() if reason else "no reason given"


def _refused(problem: aiohttp.ClientConnectorError) -> str:
    code = problem.os_error.errno
    return os.strerror(code).lower() if code else type(problem.os_error).__name__


def broken(problem: BaseException) -> str:
    """Return in a few words how a body broke off."""
    text = f"{problem} {problem.__cause__ or ''}".lower()
    if "contentlength" in text.replace(" ", ""):
        return "fewer bytes than its content-length"
    if "transferencoding" in text.replace(" ", ""):
        return "the chunked encoding is not complete or not valid"
    if "reset" in text:
        return "connection reset"
    return "connection lost"
