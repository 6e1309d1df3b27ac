"""The flows that judge the provider itself, each against the stand-in and against the real one alike."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.provider.customization import provider_customization, provider_design
from rollout_gates.systems.tts.flows.provider.dialogues import provider_dialogues
from rollout_gates.systems.tts.flows.provider.own_client import provider_own_create, provider_own_session
from rollout_gates.systems.tts.flows.provider.preflight import (
    provider_models,
    provider_regions,
    provider_wrong_pairs,
)
from rollout_gates.systems.tts.flows.provider.refusals import (
    provider_cleared,
    provider_refusals,
    provider_wrong_pair,
)
from rollout_gates.systems.tts.flows.provider.voice import provider_voice

PROVIDER = (
    provider_cleared, provider_customization, provider_design, provider_dialogues, provider_models,
    provider_own_create, provider_own_session, provider_refusals, provider_regions, provider_voice,
    provider_wrong_pair, provider_wrong_pairs,
)  # fmt: skip
