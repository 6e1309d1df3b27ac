"""The schema as section 5 of the contract has it: what was there, what the migration adds, what old code writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rollout_gates.migrations.plans import Manners, Plan

VERSION = "2026-02-26 15:30:00+00"
"""When the migration was written: rows that are older were there before it."""
PROVIDER_COLUMNS: Mapping[str, str] = {
    "public.voices": "tts_provider",
    "public.generations": "tts_provider",
    "public.tasks": "provider",
}
LEGACY = "modal"


@dataclass(frozen=True)
class Added:
    """A column that the migration adds. *default* is what a row gets that does not name it, as text."""

    type: str
    not_null: bool = False
    default: str | None = None


_PROVIDER = Added("text", not_null=True, default="modal")
_DOCUMENT = Added("jsonb", not_null=True, default="{}")
_TEXT = Added("text")
COLUMNS: Mapping[str, Added] = {
    "public.voices.tts_provider": _PROVIDER,
    "public.voices.provider_voice_id": _TEXT,
    "public.voices.provider_target_model": _TEXT,
    "public.voices.provider_region": _TEXT,
    "public.voices.provider_request_id": _TEXT,
    "public.voices.provider_voice_kind": _TEXT,
    "public.voices.provider_metadata": _DOCUMENT,
    "public.voices.deleted_at": Added("timestamp with time zone"),
    "public.generations.tts_provider": _PROVIDER,
    "public.generations.provider_model": _TEXT,
    "public.generations.output_format": _TEXT,
    "public.generations.provider_metadata": _DOCUMENT,
    "public.tasks.provider": _PROVIDER,
    "public.tasks.provider_job_id": _TEXT,
    "public.tasks.provider_status": _TEXT,
    "public.tasks.provider_poll_count": Added("integer", not_null=True, default="0"),
    "public.tasks.cancellation_requested": Added("boolean", not_null=True, default="false"),
}


@dataclass(frozen=True)
class Check:
    """A check that the migration adds to *table*: it takes the values *good* of *column* and no other."""

    table: str
    column: str
    good: tuple[str, ...]


CHECKS: Mapping[str, Check] = {
    "voices_tts_provider_check": Check("public.voices", "tts_provider", ("modal", "qwen")),
    "voices_provider_voice_kind_check": Check("public.voices", "provider_voice_kind", ("vc", "vd")),
    "generations_tts_provider_check": Check("public.generations", "tts_provider", ("modal", "qwen")),
    "tasks_provider_check": Check("public.tasks", "provider", ("modal", "qwen")),
}
INDEXES: Mapping[str, tuple[str, str]] = {
    "public.idx_voices_user_provider_created": ("(user_id, tts_provider, created_at DESC)", ""),
    "public.idx_voices_user_active_provider_created": (
        "(user_id, tts_provider, created_at DESC)",
        "deleted_at IS NULL",
    ),
    "public.idx_tasks_provider_job_id": ("(provider_job_id)", "provider_job_id IS NOT NULL"),
    "public.idx_generations_user_provider_created": ("(user_id, tts_provider, created_at DESC)", ""),
}
"""The indexes that the migration adds: their columns, and the condition of a partial one."""
OLD_INDEXES = tuple(
    f"public.{name}"
    for name in (
        "idx_voices_user_id_created", "idx_generations_user_id_created", "idx_tasks_user_id",
        "idx_generations_voice_id", "idx_tasks_generation_id", "idx_tasks_voice_id", "idx_tasks_modal_job_id",
        "idx_tasks_active",
        "idx_tasks_generate_one_active_per_user", "profiles_handle_key",
    )
)  # fmt: skip
UNIQUE_INDEXES = ("public.idx_tasks_generate_one_active_per_user", "public.profiles_handle_key")
TABLES = tuple(
    f"public.{name}"
    for name in (
        "profiles", "voices", "generations", "tasks", "credit_ledger", "trial_consumption", "billing_events",
        "rate_limit_counters",
    )
)  # fmt: skip
PASSING = ("public.rate_limit_counters",)
"""Tables whose rows come and go with every call: only their shape is compared."""
OLD_WRITES: Mapping[str, tuple[str, ...]] = {
    "public.voices": (
        "id", "user_id", "name", "language", "source", "reference_object_key", "reference_transcript", "description",
    ),
    "public.generations": ("user_id", "voice_id", "text", "language", "status"),
    "public.tasks": ("user_id", "type", "status", "generation_id", "voice_id", "metadata"),
}  # fmt: skip
"""The columns that code from before names in an insert (section 5.6, 5)."""
ALLOWED: Mapping[str, Mapping[str, frozenset[str]]] = {
    "anon": {table: frozenset({"SELECT"}) for table in TABLES[:4]},
    "authenticated": {
        "public.profiles": frozenset({"SELECT", "INSERT", "DELETE"}),
        "public.voices": frozenset({"SELECT", "DELETE"}),
        "public.generations": frozenset({"SELECT", "DELETE"}),
        "public.tasks": frozenset({"SELECT"}),
        "public.credit_ledger": frozenset({"SELECT"}),
    },
}
"""What clients may do at most with the tables (section 5.4)."""
POLICIES: Mapping[str, frozenset[str]] = {
    "public.profiles": frozenset("r"),
    "public.tasks": frozenset("r"),
    "public.credit_ledger": frozenset("r"),
    "public.voices": frozenset("rd"),
    "public.generations": frozenset("rd"),
}
"""What policies let users at: r for select, d for delete (section 5.3)."""
PLAN = Plan(
    rules=("storage",),
    groups={
        "public.voices": ("source", "tts_provider"),
        "public.generations": ("status", "tts_provider"),
        "public.tasks": ("type", "status", "provider"),
        "public.credit_ledger": ("event_kind", "operation"),
        "public.trial_consumption": ("operation", "status"),
        "public.billing_events": ("status",),
    },
)
MANNERS = Manners(plan=PLAN, writes=OLD_WRITES)
