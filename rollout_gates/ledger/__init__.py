"""The ledger: the ordered, hash-chained record of verdicts over days, from which later steps are judged.

Each run appends one entry, one file, and no file is ever written again. An entry holds the hash of the one before it,
so that a gap, a changed, an inserted or a reordered entry shows.
"""

from rollout_gates.ledger.appending import append
from rollout_gates.ledger.chain import Ledger, read_ledger
from rollout_gates.ledger.entry import Entry, digest_of, told_of
from rollout_gates.ledger.store import LedgerFailed, Store, open_store, usual_place

__all__ = [
    "Entry",
    "Ledger",
    "LedgerFailed",
    "Store",
    "append",
    "digest_of",
    "open_store",
    "read_ledger",
    "told_of",
    "usual_place",
]
