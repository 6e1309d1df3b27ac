"""Money: what is taken before work begins, and what goes back when it came to nothing.

Everything has an idempotency key, so a charge or a refund that is asked for twice happens once.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from sandbox.tts.api.errors import ApiError
from sandbox.tts.api.text import thousands

if TYPE_CHECKING:
    from sandbox.tts.api.store import Row, Store, Transaction

CLONE_CREDITS = 1000
PREVIEW_CREDITS = 5000
# Long enough for others to come in between.
ROUND_TRIP_S = 0.08
# Every transaction that moves money locks the profile before any task or generation, so that none waits in a circle.
LOCK_PROFILE: LiteralString = "select 1 from public.profiles where id = %s for update"


@dataclass(frozen=True)
class FlatCharge:
    """A clone or preview that was paid, by a trial or in credits. *duplicate*: by an earlier call with this key."""

    operation: str
    user_id: str
    reference_type: str
    reference_id: str
    used_trial: bool
    duplicate: bool
    debited: int
    balance: int | None

    @property
    def prefix(self) -> str:
        """`clone:<voice id>` or `design-preview:<task id>`."""
        return flat_prefix(self.operation, self.reference_id)


def flat_prefix(operation: str, reference_id: str) -> str:
    """What the idempotency keys of a flat charge begin with."""
    return f"{'clone' if operation == 'clone' else 'design-preview'}:{reference_id}"


async def charge_flat(
    store: Store, *, operation: str, user_id: str, reference_type: str, reference_id: str, overspend: bool = False
) -> FlatCharge:
    """Take a trial if one is left, else the flat price. Raises 402, and 500 when the database fails.

    *overspend* (F-62): what the balance was before counts, whatever others have taken from it meanwhile.
    """
    price = CLONE_CREDITS if operation == "clone" else PREVIEW_CREDITS
    seen = await _balance(store, user_id) if overspend else 0
    row = await store.call(
        "trial_or_debit",
        failing="Failed to debit credits.",
        p_user_id=user_id,
        p_operation=operation,
        p_debit_amount=price,
        p_reference_type=reference_type,
        p_reference_id=reference_id,
        p_idempotency_key=f"{flat_prefix(operation, reference_id)}:charge",
    )
    if row["insufficient"] and seen < price:
        raise too_poor(price, row["balance_remaining"])
    used_trial = bool(row["used_trial"])
    return FlatCharge(
        operation=operation,
        user_id=user_id,
        reference_type=reference_type,
        reference_id=reference_id,
        used_trial=used_trial,
        duplicate=bool(row["duplicate"]),
        debited=0 if used_trial else price,
        balance=row["balance_remaining"],
    )


async def _balance(store: Store, user_id: str) -> int:
    row = await store.row("select credits_remaining from public.profiles where id = %s", (user_id,))
    await asyncio.sleep(ROUND_TRIP_S)
    return int(row["credits_remaining"]) if row else 0


def too_poor(need: int, have: int) -> ApiError:
    """402 with both numbers."""
    text = f"Insufficient credits: need {thousands(need)}, have {thousands(have)}. 1 credit = 1 character."
    return ApiError(402, text)


async def give_back(transaction: Transaction, charge: FlatCharge) -> None:
    """Restore the trial, or refund the flat price."""
    if charge.used_trial:
        await transaction.call(
            "trial_restore",
            p_user_id=charge.user_id,
            p_operation=charge.operation,
            p_idempotency_key=f"{charge.prefix}:charge",
        )
        return
    await transaction.call(
        "credit_apply_event",
        p_user_id=charge.user_id,
        p_event_kind="refund",
        p_operation=charge.operation,
        p_amount=CLONE_CREDITS if charge.operation == "clone" else PREVIEW_CREDITS,
        p_reference_type=charge.reference_type,
        p_reference_id=charge.reference_id,
        p_idempotency_key=f"{charge.prefix}:refund",
    )


async def debit_generation(
    transaction: Transaction, user_id: str, generation_id: str, amount: int, metadata: dict[str, Any]
) -> int:
    """Take *amount* credits for a generation; returns the balance after it. Raises 402 and 500."""
    row = await transaction.call(
        "credit_apply_event",
        failing="Failed to debit credits.",
        p_user_id=user_id,
        p_event_kind="debit",
        p_operation="generate",
        p_amount=amount,
        p_reference_type="generation",
        p_reference_id=generation_id,
        p_idempotency_key=f"generate:{generation_id}:debit",
        p_metadata=metadata,
    )
    if row["insufficient"]:
        raise too_poor(amount, row["balance_remaining"])
    return int(row["balance_remaining"])


async def refund_generation(
    transaction: Transaction, user_id: str, generation_id: str, amount: int, *, anew: bool = False
) -> None:
    """Give the credits of a generation back, once. *anew*: once more, which only faulty builds ask for."""
    await transaction.call(
        "credit_apply_event",
        p_user_id=user_id,
        p_event_kind="refund",
        p_operation="generate",
        p_amount=amount,
        p_reference_type="generation",
        p_reference_id=generation_id,
        p_idempotency_key=f"generate:{generation_id}:refund" + (f":{secrets.token_hex(4)}" if anew else ""),
    )


async def refund_task(transaction: Transaction, task: Row, *, anew: bool = False) -> None:
    """Give back what *task* was charged: the credits of its generation, or the trial or flat price of a preview.

    *anew*: the credits of a generation once more, which only faulty builds ask for.
    """
    metadata = task["metadata"] if isinstance(task["metadata"], dict) else {}
    if task["type"] == "generate":
        generation_id = task["generation_id"] or await _charged_generation(transaction, task)
        amount = metadata.get("credits_debited")
        if generation_id is not None and isinstance(amount, int) and amount > 0:
            await refund_generation(transaction, task["user_id"], generation_id, amount, anew=anew)
        return
    if task["type"] != "design_preview" or "used_trial" not in metadata:
        return
    charge = FlatCharge(
        operation="design_preview",
        user_id=task["user_id"],
        reference_type="task",
        reference_id=task["id"],
        used_trial=bool(metadata["used_trial"]),
        duplicate=False,
        debited=0,
        balance=None,
    )
    await give_back(transaction, charge)


async def _charged_generation(transaction: Transaction, task: Row) -> str | None:
    """The generation that was charged for *task*, known from the ledger once its own row is deleted."""
    row = await transaction.row(
        "select reference_id from public.credit_ledger where user_id = %s and event_kind = 'debit'"
        " and operation = 'generate' and metadata ->> 'task_id' = %s",
        (task["user_id"], task["id"]),
    )
    return None if row is None else row["reference_id"]
