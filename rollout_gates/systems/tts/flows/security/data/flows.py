"""The flows about what a client gets at past the API, in one place to be registered from."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.security.data.functions import functions
from rollout_gates.systems.tts.flows.security.data.rows import data_api
from rollout_gates.systems.tts.flows.security.data.signed import signed_urls
from rollout_gates.systems.tts.flows.security.data.storage import storage
from rollout_gates.systems.tts.flows.security.data.tampering import tampering

DATA = (data_api, functions, signed_urls, storage, tampering)
