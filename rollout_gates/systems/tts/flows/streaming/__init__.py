"""Flows of the streaming gate: speech as it is spoken (section 2.16 of the contract)."""
