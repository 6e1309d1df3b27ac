"""Moving credits and trials as the service role: by the functions that the system itself moves them by."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.purse import RICH, purse
from rollout_gates.wire import BadAnswer, CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.environment import Secret
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.settings import Settings

TRIALS = 2
CLONE_PRICE, PREVIEW_PRICE = 1000, 5000
PRICES = {"clone": CLONE_PRICE, "design_preview": PREVIEW_PRICE}


async def newcomer(stage: Scene, name: str) -> Identity:
    """Return a user of nobody else's, with all of a new user's trials. Raises `NotConfigured` where none can be had."""
    user = await stage.user(name)
    if not user.fresh:
        raise NotConfigured("this clause needs a new user: set sign_up = true")
    return user


async def credits_alone(stage: Scene, user: Identity) -> None:
    """Take the trials of *user* and give them credits, so that a return too many shows in the balance."""
    treasury = Treasury(stage)
    for operation in PRICES:
        await treasury.use_up_trials(user, operation)
    await treasury.grant(user, RICH)


@dataclass(frozen=True)
class Treasury:
    """Moves what users have, through the data API. What it moves stands in the ledger, like anything else."""

    stage: Scene

    async def set_balance(self, user: Identity, target: int) -> None:
        """Grant or take what is between the balance of *user* and *target* credits."""
        missing = target - (await purse(user.client)).balance
        if missing:
            kind = "grant" if missing > 0 else "debit"
            await self._apply(user, kind, abs(missing))

    async def grant(self, user: Identity, amount: int) -> None:
        """Give *user* credits."""
        await self._apply(user, "grant", amount)

    async def use_up_trials(self, user: Identity, operation: str) -> tuple[str, ...]:
        """Take the trials of *operation* that *user* has left, and return the keys that they were taken by."""
        left = await purse(user.client)
        keys = []
        for _ in range(left.clone_trials if operation == "clone" else left.design_trials):
            keys.append(f"rollout-gate:{uuid.uuid4()}")
            await self.call(
                "trial_or_debit",
                p_user_id=user.user_id,
                p_operation=operation,
                p_debit_amount=PRICES[operation],
                p_reference_type="voice" if operation == "clone" else "task",
                p_reference_id=str(uuid.uuid4()),
                p_idempotency_key=keys[-1],
            )
        return tuple(keys)

    async def restore_trial(self, user: Identity, operation: str, key: str) -> None:
        """Give back the trial that was taken by *key*."""
        await self.call("trial_restore", p_user_id=user.user_id, p_operation=operation, p_idempotency_key=key)

    async def rows(self, table: str, user: Identity) -> tuple[Mapping[str, Any], ...]:
        """Return the rows of *user* in a *table* that they may not read themselves."""
        reply = await user.client.rows(table, {"select": "*", "user_id": f"eq.{user.user_id}"}, bearer=self._key)
        return tuple(_listed(reply.status, reply.json(), f"read {table}"))

    async def call(self, function: str, **arguments: Any) -> Mapping[str, Any]:
        """Call a database function and return its row. Raises `CouldNotJudge` when it is refused."""
        settings = self._settings
        headers = {"apikey": self._key.reveal(), "authorization": f"Bearer {self._key.reveal()}"}
        reply = await self.stage.context.wire.send(
            "POST", f"{settings.data_url}/rpc/{function}", json=arguments, headers=headers, actor="service_role"
        )
        try:
            found = reply.json()
        except BadAnswer:
            found = None
        rows = _listed(reply.status, found if isinstance(found, list) else [found], f"call {function}")
        return rows[0] if rows else {}

    async def _apply(self, user: Identity, kind: str, amount: int) -> None:
        await self.call(
            "credit_apply_event",
            p_user_id=user.user_id,
            p_event_kind=kind,
            p_operation="manual_adjustment",
            p_amount=amount,
            p_reference_type="system",
            p_idempotency_key=f"rollout-gate:{uuid.uuid4()}",
        )

    @property
    def _settings(self) -> Settings:
        return self.stage.session.settings

    @property
    def _key(self) -> Secret:
        key = self._settings.secret("service_role_key")
        if key is None:
            raise NotConfigured("this clause moves credits: configure secrets.service_role_key (never in prod)")
        return key


def _listed(status: int, found: Any, what: str) -> list[Mapping[str, Any]]:
    if status not in (200, 201) or not isinstance(found, list):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the service role could not {what}: status {status}")
    return [row for row in found if isinstance(row, dict)]
