"""`python -m sandbox.scratch`: an embedded Postgres with the hosting platform's roles and schemas, and nothing else.

The first line of output is JSON: `dsn` of the superuser, and `platform`, the name of the database to copy. It ends, and
is gone without a trace, when its standard input ends.
"""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Serve until standard input ends."""
    try:
        from sandbox.postgres import Cluster, ClusterFailed  # noqa: PLC0415 - the imports are what may fail
        from sandbox.tts.database.setup import prepare_platform  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        print(f"the Python package {missing.name} is missing", file=sys.stderr)
        return 1
    try:
        with Cluster.start() as cluster:
            platform = prepare_platform(cluster)
            print(json.dumps({"dsn": cluster.dsn(), "platform": platform}), flush=True)
            sys.stdin.read()
    except ClusterFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
