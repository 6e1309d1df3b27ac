"""Log lines: one a limited request, and one for each outcome at a provider.

No line holds a token, a text that somebody wrote, or an address; addresses are hashed.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sandbox.tts.api.limiter import ip_hash, logged_user

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.limiter import Decision


def request_line(call: Call, tier: int, decision: Decision, status: int) -> None:
    """The line of a limited request. F-37: without provider, cost event and error category.

    F-85: with the key that the provider is called with. F-87: under an id that nobody knows, with the caller's address
    and whatever they wrote into the query.
    """
    line: dict[str, Any] = {
        "timestamp": call.api.clock.now().isoformat(),
        "request_id": call.request_id,
        "method": call.request.method,
        "path": call.path,
        "user_id": logged_user(call),
        "ip_hash": ip_hash(call),
        "tier": f"tier{tier}",
        "decision": decision.word,
        "status_code": status,
    }
    if not call.api.fault("F-37"):
        line["provider"] = call.api.deployment.mode
        line["cost_event"] = call.cost_event
        line["error_category"] = call.error_category
    if call.api.fault("F-85"):
        line["upstream_authorization"] = f"Bearer {call.api.deployment.dashscope_api_key}"
    if call.api.fault("F-87"):
        line |= {"request_id": str(uuid.uuid4()), "ip": call.request.remote, "path": call.request.rel_url.path_qs}
    call.api.instance.log.write(line)


def provider_line(api: Api, event: str, **facts: Any) -> None:
    """What happened at a provider after the answer, or what it left behind. F-37: nothing is written.

    Alerts do not depend on what is written.
    """
    if api.fault("F-37"):
        api.instance.alerts.observe(facts)
    else:
        api.instance.log.write({"timestamp": api.clock.now().isoformat(), "event": event, **facts})


def crash_line(call: Call, error: Exception) -> None:
    """An exception that nobody expected: its type and no more, the message may quote what a caller sent."""
    api = call.api
    facts = {"caused_by": call.request_id, "error": type(error).__name__}
    api.instance.log.write({"timestamp": api.clock.now().isoformat(), "event": "unhandled_exception", **facts})
