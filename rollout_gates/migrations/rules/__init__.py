"""The rules, each for some kinds of statements. Importing them registers them."""

from rollout_gates.migrations.rules import access, locks, rows, shape
from rollout_gates.migrations.rules.judging import RULES, Judge

__all__ = ["RULES", "Judge", "access", "locks", "rows", "shape"]
