"""All flows about bursts, failures, logs and alerts, in one place to be registered from."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.security.alerts import alerts
from rollout_gates.systems.tts.flows.security.bursts import (
    burst_beside,
    burst_costs,
    burst_over,
    burst_tier_2,
    burst_tier_3,
    limiter_outage,
)
from rollout_gates.systems.tts.flows.security.bursts_bounds import bounds
from rollout_gates.systems.tts.flows.security.bursts_counters import old_counters
from rollout_gates.systems.tts.flows.security.bursts_forged import burst_forged_subjects, burst_forged_victim
from rollout_gates.systems.tts.flows.security.failure import failures, missing_keys, stalls
from rollout_gates.systems.tts.flows.security.failure_upstream import upstream_errors
from rollout_gates.systems.tts.flows.security.failure_urls import foreign_audio
from rollout_gates.systems.tts.flows.security.logs import logs
from rollout_gates.systems.tts.flows.security.logs_on_record import probes_on_record, records
from rollout_gates.systems.tts.flows.security.logs_outcomes import logged_outcomes

ABUSE = (
    alerts, bounds, burst_beside, burst_costs, burst_forged_subjects, burst_forged_victim, burst_over, burst_tier_2,
    burst_tier_3, failures, foreign_audio, limiter_outage, logged_outcomes, logs, missing_keys, old_counters,
    probes_on_record, records, stalls, upstream_errors,
)  # fmt: skip
