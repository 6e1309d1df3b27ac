"""What is looked at before the switch is thrown."""

from rollout_gates.systems.tts.flows.preflight.incidents import incidents
from rollout_gates.systems.tts.flows.preflight.modal import modal_works
from rollout_gates.systems.tts.flows.preflight.on_file import on_file
from rollout_gates.systems.tts.flows.preflight.schema import old_schema
from rollout_gates.systems.tts.flows.preflight.secret_names import secret_names
from rollout_gates.systems.tts.flows.preflight.voice_routes import voice_routes

PREFLIGHT = (incidents, on_file, secret_names, modal_works, old_schema, voice_routes)
