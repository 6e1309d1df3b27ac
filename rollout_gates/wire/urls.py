"""URLs that an answer gives: taken apart, joined, and refused, without ever raising what nobody expects."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from rollout_gates.wire.errors import BadAnswer, shown_url

Origin = tuple[str, str, int | None]


def is_usable(url: str) -> bool:
    """Tell whether *url* is an absolute http(s) address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def joined(base: str, target: str) -> str:
    """Return *target*, which the answer to *base* gave, as an address that can be fetched.

    Raises `BadAnswer` when it cannot be one: the target was reached, and answered wrongly.
    """
    try:
        url = urljoin(base, target)
    except ValueError:
        url = target
    if not is_usable(url):
        raise BadAnswer(f"{shown_url(base)}: the answer leads to {shown_url(url)!r}, which is no http(s) address")
    return url


def origin(url: str) -> Origin:
    """Return scheme, host and port of *url*; all of it in place of the host where it cannot be taken apart."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", url, None
    return parts.scheme, parts.hostname or "", port
