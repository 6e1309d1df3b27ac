"""Finds what row policies, grants, views and functions of a Postgres schema let through, by acting it out.

`oracle.examine` acts as each identity in one transaction that is rolled back; `oracle.inspect` reads the catalogue.
The words for both are here; importing them is cheap, importing the oracle brings the database driver along.
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

__all__ = [
    "ALL", "ANON", "CLOSED", "EVERYTHING", "NONE", "NOTHING", "OWN", "READ_ALL", "READ_OWN", "SERVICE", "TENANT_NAMES",
    "USER", "USER_NAMES", "Access", "Attempt",
    "Finding", "Identity", "Intent", "Kind", "Operation", "Options",
    "Proof", "Report", "Standing", "Verdict",
]  # fmt: skip
