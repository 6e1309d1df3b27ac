"""The flows of the gate of objectives."""

from rollout_gates.systems.tts.flows.slo.cost import slo_cost
from rollout_gates.systems.tts.flows.slo.failures import slo_watched_failures
from rollout_gates.systems.tts.flows.slo.overdue import slo_overdue
from rollout_gates.systems.tts.flows.slo.watch import slo_watch

SLO = (slo_cost, slo_overdue, slo_watch, slo_watched_failures)
