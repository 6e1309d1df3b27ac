"""Why a clause could not be judged: the closed list. Any other word is an error."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reason beside the outcome `inconclusive`."""

    NO_TRAFFIC = "no traffic"
    TOO_EARLY = "too early"
    TOO_FEW_SAMPLES = "too few samples"
    SOURCE_ABSENT = "source absent"
    OUT_OF_BUDGET = "out of budget"
    NOT_CONFIGURED = "not configured"
    CHECK_ERRORED = "check errored"
    CHECK_DID_NOT_RUN = "check did not run"
