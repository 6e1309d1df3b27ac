"""The proof of authentication and of isolation through the API: in the sandbox, and on somebody else's deployment."""

from __future__ import annotations

import pytest

from rollout_gates.catalogue import applicability, load
from rollout_gates.systems.tts.tokens import part
from tests.proof.gate import ROOT, WHOLE, built_faults, run_gate
from tests.proof.outside import deployed, judge, not_green

MINE = (*(f"TTS-SEC-AUTH-0{number}" for number in range(1, 5)), *(f"TTS-SEC-ISO-0{number}" for number in range(1, 6)))
FILES = [str(ROOT / "suites" / "security" / f"test_{name}.py") for name in ("authentication", "isolation")]
FAULTS = built_faults("tts", MINE)
CLAUSES = [clause for clause in load(ROOT / "clauses").clauses if clause.id in MINE]
CELLS = [(mode, lane) for mode in ("qwen", "modal") for lane in ("task", "realtime")]
# Calls that a faulty system lets in leave their traces, so it cannot be seen what denied ones left.
UNJUDGED = {"F-73": {"TTS-SEC-AUTH-03"}}
EXPIRED = f"{part({'alg': 'HS256'})}.{part({'exp': 1})}.{'s' * 43}"


def judged(mode, lane):
    facts = {"mode": mode, "lane": lane}
    return {clause.id for clause in CLAUSES if applicability(clause, facts, "local", sandbox=True) is None}


def mine(names):
    return set(names) & set(MINE)


def told(run):
    return "\n".join(line for line in run.told().splitlines() if line.startswith(MINE))


def cases():
    """Each fault in every mode and lane where it shows; every day two of them, in one."""
    for fault in FAULTS:
        for mode, lane in CELLS:
            shown = mode in (fault.get("modes") or (mode,)) and lane in (fault.get("lanes") or (lane,))
            if shown and (WHOLE or (fault["id"] in {"F-73", "F-76"} and (mode, lane) == CELLS[0])):
                yield pytest.param(fault, mode, lane, id=f"{fault['id']}-{mode}-{lane}")


def test_every_fault_that_names_these_clauses_is_built():
    assert {fault["id"] for fault in FAULTS} == {"F-24", "F-72", "F-73", "F-75", "F-76"}
    assert {name for fault in FAULTS for name in fault["red"]} >= set(MINE)


@pytest.mark.parametrize(("mode", "lane"), CELLS if WHOLE else CELLS[:1])
def test_a_system_without_a_fault_is_green(tmp_path, mode, lane):
    run = run_gate(tmp_path, mode, *FILES, gate="security", lane=lane)

    assert mine(run.ids("green")) == judged(mode, lane) == set(MINE), told(run)


@pytest.mark.parametrize(("fault", "mode", "lane"), list(cases()))
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault, mode, lane):
    run = run_gate(tmp_path, mode, *FILES, f"--fault=tts:{fault['id']}", gate="security", lane=lane)

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == judged(mode, lane) & set(fault["red"]), told(run)
    assert mine(run.ids("inconclusive")) == UNJUDGED.get(fault["id"], set()), told(run)
    assert "check errored" not in told(run)


@pytest.mark.skipif(not WHOLE, reason="the whole proof")
@pytest.mark.parametrize("mode", ["modal", "qwen"])
def test_the_reference_build_is_green(tmp_path, mode):
    reference = [fault for fault in built_faults("tts", ("TTS-",)) if fault.get("reference")]
    here = [fault["id"] for fault in reference if mode in (fault.get("modes") or (mode,))]
    faults = ",".join(f"tts:{name}" for name in here)

    run = run_gate(tmp_path, mode, *FILES, f"--fault={faults}", gate="security")

    assert mine(run.ids("green")) == set(MINE), told(run)


# --- somebody else's deployment


def outside(folder, mode, lane, *faults, roomy=True, **changes):
    """Judge a deployment of which nothing is known but its addresses and keys."""
    with deployed(folder, mode, lane, *faults, roomy=roomy) as there:
        there.variables["TTS_OLD_TOKEN"] = EXPIRED
        secrets = {**there.table["secrets"], **changes.pop("secrets", {}), "expired_token": "TTS_OLD_TOKEN"}
        held = {name: variable for name, variable in secrets.items() if variable is not None}
        return judge(folder, there, *FILES, gate="security", secrets=held, **changes)


def open_ones(run):
    return {name: why for name, why in not_green(run).items() if name in MINE}


@pytest.mark.skipif(not WHOLE, reason="the whole proof")
@pytest.mark.parametrize(("mode", "lane"), CELLS)
def test_a_healthy_deployment_is_green(tmp_path, mode, lane):
    run = outside(tmp_path, mode, lane)

    assert mine(run.ids("green")) == set(MINE), told(run)


@pytest.mark.skipif(not WHOLE, reason="the whole proof")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["id"])
def test_a_fault_shows_on_a_deployment_as_well(tmp_path, fault):
    run = outside(tmp_path, "qwen", "task", fault["id"])

    assert mine(run.ids("red")) == mine(fault["red"]), told(run)
    assert "check errored" not in told(run)


@pytest.mark.skipif(not WHOLE, reason="the whole proof")
def test_without_a_service_role_what_the_smoke_gate_made_is_reached_for(tmp_path):
    run = outside(tmp_path, "qwen", "task", "F-76", secrets={"service_role_key": None, "database_dsn": None})

    named = {f"TTS-SEC-ISO-0{number}" for number in (1, 2, 3)}
    assert mine(run.ids("red")) == named, told(run)
    assert open_ones(run) == dict.fromkeys(named, "") | {"TTS-SEC-ISO-05": "not configured"}


@pytest.mark.skipif(not WHOLE, reason="the whole proof")
def test_two_users_and_the_limits_of_the_contract_turn_nothing_red(tmp_path):
    users = {"user_a_token": "TTS_USER_A_TOKEN", "user_b_token": "TTS_USER_B_TOKEN"}
    run = outside(tmp_path, "qwen", "task", roomy=False, sign_up=False, secrets=users)

    assert mine(run.ids("red")) == set(), told(run)
    assert mine(run.ids("green")), told(run)


@pytest.mark.skipif(not WHOLE, reason="the whole proof")
def test_prod_is_spot_checked(tmp_path):
    keys = dict.fromkeys(("service_role_key", "database_dsn", "stripe_webhook_secret"))
    run = outside(tmp_path, "qwen", "task", kind="prod", secrets=keys)

    not_in_prod = {"TTS-SEC-AUTH-03", "TTS-SEC-ISO-05"}
    assert mine(run.ids("green")) == set(MINE) - not_in_prod, told(run)
    assert mine(run.ids("not applicable")) == not_in_prod
