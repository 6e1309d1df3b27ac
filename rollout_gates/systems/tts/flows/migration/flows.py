"""The flows of this package, by what they need."""

from __future__ import annotations

from rollout_gates.systems.tts.flows.migration.catalogue import migration_catalogue
from rollout_gates.systems.tts.flows.migration.compared import migration_compared
from rollout_gates.systems.tts.flows.migration.files import migration_rehearsal, migration_statements
from rollout_gates.systems.tts.flows.migration.order import migration_order

MIGRATION = (migration_catalogue, migration_compared, migration_order, migration_rehearsal, migration_statements)
OF_FILES = frozenset({migration_rehearsal.name, migration_statements.name})
"""What needs the files of the migration."""
