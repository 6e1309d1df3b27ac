"""What a user has: all of it where they are alone, and what is about certain words where others act as well."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rollout_gates.systems.tts.flows.security.holdings import Eye
from rollout_gates.wire import CouldNotJudge
from tests.suites.replies import reply
from tests.wire.scene import asynchronous

TABLES = {
    "voices": [{"id": "v1", "name": "rollout gate denyabc"}, {"id": "v2", "name": "another"}],
    "generations": [{"id": "g1", "text": "denyabc is done."}, {"id": "g2", "text": "another"}],
    "tasks": [{"id": "t1", "metadata": {"name": "denyabc"}}, {"id": "t2", "generation_id": "g1"}, {"id": "t3"}],
    "credit_ledger": [{"id": 7, "reference_id": "g1"}, {"id": 8, "reference_id": "g2"}],
    "profiles": [{"id": "u", "display_name": "somebody", "credits_remaining": 5}],
}


class Client:
    def __init__(self, tables=TABLES, objects=({"name": "preview.wav"},)):
        self.tables, self.objects = tables, objects

    async def rows(self, table, _query):
        return reply(200 if table in self.tables else 403, self.tables.get(table, {"message": "no"}))

    async def stored_list(self, _bucket, _folder):
        return reply(200 if self.objects is not None else 400, self.objects)


def eye(client=None, *, alone=False):
    return Eye(SimpleNamespace(client=client or Client(), user_id="u"), ("denyabc", "v2"), alone)


@asynchronous
async def test_where_others_act_only_what_is_about_the_words_is_seen():
    seen = await eye().look()

    assert {kind: set(rows) for kind, rows in seen.items() if kind != "profile"} == {
        "voices": {"v1", "v2"},
        "generations": {"g1"},
        "tasks": {"t1", "t2"},
        "credit_ledger": {"7"},
    }


@asynchronous
async def test_where_others_act_a_profile_is_looked_at_for_the_words_alone():
    before = await eye().look()
    richer = {**TABLES, "profiles": [{"id": "u", "display_name": "somebody", "credits_remaining": 99}]}
    named = {**TABLES, "profiles": [{"id": "u", "display_name": "denyabc", "credits_remaining": 5}]}

    assert (await eye(Client(richer)).look())["profile"] == before["profile"]
    assert (await eye(Client(named)).look())["profile"] != before["profile"]


@asynchronous
async def test_alone_everything_is_seen():
    seen = await eye(alone=True).look()

    assert [len(seen[kind]) for kind in ("voices", "generations", "tasks", "credit_ledger")] == [2, 2, 3, 2]
    assert set(seen["objects"]) == {"references/preview.wav", "generations/preview.wav"}
    assert "credits_remaining" in seen["profile"]["u"]


@pytest.mark.parametrize("client", [Client({"voices": []}), Client(objects=None)])
@asynchronous
async def test_what_cannot_be_read_is_no_finding(client):
    with pytest.raises(CouldNotJudge):
        await eye(client, alone=True).look()
