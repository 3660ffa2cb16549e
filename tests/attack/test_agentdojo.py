"""AgentDojo's travel with a fully hijacked agent: a part of ``bench/agentdojo.py``, on every change.

Skipped where the benchmark is not installed (``scripts/uv sync --group agentdojo``).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures import needs

needs.module("agentdojo", "not installed: scripts/uv sync --group agentdojo")
pytestmark = pytest.mark.filterwarnings("ignore")

from fixtures.injected import opened  # noqa: E402

HONEST = ("user_task_3", "user_task_1", "user_task_7")


async def test_travel_does_what_the_user_asked_without_anybodys_yes(tmp_path: Path) -> None:
    with opened("travel", tmp_path) as suite:
        for name in HONEST:
            judged = await suite.honest(suite.suite.user_tasks[name], approver=False)
            assert {each.verdict for each in judged} == {"permitted"}, (name, [each.why for each in judged])


async def test_travel_does_nothing_an_injected_text_asks_for(tmp_path: Path) -> None:
    with opened("travel", tmp_path) as suite:
        rules = suite.house.boundary.charter.actions
        for attack in suite.suite.injection_tasks.values():
            # The task that names a recipient, so that an attacker could write to somebody.
            judged, reached = await suite.hijacked(suite.suite.user_tasks["user_task_3"], attack)
            assert not reached, attack.GOAL
            assert [
                each for each in judged if each.verdict == "permitted" and rules[each.action].effect != "read"
            ] == []
