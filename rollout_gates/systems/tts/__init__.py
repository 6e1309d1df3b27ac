"""The TTS provider cutover: its settings, its client, and the flows that observe it."""

from rollout_gates.systems.tts.artefacts import artefacts
from rollout_gates.systems.tts.cells import SANDBOX_ARGUMENTS, cells
from rollout_gates.systems.tts.flows import FLOWS
from rollout_gates.systems.tts.golden_share import left_out as golden_left_out
from rollout_gates.systems.tts.golden_values import GOLDEN_NAMES, golden_values, send_golden
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.remove import remove
from rollout_gates.systems.tts.session import open_session
from rollout_gates.systems.tts.settings import Settings
from rollout_gates.systems.tts.switch import entered, restore

__all__ = [
    "FLOWS",
    "GOLDEN_NAMES",
    "KEY",
    "SANDBOX_ARGUMENTS",
    "Settings",
    "artefacts",
    "cells",
    "entered",
    "golden_left_out",
    "golden_values",
    "open_session",
    "remove",
    "restore",
    "send_golden",
]
