"""The flows that ask the database, where it cannot be asked; and which checks are left out where."""

from __future__ import annotations

import importlib
import socket
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import fixtures.tts_row_policies as left_out_by
from rollout_gates.environment import Secret
from rollout_gates.matrix import Outcome
from rollout_gates.reasons import Reason
from rollout_gates.row_policy import Verdict
from rollout_gates.systems.tts.flows.security.declared import TABLES as PUBLIC
from rollout_gates.wire import CouldNotJudge, NotConfigured
from sandbox.postgres import Cluster
from sandbox.tts.database.setup import prepare_template
from tests.wire.scene import asynchronous

# The package shows the flow under the module's name.
flows = importlib.import_module("rollout_gates.systems.tts.flows.security.row_policies")
BOTH = pytest.mark.parametrize("flow", [flows.row_policies, flows.rulebook], ids=lambda flow: flow.name)


def context(dsn):
    secrets = {} if dsn is None else {"database_dsn": Secret(dsn)}
    session, shown = SimpleNamespace(settings=SimpleNamespace(secret=secrets.get)), []
    return SimpleNamespace(session=session, shown=shown, show=shown.append)


@BOTH
@asynchronous
async def test_without_a_database_nothing_is_judged(flow):
    with pytest.raises(NotConfigured, match="database_dsn"):
        await flow.act(context(None))


@BOTH
@asynchronous
async def test_a_database_that_does_not_answer_is_inconclusive_and_its_address_is_not_told(flow):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dsn = f"postgresql://gate:hidden@127.0.0.1:{free.getsockname()[1]}/db?connect_timeout=2"

        with pytest.raises(CouldNotJudge) as problem:
            await flow.act(context(dsn))

    assert problem.value.reason is Reason.SOURCE_ABSENT
    assert "hidden" not in str(problem.value)
    assert "127.0.0.1" not in str(problem.value)


@asynchronous
async def test_a_connection_that_may_not_act_as_others_is_not_configured():
    with Cluster.start() as cluster:
        cluster.execute("create role anon")
        cluster.execute("create role reader login password 'reader'")
        dsn = cluster.dsn("postgres", "reader").replace(cluster.password, "reader")

        with pytest.raises(CouldNotJudge, match="may not set role anon") as problem:
            await flows.row_policies.act(context(dsn))

    assert problem.value.reason is Reason.NOT_CONFIGURED


@asynchronous
async def test_an_administrator_without_superuser_rights_can_act_where_sequences_cannot_be_held():
    """Hosted platforms hand out such a role. What may draw from a sequence is then judged by its grants."""
    with Cluster.start() as cluster:
        dsn = cluster.create_database("hosted", prepare_template(cluster))
        with psycopg.connect(dsn) as connection:
            connection.execute("create role hosted login bypassrls noinherit password 'hosted'")
            connection.execute("grant anon, authenticated, service_role to hosted")
            connection.execute("grant usage on schema public, auth to hosted")
            connection.execute("grant all on all tables in schema public, auth to hosted")

        here = context(make_conninfo(dsn, user="hosted", password="hosted"))
        report = (await flows.row_policies.act(here)).report

    assert {found.verdict for found in report.findings} == {Verdict.DENIED, Verdict.ALLOWED}
    assert "public.credit_ledger_id_seq" in report.not_acted_out
    assert report.proof.nothing_kept
    assert report.proof.sequences_moved == ()
    rows, functions = here.shown
    assert {*PUBLIC} <= {*rows.rows}
    assert rows.columns[:2] == ("anon: select", "anon: insert")
    assert len(rows.cells) == len(rows.rows) * len(rows.columns)
    assert functions.columns == ("anon: call", "user_a: call", "user_b: call")
    assert {cell.outcome for table in here.shown for cell in table.cells.values()} == {Outcome.HELD}


class Item:
    def __init__(self, flow):
        function = SimpleNamespace(observes=("tts", flow))
        self._fixtureinfo = SimpleNamespace(name2fixturedefs={flow: [SimpleNamespace(func=function)]})
        self.flow = flow


def remaining(kind, dsn, *, sandbox=False):
    settings = SimpleNamespace(secrets=SimpleNamespace(database_dsn=dsn))
    environment = SimpleNamespace(sandbox=sandbox, kind=kind, systems={"tts": settings})
    hooks = SimpleNamespace(session=SimpleNamespace(environment=environment))
    manager = SimpleNamespace(get_plugin=lambda _name: hooks)
    hook = SimpleNamespace(pytest_deselected=lambda **_: None)
    items = [Item("row_policies"), Item("rulebook"), Item("burst")]
    left_out_by.pytest_collection_modifyitems(SimpleNamespace(pluginmanager=manager, hook=hook), items)
    return {item.flow for item in items}


@pytest.mark.parametrize(
    ("kind", "dsn", "left"),
    [
        ("staging", "DSN", {"row_policies", "rulebook", "burst"}),
        ("prod", "DSN", {"rulebook", "burst"}),
        ("staging", None, {"burst"}),
        ("prod", None, {"burst"}),
    ],
)
def test_acting_is_for_where_writing_is_allowed_and_reading_for_where_a_database_is_configured(kind, dsn, left):
    assert remaining(kind, dsn) == left


def test_the_sandbox_always_has_a_database():
    assert remaining("local", None, sandbox=True) == {"row_policies", "rulebook", "burst"}
