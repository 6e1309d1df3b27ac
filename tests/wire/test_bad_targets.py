"""Targets that misbehave: one clear line each, never a traceback, never a secret."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
import ssl

import pytest
import trustme

from rollout_gates.reasons import Reason
from rollout_gates.wire import (
    CouldNotJudge,
    NotConfigured,
    TargetUnreachable,
    TimedOut,
    TlsFailed,
)
from tests.wire.scene import OK, asynchronous, raw_server, request_head, saying, scene

SECRET = "s3cr3t-t0k3n-value"


async def problem_with(it, url, kind, method="GET", **options):
    """Send, expect *kind*, and check that its message is one clean line that the transcript holds as well."""
    with pytest.raises(CouldNotJudge) as caught:
        await it.wire.send(method, url, headers={"authorization": f"Bearer {SECRET}"}, **options)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in message
    assert SECRET not in message
    assert "?" not in message
    assert it.lines()[-1]["error"] == message
    assert it.lines()[-1]["status"] is None
    return message


@asynchronous
async def test_an_unknown_host_is_named(tmp_path):
    async with scene(tmp_path) as it:
        message = await problem_with(it, f"https://no-such-host.invalid/a?token={SECRET}", TargetUnreachable)

    assert message == "no-such-host.invalid:443: the host name is unknown; check the URL in the environment file"


@asynchronous
async def test_a_refused_connection_names_host_and_port(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with scene(tmp_path) as it:
            message = await problem_with(it, f"http://127.0.0.1:{port}/", TargetUnreachable)

    assert message == f"127.0.0.1:{port}: no connection: connection refused"


@asynchronous
async def test_a_connection_that_nobody_accepts_times_out(tmp_path):
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # fill the queue of those who wait to be accepted
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        port = deaf.getsockname()[1]
        async with scene(tmp_path, timeout_s=0.4) as it:
            message = await problem_with(it, f"http://127.0.0.1:{port}/", TimedOut)

    assert message == f"127.0.0.1:{port}: no connection within 0.32 s"


@asynchronous
async def test_an_answer_that_never_starts_times_out(tmp_path):
    async def silent(reader, writer):
        await reader.read()

    async with raw_server(silent) as url, scene(tmp_path, timeout_s=0.3) as it:
        message = await problem_with(it, f"{url}/health?token={SECRET}", TimedOut)

    assert message == f"GET {url}/health: no answer within 0.3 s"


@asynchronous
async def test_headers_that_drip_for_ever_time_out(tmp_path):
    async def drip(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: 1\r\n")
            await asyncio.sleep(0.1)

    async with raw_server(drip) as url, scene(tmp_path, timeout_s=0.5) as it:
        started = asyncio.get_running_loop().time()
        message = await problem_with(it, url, TimedOut)
        assert asyncio.get_running_loop().time() - started < 3

    assert message.endswith("no answer within 0.5 s")


@asynchronous
async def test_a_connection_closed_without_an_answer_is_said_and_not_repeated(tmp_path):
    requests = []

    async def hang_up(reader, writer):
        requests.append(await request_head(reader))

    async with raw_server(hang_up) as url, scene(tmp_path) as it:
        message = await problem_with(it, f"{url}/x", TargetUnreachable)

    assert message == f"GET {url}/x: the connection was closed without an answer"
    assert len(requests) == 1, "a lost GET was sent a second time behind our back"


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\x01\x02\x03\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n"]
)
@asynchronous
async def test_an_answer_that_is_not_http_is_said(tmp_path, garbage):
    async with raw_server(saying(garbage)) as url, scene(tmp_path) as it:
        message = await problem_with(it, url, TargetUnreachable)

    assert "the answer is not HTTP" in message


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def context_for(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def tls_server(certificate, authority, tmp_path):
    """Serve with *certificate*; yield the base URL and the file of the authority that signed it."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    async with raw_server(saying(OK), ssl=context_for(certificate)) as url:
        yield url, str(file)


@asynchronous
async def test_a_certificate_of_a_private_authority_is_accepted_when_configured(tmp_path, authority):
    async with (
        tls_server(authority.issue_cert("127.0.0.1"), authority, tmp_path) as (url, file),
        scene(tmp_path, ca_file=file) as it,
    ):
        reply = await it.wire.send("GET", url)

    assert reply.status == 200


@asynchronous
async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path, authority):
    async with (
        tls_server(authority.issue_cert("127.0.0.1"), authority, tmp_path) as (url, _),
        scene(tmp_path) as it,
    ):
        message = await problem_with(it, url, TlsFailed)

    assert message.startswith(f"{url.removeprefix('https://')}: the TLS certificate is not accepted: ")
    assert "issuer certificate" in message or "self-signed" in message


@asynchronous
async def test_a_certificate_for_another_host_is_refused(tmp_path, authority):
    async with (
        tls_server(authority.issue_cert("other.example"), authority, tmp_path) as (url, file),
        scene(tmp_path, ca_file=file) as it,
    ):
        message = await problem_with(it, url, TlsFailed)

    assert "mismatch" in message


@asynchronous
async def test_an_expired_certificate_is_refused(tmp_path, authority):
    past = dt.datetime(2020, 1, 2, tzinfo=dt.UTC)
    certificate = authority.issue_cert("127.0.0.1", not_before=dt.datetime(2020, 1, 1, tzinfo=dt.UTC), not_after=past)
    async with tls_server(certificate, authority, tmp_path) as (url, file), scene(tmp_path, ca_file=file) as it:
        message = await problem_with(it, url, TlsFailed)

    assert "expired" in message


@asynchronous
async def test_plain_http_where_tls_was_expected_is_said(tmp_path):
    async def plain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with raw_server(plain) as url, scene(tmp_path) as it:
        message = await problem_with(it, url.replace("http:", "https:"), TlsFailed)

    assert "the TLS handshake failed: " in message


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org/x", "ftp://example.org", "http://", "https://host:99999/", "http://[::1", "http:///x"),
        *(
            f"http://{'a' * 70}.org/",
            "http://a..b/",
        ),
    ],
)
@asynchronous
async def test_a_url_that_cannot_be_used_is_said(tmp_path, url):
    async with scene(tmp_path) as it:
        message = await problem_with(it, url, NotConfigured)

    assert "is not a usable URL" in message


@asynchronous
async def test_a_password_in_a_url_is_refused_and_not_shown(tmp_path):
    async with scene(tmp_path) as it:
        message = await problem_with(it, f"https://user:{SECRET}@example.org/x", NotConfigured)

    assert message == "https://example.org/x: a user or password must not stand in a URL"


def test_each_problem_has_its_reason():
    assert TargetUnreachable("x").reason is TimedOut("x").reason is Reason.SOURCE_ABSENT
    assert NotConfigured("x").reason is Reason.NOT_CONFIGURED
