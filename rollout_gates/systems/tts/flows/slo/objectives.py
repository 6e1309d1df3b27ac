"""What is demanded over time (section 7.17 of the contract), with the targets that the environment file sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollout_gates.slo.judging import Objective, Plan

if TYPE_CHECKING:
    from rollout_gates.systems.tts.settings import Settings

START, COMPLETION, CANCELS = "start success", "completion", "cancel success"
MEDIAN, P95, FIRST_BYTE = "median latency", "p95 latency", "median first byte"
DURABLE, STREAM_ENDS = "durable persistence", "streams heard to their end"
BUDGETS: Final = (START, COMPLETION, MEDIAN, P95, FIRST_BYTE)
"""A window in which one of these is missed is a bad one."""
LATENCIES: Final = (MEDIAN, P95, FIRST_BYTE)
ALPHA: Final = 0.05
FRACTIONS: Final = (0.25, 0.5, 0.75, 1.0)


def streams(settings: Settings) -> bool:
    """Whether this deployment streams."""
    return settings.lane == "realtime" and settings.is_qwen


def objectives(settings: Settings) -> tuple[Objective, ...]:
    """Return what is judged of this deployment."""
    slo = settings.slo

    def rate(name: str, key: str) -> Objective:
        return Objective(name, f"[tts.slo] {key}", getattr(slo, key, None))

    def quantile(name: str, share: float, key: str) -> Objective:
        return Objective(name, f"[tts.slo] {key}", share, getattr(slo, key, None), quantile=True)

    found = [
        rate(START, "start_success"),
        rate(COMPLETION, "completion"),
        Objective(DURABLE, "always all", 1.0),
        quantile(MEDIAN, 0.5, "median_s"),
        quantile(P95, 0.95, "p95_s"),
        rate(CANCELS, "cancel_success"),
    ]
    if streams(settings):
        found += [quantile(FIRST_BYTE, 0.5, "first_byte_s"), Objective(STREAM_ENDS, "none: it is only told", None)]
    return tuple(found)


def plan(settings: Settings, windows: int) -> Plan:
    """Return how a run with so many *windows* judges."""
    slo = settings.slo
    judged = sum(objective.is_set for objective in objectives(settings))
    since = slo.since.timestamp() if slo is not None and slo.since is not None else None
    return Plan(ALPHA, judged * windows, slo.min_samples if slo is not None else 30, FRACTIONS, since)
