"""The flows of generates, of what they leave behind, and of cancels."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.matrix.belongings import belongings
from rollout_gates.systems.tts.flows.matrix.breakage import row_broken, storage_broken
from rollout_gates.systems.tts.flows.matrix.cancel_races import close_races, held_races, lost_race, queued_races
from rollout_gates.systems.tts.flows.matrix.crowd import crowd
from rollout_gates.systems.tts.flows.matrix.downloads import downloads
from rollout_gates.systems.tts.flows.matrix.in_vain import in_vain
from rollout_gates.systems.tts.flows.matrix.job_words import ended_job, job_cancels, late_words
from rollout_gates.systems.tts.flows.matrix.keeping import failed_then_cancelled, kept, kept_once, kept_trace
from rollout_gates.systems.tts.flows.matrix.progress import progress
from rollout_gates.systems.tts.flows.matrix.speech_refusals import speech_refusals
from rollout_gates.systems.tts.flows.matrix.synthesis import designed_speech, synthesis
from rollout_gates.systems.tts.flows.matrix.voice_removal import voice_removal
from rollout_gates.systems.tts.flows.matrix.worker_death import refused_job, worker_death

SPEECH_AND_STATES = (
    belongings, close_races, crowd, designed_speech, downloads, ended_job, failed_then_cancelled, held_races, in_vain,
    job_cancels, kept, kept_once, kept_trace, late_words, lost_race, progress, queued_races, refused_job,
    row_broken, speech_refusals, storage_broken, synthesis, voice_removal, worker_death,
)  # fmt: skip

# What is acted out in the sandbox alone, in playgrounds; the other flows act on the deployment that is judged.
_ANYWHERE = frozenset(
    {
        "belongings", "close_races", "crowd", "designed_speech", "ended_job", "failed_then_cancelled", "in_vain",
        "kept_trace", "late_words", "voice_removal", "worker_death",
    }
)  # fmt: skip
IN_PLAYGROUNDS = frozenset(flow.name for flow in SPEECH_AND_STATES) - _ANYWHERE
# What begins on a deployment with a voice that its provider does not have: never in prod.
PLANTED = frozenset({"failed_then_cancelled", "in_vain", "kept_trace", "late_words"})
