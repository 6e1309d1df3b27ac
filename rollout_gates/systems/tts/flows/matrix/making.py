"""All flows about the mode, clones and designs, in one place to be registered from."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.matrix.clone_trouble import clone_conflict, failed_clones
from rollout_gates.systems.tts.flows.matrix.cloning import cloned_in_parallel, cloned_twice, refused_uploads
from rollout_gates.systems.tts.flows.matrix.design_trouble import (
    cancelled_preview,
    failed_previews,
    refused_audio,
)
from rollout_gates.systems.tts.flows.matrix.designing import designed, saved_in_parallel
from rollout_gates.systems.tts.flows.matrix.flipping import flipped, traffic_after_flip
from rollout_gates.systems.tts.flows.matrix.misconfiguring import (
    caps,
    expenses_of_misconfiguration,
    misconfigured,
    models,
    regions,
    spellings_of_the_mode,
)
from rollout_gates.systems.tts.flows.matrix.regression import regression
from rollout_gates.systems.tts.flows.matrix.seeds import refused_saves, seeded_voices

MODES_AND_VOICES = (
    cancelled_preview, caps, clone_conflict, cloned_in_parallel, cloned_twice, designed,
    expenses_of_misconfiguration, failed_clones, failed_previews, flipped, misconfigured, models,
    refused_audio, refused_saves, refused_uploads, regions, regression, saved_in_parallel, seeded_voices,
    spellings_of_the_mode, traffic_after_flip,
)  # fmt: skip
