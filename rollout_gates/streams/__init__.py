"""Judging streams of sound: when their bytes came, whether they are one whole sound, and whose they are.

Knows no system and no test framework. `judge` is all that a caller needs; it acts on nothing and takes milliseconds.
"""

from rollout_gates.streams.judging import judge
from rollout_gates.streams.model import Doubt, Expected, Finding, Judgement, Kind

__all__ = ["Doubt", "Expected", "Finding", "Judgement", "Kind", "judge"]
