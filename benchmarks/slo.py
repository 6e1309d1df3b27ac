"""How often the sequential test of objectives is wrong, and how often it finds a breach.

    python benchmarks/slo.py [--runs 2000] [--seed 1]

Each run is one window of an objective with so many samples, looked at as the gate does: at a quarter, half, three
quarters, and the end. *False alarms*: the true rate is just the target, and the gate says NO-GO. *Found*: the true rate
is lower. Beside it stands what a plain binomial test of that level, asked at each of the four looks, would have done.
The last row is a whole run: several objectives in two windows, with the error rate that the gate states for them all.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import binom

from rollout_gates.slo.sequential import ExactTest, interval

FRACTIONS = (0.25, 0.5, 0.75, 1.0)
RUN_ALPHA, TESTS = 0.05, 12


def window(rng: np.random.Generator, size: int, share: float, target: float, alpha: float) -> tuple[bool, bool]:
    """Return whether our test, and a plain one, ever called a window broken whose true rate is *share*."""
    failed = rng.random(size) >= share
    test, plain, seen = ExactTest(1 - target, alpha), False, False
    for fraction in FRACTIONS:
        total = int(size * fraction)
        failures = int(failed[:total].sum())
        seen |= test.look(fraction, total, failures).broken
        plain |= bool(failures and binom.sf(failures - 1, total, 1 - target) <= alpha)
    return seen, plain


def rate(hits: int, runs: int) -> str:
    """Return *hits* of *runs* in percent, with its exact interval."""
    low, high = interval(hits, runs)
    return f"{100 * hits / runs:6.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def one_objective(rng: np.random.Generator, runs: int, alpha: float) -> None:
    """Print false alarms and power of one objective in one window."""
    print(f"one objective, one window, target 95 %, alpha {100 * alpha:.3g} %")
    for size in (20, 60, 200, 1000):
        for share in (0.95, 0.90, 0.80, 0.50):
            found = [window(rng, size, share, 0.95, alpha) for _ in range(runs)]
            ours, plain = (sum(each[at] for each in found) for at in (0, 1))
            what = "false alarms" if share == 0.95 else "found"
            print(
                f"  {size:5} samples, true {100 * share:4.0f} %  {what:12}  "
                f"{rate(ours, runs):28}  plain {rate(plain, runs)}"
            )


def whole_runs(rng: np.random.Generator, runs: int) -> None:
    """Print how often a whole run, in which all is just as agreed, is called broken anywhere."""
    alarmed = 0
    for _ in range(runs):
        alarmed += any(window(rng, 60, 0.95, 0.95, RUN_ALPHA / TESTS)[0] for _ in range(TESTS))
    print(f"whole runs of {TESTS} tests, stated alpha {100 * RUN_ALPHA:g} %: called broken {rate(alarmed, runs)}")


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, began = np.random.default_rng(options.seed), time.monotonic()
    one_objective(rng, options.runs, 0.05)
    one_objective(rng, options.runs, RUN_ALPHA / TESTS)
    whole_runs(rng, options.runs // 2)
    print(f"took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
