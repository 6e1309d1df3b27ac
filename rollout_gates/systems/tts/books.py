"""The ledger of one user beside the balance that it must add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.systems.tts.settings import Settings

Row = Mapping[str, Any]

GIVEN_AT_FIRST = 100
"""Credits of a new user."""
_ALL = """
    select p.id, p.credits_remaining as balance,
           coalesce((select json_agg(l order by l.id) from public.credit_ledger as l where l.user_id = p.id), '[]')
             as ledger
    from public.profiles as p
"""


@dataclass(frozen=True)
class Books:
    """One user's *balance* and *ledger*, whole, oldest first, as they stood at the same time."""

    who: str
    user_id: str
    fresh: bool
    balance: int
    ledger: tuple[Row, ...]

    @property
    def opening(self) -> int:
        """Credits before the first row of the ledger, by what that row says; the balance where there is none."""
        if not self.ledger:
            return self.balance
        first = self.ledger[0]
        return int(first["balance_after"]) - int(first["signed_amount"])

    @property
    def lowest(self) -> int:
        """The smallest balance that there ever was."""
        return min([self.balance, *(int(row["balance_after"]) for row in self.ledger)])

    @property
    def moved(self) -> int:
        """The sum of all signed amounts."""
        return sum(int(row["signed_amount"]) for row in self.ledger)

    @property
    def debited(self) -> int:
        """The sum of what was taken."""
        return -sum(min(0, int(row["signed_amount"])) for row in self.ledger)

    @property
    def credited(self) -> int:
        """The sum of what was given."""
        return sum(max(0, int(row["signed_amount"])) for row in self.ledger)


async def all_books(settings: Settings, where: str) -> tuple[Books, ...]:
    """Return the books of all users of the database at *where*, read at one moment. Raises `NotConfigured`."""
    dsn = settings.secret("database_dsn")
    if dsn is None:
        raise NotConfigured("books are read from the database: configure secrets.database_dsn")
    import psycopg  # noqa: PLC0415 - a tenth of the start-up of every run
    from psycopg.rows import dict_row  # noqa: PLC0415

    async with await psycopg.AsyncConnection.connect(dsn.reveal(), row_factory=dict_row) as connection:
        found = await (await connection.execute(_ALL)).fetchall()
    return tuple(
        Books(f"user {row['id']} of {where}", str(row["id"]), True, int(row["balance"]), tuple(row["ledger"]))
        for row in found
    )
