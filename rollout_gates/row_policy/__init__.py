"""Finds what row policies, grants, views and functions of a Postgres schema let through, by acting it out.

`examine` acts as each identity in one transaction that is rolled back; `inspect` reads the catalogue alone.
"""

from rollout_gates.row_policy.model import (
    ALL,
    ANON,
    CLOSED,
    EVERYTHING,
    NONE,
    NOTHING,
    OWN,
    READ_ALL,
    READ_OWN,
    SERVICE,
    TENANT_NAMES,
    USER,
    USER_NAMES,
    Access,
    Attempt,
    Finding,
    Identity,
    Intent,
    Kind,
    Operation,
    Options,
    Proof,
    Report,
    Standing,
    Verdict,
)
from rollout_gates.row_policy.oracle import CannotAct, examine, inspect

__all__ = [
    "ALL", "ANON", "CLOSED", "EVERYTHING", "NONE", "NOTHING", "OWN", "READ_ALL", "READ_OWN", "SERVICE", "TENANT_NAMES",
    "USER", "USER_NAMES", "Access", "Attempt", "CannotAct",
    "Finding", "Identity", "Intent", "Kind", "Operation", "Options",
    "Proof", "Report", "Standing", "Verdict", "examine", "inspect",
]  # fmt: skip
