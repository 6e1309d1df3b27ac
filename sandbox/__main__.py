"""`python -m sandbox`, see `--help`."""

from __future__ import annotations

import sys

EXTRA = "pip install 'rollout-gates[sandbox]', or in a clone: pip install -e '.[sandbox]'"


def run() -> int:
    """Run the command line; what an installation without the extra lacks is said in one line."""
    try:
        from sandbox.cli import main  # noqa: PLC0415 - the imports are what may fail

        return main()
    except ModuleNotFoundError as missing:
        if (missing.name or "sandbox").startswith("sandbox"):
            raise
        print(f"sandbox: the Python package {missing.name} is missing; {EXTRA}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(run())
