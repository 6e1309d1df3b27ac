"""Roles of the TTS database in a transaction, and the faults that sit in the database."""

from __future__ import annotations

import psycopg
import pytest

from sandbox.tts.database.faults import DATABASE_FAULTS, without_marked
from tests.sandbox.schema_snapshot import snapshot


def test_caller_has_the_rights_of_the_role_only(platform, a):
    async def spend_as_user():
        async with platform.db.caller({"role": "authenticated", "sub": a.id}) as connection:
            await connection.execute("select public.trial_restore(%s, 'clone', 'k')", (a.id,))

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        platform.run(spend_as_user())


def test_role_ends_with_its_transaction(platform):
    async def roles():
        seen = []
        for block in (platform.db.service(), platform.db.caller(None), platform.db.service()):
            async with block as connection:
                cursor = await connection.execute("select current_user, auth.role() as claimed")
                seen.append(tuple((await cursor.fetchone()).values()))
        return seen

    assert platform.run(roles()) == [
        ("service_role", "service_role"),
        ("anon", "anon"),
        ("service_role", "service_role"),
    ]


def test_error_in_a_block_undoes_all_of_it(platform, a):
    async def fail():
        async with platform.db.service() as connection:
            await connection.execute("update public.profiles set credits_remaining = 0 where id = %s", (a.id,))
            raise LookupError

    with pytest.raises(LookupError):
        platform.run(fail())
    assert a.rows("profiles?select=credits_remaining") == [{"credits_remaining": 100}]


@pytest.mark.parametrize("fault", DATABASE_FAULTS)
def test_fault_shows_and_is_undone_without_a_trace(own_platform, fault):
    async def follow():
        async with own_platform.db.service():
            return

    healthy = snapshot(own_platform.db.dsn)
    own_platform.faults._on = frozenset({fault})
    own_platform.run(follow())
    faulty = snapshot(own_platform.db.dsn)
    own_platform.faults._on = frozenset()
    own_platform.run(follow())

    assert faulty != healthy
    assert snapshot(own_platform.db.dsn) == healthy


def test_fault_without_its_marks_is_an_error():
    with pytest.raises(ValueError, match="F-63 is marked 0 times"):
        without_marked("select 1;", "F-63")
