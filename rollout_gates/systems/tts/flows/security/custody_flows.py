"""All flows about secrets and browser origins, in one place to be registered from."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.security.origins import origins

CUSTODY = (origins,)
