"""The flows: each acts on the system once and returns a frozen observation. None of them asserts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.systems.tts.flows.answers import answers
from rollout_gates.systems.tts.flows.asking import health, languages, usage
from rollout_gates.systems.tts.flows.burst import burst
from rollout_gates.systems.tts.flows.cancel import cancel
from rollout_gates.systems.tts.flows.cap import cap
from rollout_gates.systems.tts.flows.clone import clone
from rollout_gates.systems.tts.flows.deny import deny
from rollout_gates.systems.tts.flows.design import design
from rollout_gates.systems.tts.flows.errors import handled_errors, path_ids, unknown_routes
from rollout_gates.systems.tts.flows.isolation import isolation
from rollout_gates.systems.tts.flows.leftovers import leftovers
from rollout_gates.systems.tts.flows.lists import lists
from rollout_gates.systems.tts.flows.matrix.making import MODES_AND_VOICES
from rollout_gates.systems.tts.flows.matrix.money_flows import MONEY
from rollout_gates.systems.tts.flows.matrix.pages import pages
from rollout_gates.systems.tts.flows.matrix.speaking_flows import SPEECH_AND_STATES
from rollout_gates.systems.tts.flows.migration.flows import MIGRATION
from rollout_gates.systems.tts.flows.preflight import PREFLIGHT
from rollout_gates.systems.tts.flows.provider import PROVIDER
from rollout_gates.systems.tts.flows.request_ids import request_ids
from rollout_gates.systems.tts.flows.restoration import RESTORATION
from rollout_gates.systems.tts.flows.security.abuse_flows import ABUSE
from rollout_gates.systems.tts.flows.security.access_flows import ACCESS
from rollout_gates.systems.tts.flows.security.custody_flows import CUSTODY
from rollout_gates.systems.tts.flows.security.data.flows import DATA
from rollout_gates.systems.tts.flows.security.row_policies import row_policies, rulebook
from rollout_gates.systems.tts.flows.slo.flows import SLO
from rollout_gates.systems.tts.flows.speech import speech
from rollout_gates.systems.tts.flows.stream import stream
from rollout_gates.systems.tts.flows.streaming.flows import STREAMING
from rollout_gates.systems.tts.flows.voice import voice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Flow

_ALL = (
    answers, burst, cancel, cap, clone, deny, design, handled_errors, health, isolation, languages, leftovers, lists,
    path_ids, request_ids, speech, stream, unknown_routes, usage, voice, *MODES_AND_VOICES,
    *SPEECH_AND_STATES, *MONEY, row_policies, rulebook, *STREAMING, *PROVIDER, *PREFLIGHT, *RESTORATION, pages, *SLO,
)  # fmt: skip

FLOWS: Mapping[str, Flow] = {flow.name: flow for flow in (*_ALL, *ABUSE, *ACCESS, *CUSTODY, *DATA, *MIGRATION)}
