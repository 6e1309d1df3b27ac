"""Request and answer, case by case: each file below golden_payloads/ is one check, named after the file."""

from rollout_gates import golden


def test_golden_payload(golden_exchange, golden_twin):
    """The answer is what the case expects, and the twin that has to get through did get through."""
    unproven = golden.twin_problem(golden_exchange, golden_twin)
    comparison = golden.judge(golden_exchange)
    proven, as_expected = unproven is None, not comparison.differences

    assert proven, unproven
    assert as_expected, golden.explain(golden_exchange, comparison)
