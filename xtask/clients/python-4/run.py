"""Runs the cases with python-socketio 4: AsyncClient and Client."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "python"))

from old_cases import OLD_CASES
from old_peers import OldAsyncPeer, OldThreadPeer
from suite import plan_over, run_suite


def plan():
    """Every case as `(name, flags, run)`, `run` taking the server."""
    for peer_class in (OldAsyncPeer, OldThreadPeer):
        yield from plan_over(peer_class, OLD_CASES)


if __name__ == "__main__":
    run_suite(__doc__, plan())
