"""All flows about who is let in and what they get at through the API, in one place to be registered from."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.security.denials import denied_bad_tokens, denied_without_token
from rollout_gates.systems.tts.flows.security.reaching import foreign_keys, foreign_reach

ACCESS = (denied_bad_tokens, denied_without_token, foreign_keys, foreign_reach)
