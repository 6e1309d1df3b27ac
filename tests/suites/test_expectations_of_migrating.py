"""Each check of a migration: where it passes, where it fails, and where there is nothing to judge by."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fixtures.expectations import database, migrating, ordering
from rollout_gates.migrations.applying import Applied
from rollout_gates.migrations.facts import differences
from rollout_gates.migrations.model import Finding, Hazard, Weight
from rollout_gates.migrations.rehearsal import Rehearsal
from rollout_gates.migrations.snapshot import Snapshot, TableState
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts import schema
from rollout_gates.systems.tts.flows.migration.catalogue import Providers
from rollout_gates.systems.tts.flows.migration.compared import Compared
from rollout_gates.systems.tts.flows.migration.files import Reading, Rehearsed
from rollout_gates.systems.tts.flows.migration.order import Step
from rollout_gates.systems.tts.flows.migration.trying import Write
from rollout_gates.wire import CouldNotJudge

VOICES = "public.voices"
COLUMN = {"type": "text", "not_null": False, "default": None, "identity": "", "generated": ""}
EXTRA = f"{VOICES}.tts_provider"


def finding(hazard=Hazard.LOSES, weight=Weight.REFUSED):
    return Finding(hazard, "drop table", "1_next.sql", 4, "drop table voices", "it drops public.voices", weight)


def moment(rows=3, *, more=False, hashes=None, facts=None, by_group=None):
    columns = {f"{VOICES}.name": COLUMN, **({EXTRA: COLUMN} if more else {})}
    kinds = {"column": columns, "table": {VOICES: {"row_security": True, "forced": False}}, **(facts or {})}
    state = TableState(rows, hashes or {"name": "1"}, by_group or {})
    return Snapshot("t", "1 db", "17", kinds, {VOICES: state})


def compared(before=None, after=None, **more):
    before, after = before or moment(), after or moment(more=True)
    return Compared(before, after, differences(before.facts, after.facts), **more)


def rehearsed(**changes):
    told = Rehearsal(
        ("1_next.sql",),
        {VOICES: 30},
        {},
        moment(),
        after=moment(more=True),
        again=replace(moment(more=True), tables={}),
    )
    return Rehearsed(replace(told, **changes), is_ours=True)


def could_not(reason, act, *arguments):
    with pytest.raises(CouldNotJudge) as raised:
        act(*arguments)
    assert raised.value.reason is reason


class TestStatements:
    def test_additions_and_advice_pass(self):
        migrating.check_statements(Reading(("f",), (finding(weight=Weight.ADVICE),)), [Hazard.LOSES], "C-1")

    def test_what_is_refused_fails_with_its_place(self):
        with pytest.raises(AssertionError, match=r"1_next.sql:4: it drops public.voices \(drop table\).*\[C-1\]"):
            migrating.check_statements(Reading(("f",), (finding(),)), [Hazard.LOSES], "C-1")

    def test_another_hazard_is_another_clause(self):
        migrating.check_statements(Reading(("f",), (finding(),)), [Hazard.OPENS], "C-1")

    def test_doubt_is_no_green(self):
        reading = Reading(("f",), (finding(Hazard.HIDES, Weight.DOUBT),))
        could_not(Reason.SOURCE_ABSENT, migrating.check_statements, reading, [Hazard.LOSES], "C-1")


REHEARSED = (
    (migrating.check_kept, {"after": replace(moment(), facts={"column": {}})}, "was lost"),
    (migrating.check_rows_kept, {"altered": {VOICES: 2}}, "2 rows of public.voices are lost or altered"),
    (migrating.check_reads, {"reads": ("a read of voices fails",)}, "a read of voices fails"),
    (migrating.check_reads, {"applied": Applied(rewritten={VOICES})}, "public.voices is rewritten"),
    (migrating.check_writes, {"writes": ("an insert fails",)}, "an insert fails"),
    (migrating.check_rules_kept, {"seen_before": {("anon", VOICES): 0}, "seen_after": {("anon", VOICES): 2}}, "anon sees 2 rows"),
    (migrating.check_second_run, {"again": moment(more=True)}, "a second run changes rows of public.voices"),
    (migrating.check_applied, {"failed": "1_next.sql:2: no", "after": None}, "the migration fails: 1_next.sql:2: no"),
)  # fmt: skip


@pytest.mark.parametrize("check", dict.fromkeys(row[0] for row in REHEARSED), ids=lambda check: check.__name__)
def test_a_rehearsal_that_only_added_passes(check):
    check(rehearsed(), "C-1")


@pytest.mark.parametrize(("check", "changes", "told"), REHEARSED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_rehearsal_that_did_more_fails(check, changes, told):
    with pytest.raises(AssertionError, match=told):
        check(rehearsed(**changes), "C-1")


@pytest.mark.parametrize("check", [row[0] for row in REHEARSED[:-1]], ids=lambda check: check.__name__)
def test_a_rehearsal_that_failed_says_nothing_more(check):
    could_not(Reason.SOURCE_ABSENT, check, rehearsed(after=None, failed="no"), "C-1")


@pytest.mark.parametrize("check", [migrating.check_rows_kept, migrating.check_reads, migrating.check_writes])
def test_a_rehearsal_without_rows_proves_nothing(check):
    could_not(Reason.TOO_FEW_SAMPLES, check, rehearsed(unseeded={VOICES: "SQLSTATE 23514"}), "C-1")


def test_what_builds_on_nothing_cannot_be_applied_here():
    could_not(
        Reason.SOURCE_ABSENT, migrating.check_applied, rehearsed(failed="no", lacks_the_base=True, after=None), "C-1"
    )


COMPARED = (
    (migrating.check_nothing_lost, compared(after=replace(moment(more=True), facts={"column": {EXTRA: COLUMN}})), "was lost"),
    (migrating.check_content_kept, compared(after=moment(2, more=True)), "had 3 rows, and has 2 of them"),
    (migrating.check_content_kept, compared(after=moment(more=True, hashes={"name": "2"})), "name hold something else"),
    (migrating.check_old_columns_read, compared(after=replace(moment(more=True), tables={})), "cannot be read any more"),
    (migrating.check_rules_same, compared(after=moment(more=True, facts={"policy": {f"{VOICES}.p": {"using": "true"}}})), "p was added"),
)  # fmt: skip


@pytest.mark.parametrize("check", dict.fromkeys(row[0] for row in COMPARED), ids=lambda check: check.__name__)
def test_two_moments_that_differ_by_additions_pass(check):
    check(compared(), "C-1")


@pytest.mark.parametrize(("check", "told", "match"), COMPARED, ids=lambda value: getattr(value, "__name__", ""))
def test_two_moments_that_differ_by_more_fail(check, told, match):
    with pytest.raises(AssertionError, match=match):
        check(told, "C-1")


@pytest.mark.parametrize("check", dict.fromkeys(row[0] for row in COMPARED), ids=lambda check: check.__name__)
def test_two_moments_without_a_migration_prove_nothing(check):
    could_not(Reason.SOURCE_ABSENT, check, compared(after=moment()), "C-1")


def test_an_empty_database_proves_nothing():
    could_not(Reason.TOO_FEW_SAMPLES, migrating.check_content_kept, compared(moment(0), moment(0, more=True)), "C-1")


class TestLegacyRows:
    def judge(self, **by_group):
        after = moment(by_group={name.replace("__", "="): count for name, count in by_group.items()})
        migrating.check_legacy_rows(after, {VOICES: "tts_provider"}, "modal", "there", "C-1")

    def test_modal_passes(self):
        self.judge(tts_provider__modal=3)

    @pytest.mark.parametrize("other", ["qwen", "null"])
    def test_anything_else_fails(self, other):
        with pytest.raises(AssertionError, match=f"2 rows of public.voices from before read tts_provider={other}"):
            self.judge(tts_provider__modal=3, **{f"tts_provider__{other}": 2})

    def test_no_row_proves_nothing(self):
        could_not(Reason.TOO_FEW_SAMPLES, self.judge)


class TestOldBuild:
    @staticmethod
    def reply(status, *ids):
        return SimpleNamespace(status=status, json=lambda: {"voices": [{"id": each} for each in ids]})

    def test_the_same_list_passes(self):
        migrating.check_old_build_lists(compared(lists=(self.reply(200, "a"), self.reply(200, "a"))), "C-1")

    @pytest.mark.parametrize("later", [(500,), (200,), (200, "b")])
    def test_another_list_fails(self, later):
        with pytest.raises(AssertionError, match=r"\[C-1\]"):
            migrating.check_old_build_lists(compared(lists=(self.reply(200, "a"), self.reply(*later))), "C-1")

    def test_an_empty_list_proves_nothing(self):
        lists = (self.reply(200), self.reply(200))
        could_not(Reason.TOO_FEW_SAMPLES, migrating.check_old_build_lists, compared(lists=lists), "C-1")

    def test_without_an_old_build_nothing_is_said(self):
        could_not(Reason.NOT_CONFIGURED, migrating.check_old_build_lists, compared(), "C-1")


def whole_facts():
    """Return the facts of a database that has all that the contract names."""
    columns = {
        name: {
            **COLUMN,
            "type": each.type,
            "not_null": each.not_null,
            "default": each.default and f"'{each.default}'::{each.type}",
        }
        for name, each in schema.COLUMNS.items()
    }
    checks = {
        f"{each.table}.{name}": {
            "definition": f"CHECK ({each.column} = ANY ('{each.good[0]}', '{each.good[1]}'))",
            "validated": True,
        }
        for name, each in schema.CHECKS.items()
    }
    indexes = {
        name: {"definition": f"CREATE INDEX x {columns_} WHERE ({condition})", "valid": True}
        for name, (columns_, condition) in schema.INDEXES.items()
    }
    indexes |= {name: {"definition": "CREATE UNIQUE INDEX x", "valid": True} for name in schema.OLD_INDEXES}
    return {
        "table": {table: {"row_security": True, "forced": False} for table in schema.TABLES},
        "column": columns,
        "constraint": checks,
        "index": indexes,
        "foreign key": {f"{VOICES}.user_fkey": {"columns": "user_id", "indexed": True}},
        "grant": {f"{VOICES} to authenticated": {"rights": "DELETE, SELECT"}},
        "policy": {f"{VOICES}.own": {"command": "r", "permissive": True, "using": "(auth.uid() = user_id)", "check": None, "roles": ["authenticated"]}},
    }  # fmt: skip


def but(kind, name, **changes):
    facts = whole_facts()
    if changes:
        facts[kind][name] = {**facts[kind].get(name, {}), **changes}
    else:
        del facts[kind][name]
    return facts


OPEN = {"command": "r", "permissive": True, "check": None, "roles": ["public"]}
CATALOGUE = (
    (database.check_added_columns, but("column", EXTRA), "tts_provider is missing"),
    (database.check_added_columns, but("column", EXTRA, default=None), "has the default None, expected modal"),
    (database.check_added_columns, but("column", EXTRA, not_null=False), "takes null, expected the opposite"),
    (database.check_added_columns, but("column", EXTRA, type="integer"), "is of type integer, expected text"),
    (database.check_added_checks, but("constraint", f"{VOICES}.voices_tts_provider_check"), "has no check"),
    (database.check_added_checks, but("constraint", f"{VOICES}.voices_tts_provider_check", validated=False), "was never asked"),
    (database.check_added_checks, but("constraint", f"{VOICES}.voices_tts_provider_check", definition="CHECK (true)"), "does not speak of modal, qwen"),
    (database.check_indexes, but("index", "public.idx_tasks_active"), "idx_tasks_active is missing"),
    (database.check_indexes, but("index", "public.idx_tasks_provider_job_id", definition="CREATE INDEX x (id)"), "expected"),
    (database.check_indexes, but("index", "public.idx_tasks_provider_job_id", valid=False), "is not valid"),
    (database.check_indexes, but("index", schema.UNIQUE_INDEXES[0], definition="CREATE INDEX x"), "is not unique"),
    (database.check_foreign_keys_indexed, but("foreign key", f"{VOICES}.user_fkey", indexed=False), "has no index"),
    (database.check_rules_of_the_contract, but("table", VOICES, row_security=False), "row security of public.voices is off"),
    (database.check_rules_of_the_contract, but("grant", f"{VOICES} to anon", rights="INSERT, SELECT"), "anon may INSERT"),
    (database.check_rules_of_the_contract, but("policy", f"{VOICES}.all", **OPEN, using="true"), "does not ask who the caller is"),
    (database.check_rules_of_the_contract, but("policy", f"{VOICES}.all", **{**OPEN, "command": "*"}, using="(auth.uid() = user_id)"), "at more than section 5.3"),
)  # fmt: skip


@pytest.mark.parametrize("check", dict.fromkeys(row[0] for row in CATALOGUE), ids=lambda check: check.__name__)
def test_a_catalogue_as_agreed_passes(check):
    check(whole_facts(), "C-1")


@pytest.mark.parametrize(("check", "facts", "told"), CATALOGUE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_catalogue_that_differs_fails(check, facts, told):
    with pytest.raises(AssertionError, match=told):
        check(facts, "C-1")


def test_a_policy_of_the_service_is_no_clients():
    facts = but("policy", "public.tasks.service", **{**OPEN, "command": "*"}, using="(auth.role() = 'service_role')")

    database.check_rules_of_the_contract(facts, "C-1")


class TestProviders:
    def judge(self, *counts):
        database.check_providers(SimpleNamespace(providers={VOICES: Providers(*counts)}), "C-1")

    def test_rows_with_a_provider_pass(self):
        self.judge(5, 0, 2, 0)

    @pytest.mark.parametrize("counts", [(5, 1, 0, 0), (5, 0, 2, 1)])
    def test_rows_without_one_or_with_another_fail(self, counts):
        with pytest.raises(AssertionError, match="1 rows of public.voices"):
            self.judge(*counts)

    def test_no_row_proves_nothing(self):
        could_not(Reason.TOO_FEW_SAMPLES, self.judge, 0, 0, 0, 0)


DEFAULTS = {name.rpartition(".")[2]: each.default for name, each in schema.COLUMNS.items() if name.startswith(VOICES)}


class TestTriedWrites:
    def test_writes_that_take_the_defaults_pass(self):
        database.check_old_writes((Write(VOICES, None, DEFAULTS),), "C-1")

    def test_a_write_that_fails_is_told(self):
        with pytest.raises(AssertionError, match="a write to public.voices in the old shape fails: SQLSTATE 23502"):
            database.check_old_writes((Write(VOICES, "SQLSTATE 23502", {}),), "C-1")

    def test_another_default_fails(self):
        with pytest.raises(AssertionError, match="has tts_provider = 'qwen', expected 'modal'"):
            database.check_old_writes((Write(VOICES, None, {**DEFAULTS, "tts_provider": "qwen"}),), "C-1")

    def test_nothing_tried_is_no_green(self):
        could_not(Reason.NOT_CONFIGURED, database.check_old_writes, None, "C-1")

    def test_refused_bad_rows_pass(self):
        database.check_bad_rows_refused({name: f"23514 {name}" for name in schema.CHECKS}, "C-1")

    @pytest.mark.parametrize("told", ["it went through", "23502", "23514 another"])
    def test_bad_rows_that_get_in_fail(self, told):
        with pytest.raises(AssertionError, match=f"{told}, expected 23514 tasks_provider_check"):
            database.check_bad_rows_refused({"tasks_provider_check": told}, "C-1")

    @pytest.mark.parametrize(("told", "reason"), [(None, Reason.NOT_CONFIGURED), ({}, Reason.SOURCE_ABSENT)])
    def test_untried_bad_rows_are_no_green(self, told, reason):
        could_not(reason, database.check_bad_rows_refused, told, "C-1")


class TestOrder:
    @staticmethod
    def acted(status):
        request = SimpleNamespace(method="GET", url="http://127.0.0.1/api/voices")
        return (Step("new code", (SimpleNamespace(status=status, request=request),)),)

    def test_steps_that_serve_pass(self):
        ordering.check_each_step_serves(self.acted(200), "C-1")

    def test_a_step_that_does_not_serve_fails(self):
        with pytest.raises(AssertionError, match="GET /api/voices answers 500 after new code"):
            ordering.check_each_step_serves(self.acted(500), "C-1")

    def test_no_step_proves_nothing(self):
        could_not(Reason.SOURCE_ABSENT, ordering.check_each_step_serves, (), "C-1")
