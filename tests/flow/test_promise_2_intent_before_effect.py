"""Promise 2. No durable intent, no effect; every exit is recorded, refusals too."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given, settings

from fixtures.hostile import attempts
from fixtures.houses import IDENTIFY, Desk

ENDS = {
    "done": {"action.outcome", "action.settled"},
    "failed": {"action.outcome"},
    "refused": {"action.refused"},
    "asked": {"action.asked"},
    "unknown": {"action.outcome"},
}


@settings(max_examples=25)
@given(steps=attempts)
async def test_at_the_moment_of_every_call_its_intent_is_durable(steps: list[Any]) -> None:
    """Read by another connection, as if our process were gone."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        run = desk.start(IDENTIFY, *steps)
        seen: list[tuple[str, int]] = []

        def look() -> None:
            with closing(sqlite3.connect(desk.state / "store.db")) as other:
                (intents,) = other.execute(
                    "select count(*) from entry where kind = 'action.intent'"
                ).fetchone()
                claimed = other.execute("select target from crossing where state = 'claimed'").fetchall()
            seen.append((claimed[-1][0], intents))

        desk.on_step[8] = look
        await desk.work()
        calls = [call.operation for call in (*desk.system.calls, *desk.printer.calls)]
        assert sorted(target for target, _ in seen) == sorted(calls)
        assert [intents for _, intents in seen] == list(range(1, len(seen) + 1))
        recorded(desk, run)
        desk.close()


def recorded(desk: Desk, run: str) -> None:
    """Every crossing has a decision, and ends with the entry that belongs to its end."""
    kinds: dict[str, list[str]] = {}
    for entry in desk.entries(run=run):
        if "action" in entry:
            kinds.setdefault(entry["position"], []).append(entry["kind"])
    rows = desk.crossings(run)
    assert rows
    for row in rows:
        assert row.decision, f"{row.position} {row.target} is {row.state} without a decision"
        assert ENDS[row.state] & set(kinds[row.position]), (row.position, row.state, kinds[row.position])
        if row.state in ("done", "failed", "unknown"):
            assert kinds[row.position][0] in ("action.intent", "action.asked")
