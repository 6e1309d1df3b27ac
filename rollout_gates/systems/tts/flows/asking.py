"""Flows that only ask: health, languages, usage."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.settling import all_settled

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Asked:
    """One question and its answer."""

    answer: Reply


@dataclass(frozen=True)
class Usage:
    """The usage of one user: without a window, with one of a week, and with one longer than any may be."""

    default: Reply
    week: Reply
    beyond: Reply


@flow("health")
async def health(context: Context) -> Asked:
    """Ask whether the function is deployed, without credentials."""
    return Asked(await context.wire.send("GET", f"{context.settings.api_url}/health", retry="idempotent"))


@flow("languages")
async def languages(context: Context) -> Asked:
    """Ask for languages and capabilities, as a visitor would."""
    session: Session = context.session
    return Asked(await session.anon.languages())


@flow("usage")
async def usage(context: Context) -> Usage:
    """Ask for the credits usage of user A, when something was spent, so that there are events to look at."""
    session: Session = context.session
    await all_settled(context, "speech", "cancel")
    client = (await session.user_a()).client
    default, week, beyond = await asyncio.gather(
        client.credits_usage(), client.credits_usage(window_days=7), client.credits_usage(window_days=1000)
    )
    return Usage(default, week, beyond)
