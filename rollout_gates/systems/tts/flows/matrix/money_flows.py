"""All flows about credits, trials, refunds and payments, in one place to be registered from."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.matrix.payments import payments
from rollout_gates.systems.tts.flows.matrix.refunds import deleted_work, refunds
from rollout_gates.systems.tts.flows.matrix.spending import rushes, spending
from rollout_gates.systems.tts.flows.matrix.trials import replayed_charge, trials
from rollout_gates.systems.tts.flows.matrix.whole_run import whole_run

MONEY = (deleted_work, payments, refunds, replayed_charge, rushes, spending, trials, whole_run)
