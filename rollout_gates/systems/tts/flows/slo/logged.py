"""Submits and cancels as the log of the API tells of them. Only what was valid counts: the rest is the caller's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rollout_gates.slo.samples import Sample
from rollout_gates.systems.tts.flows.slo.work import epoch

Line = Mapping[str, Any]
_SUBMIT = re.compile(r"/generate(?:/stream)?/?$")
_CANCEL = re.compile(r"/tasks/[^/]+/cancel/?$")


def submits(lines: Iterable[Line]) -> list[Sample]:
    """Return the generates of *lines*: accepted with 200, or failed with 5xx. One refused with 4xx was not valid."""
    return _calls(lines, _SUBMIT)


def cancels(lines: Iterable[Line]) -> list[Sample]:
    """Return the cancels of *lines*: done with 200, or failed with 5xx. One that came too late was not valid."""
    return _calls(lines, _CANCEL)


def _calls(lines: Iterable[Line], path: re.Pattern[str]) -> list[Sample]:
    found = []
    for line in lines:
        status, at = line.get("status_code"), epoch(line.get("timestamp"))
        if line.get("method") != "POST" or not isinstance(status, int) or at is None:
            continue
        if path.search(str(line.get("path", "")).partition("?")[0]) and (status == 200 or status >= 500):
            found.append(Sample(at, status == 200, key=str(line.get("request_id") or "")))
    return found
