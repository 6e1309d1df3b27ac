"""All flows about secrets and browser origins, in one place to be registered from."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.security.custody import (
    bundle_scan,
    logs_scan,
    readable,
    scans_on_record,
    source_scan,
    witnessed_scan,
    written_scan,
)
from rollout_gates.systems.tts.flows.security.origins import origins

CUSTODY = (bundle_scan, logs_scan, origins, readable, scans_on_record, source_scan, witnessed_scan, written_scan)
