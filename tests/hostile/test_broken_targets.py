"""The smoke gate against targets that misbehave: one clear line each, the right status, no secret, and an end in time."""

from __future__ import annotations

import pytest

from tests.hostile import targets
from tests.hostile.gate import SIGNATURES, check_decent, environment_file, planted, run_gate
from tests.hostile.mangling import mangling
from tests.proof.gate import WHOLE
from tests.sandbox.running import running

# Each target takes a run of its own. These are of each kind; the whole proof (PROOF=all) does the others as well.
EVERY_DAY = {"dead port", "garbage", "silence", "500", "a list", "its own request"}
# Seconds, for a machine that is busy: without a bound these runs take ten minutes and more.
WITHIN_S = 90
NONE_JUDGED, FAILED = 6, 1

UNREACHABLE = {
    "dead port": (targets.dead_port(), "no connection: connection refused"),
    "unknown host": (targets.unknown_host(), "no-such-host.invalid:443: the host name is unknown; check the URL"),
    "unknown certificate": (targets.self_signed(), "the TLS certificate is not accepted: "),
    "reset": (targets.resetting(), "the connection was closed without an answer"),
    "silence": (targets.silent(), "no answer within 1 s"),
    "garbage": (targets.saying_bytes(bytes(range(256)) * 10), "the answer is not HTTP: "),
    "endless headers": (
        targets.saying_bytes(b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 2_000_000 + b"\r\n\r\n"),
        "the answer is not HTTP: ",
    ),
}


@pytest.mark.parametrize("name", [name for name in sorted(UNREACHABLE) if WHOLE or name in EVERY_DAY])
def test_a_target_that_gives_no_answer_cannot_be_judged(tmp_path, name):
    serve, says = UNREACHABLE[name]
    with targets.serving(serve) as base:
        ended = run_gate(environment_file(tmp_path, base, timeout_s=1))

    check_decent(ended, within_s=WITHIN_S)
    assert ended.status == NONE_JUDGED
    assert ended.counts() == {"inconclusive": 25}
    assert {row["reason"] for row in ended.clauses.values()} == {"source absent"}
    assert says in ended.told()[0]
    assert len(ended.told()) <= 8, "one cause is told many times"
    assert len(ended.output.splitlines()) < 70


WRONG_TYPES = {
    "ok": "yes", "voices": {"a": 1}, "generations": 5, "task_id": 17, "generation_id": None, "id": [1],
    "upload_url": 3, "voice_id": {}, "pagination": [1, 2], "capabilities": ["x"], "provider": 1, "result": "x",
    "status": 200, "signed_in": "true", "user": [], "detail": {"a": 1}, "events": "none",
}  # fmt: skip

ANSWERING = {
    "HTML": targets.answering(200, "<html><body>Welcome</body></html>", kind="text/html"),
    "401": targets.answering(401, {"detail": "Invalid or expired token"}),
    "404": targets.answering(404, {"detail": "Not found"}),
    "500": targets.answering(500, {"detail": "boom"}),
    "429": targets.answering(429, {"detail": "Too many requests", "retry_after_seconds": 1}, {"retry-after": "1"}),
    "redirects in a circle": targets.looping(),
    "a list": targets.answering(200, [1, "a", None]),
    "null": targets.answering(200, None),
    "wrong types": targets.answering(200, WRONG_TYPES),
    "its own request": targets.echoing(),
}


@pytest.mark.parametrize("name", [name for name in sorted(ANSWERING) if WHOLE or name in EVERY_DAY])
def test_a_target_that_answers_nonsense_is_judged_and_fails(tmp_path, name):
    with targets.serving(ANSWERING[name]) as base:
        ended = run_gate(environment_file(tmp_path, base))

    check_decent(ended, within_s=WITHIN_S)
    assert ended.status == FAILED
    assert ended.counts()["red"] >= 15
    assert "green" not in ended.counts()
    health = next(line for line in ended.told() if line.startswith("RED           TTS-SMOKE-01: "))
    assert "GET /functions/v1/api/health as 'anon' returned" in health or "where JSON was expected" in health
    assert len(ended.output.splitlines()) < 250


def test_bodies_that_never_end_are_cut_and_judged(tmp_path):
    with targets.serving(targets.dripping()) as base:
        ended = run_gate(environment_file(tmp_path, base, timeout_s=1))

    check_decent(ended, within_s=WITHIN_S)
    assert ended.status == FAILED
    assert "body did not end within 1 s" in ended.output


@pytest.mark.parametrize("seed", [1, 2, 3] if WHOLE else [2])
def test_wrong_values_in_answers_redden_clauses_and_crash_nothing(tmp_path, seed):
    limits = ("tier1_user=250", "tier2_user=1000", "tier3_ip=100000")
    with running("--mode=qwen", "--lane=task", *(f"--setting=tts.rate_limits.{limit}" for limit in limits)) as sandbox:
        held = {name: sandbox.ready["variables"][name] for name in ("TTS_ANON_KEY", *SIGNATURES)}
        upstream = sandbox.ready["systems"]["tts"]["api_url"].partition("/functions/")[0]
        with targets.serving(mangling(upstream, seed, share=0.15)) as base:
            ended = run_gate(environment_file(tmp_path, base, timeout_s=10), **held)

    check_decent(ended, within_s=WITHIN_S)
    assert ended.status == FAILED
    assert not any("check errored" in line for line in ended.told())


def test_tokens_that_have_expired_are_said_to(tmp_path):
    with targets.serving(ANSWERING["404"]) as base:
        ended = run_gate(environment_file(tmp_path, base), **planted(expires_in_s=-600))

    check_decent(ended, within_s=WITHIN_S)
    told = "the token in TTS_USER_A_TOKEN expired 10 min ago; sign in again and export a new one"
    assert any("not configured" in line and told in line for line in ended.told())
    assert ended.clauses["TTS-SMOKE-03"]["outcome"] == "inconclusive"


def test_tokens_that_the_target_has_let_expire_are_said_to(tmp_path):
    with running("--mode=qwen", "--lane=task") as sandbox:
        held = {name: sandbox.ready["variables"][name] for name in ("TTS_ANON_KEY", *SIGNATURES)}
        sandbox.control("POST", "clock", {"skip_s": 200_000})
        base = sandbox.ready["systems"]["tts"]["api_url"].partition("/functions/")[0]
        ended = run_gate(environment_file(tmp_path, base, timeout_s=10), **held)

    check_decent(ended, within_s=WITHIN_S)
    assert ended.status == NONE_JUDGED
    assert ended.counts() == {"green": 2, "inconclusive": 23}
    assert "the target does not accept the token in TTS_USER_A_TOKEN; sign in again" in ended.output
