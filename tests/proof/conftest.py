"""The proofs of the mode matrix run a gate for each of its many faults; they take a quarter of an hour of their own."""

from __future__ import annotations

import os

_LONG = ["test_mode_matrix_*.py", "test_security_abuse_faults.py"]
collect_ignore_glob = [] if os.environ.get("PROOF") == "all" else _LONG
