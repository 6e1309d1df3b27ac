"""`python -m sandbox`, see `--help`."""

from sandbox.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
