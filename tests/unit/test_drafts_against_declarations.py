"""Drafts of the benchmark's tools against what people declared for them by hand: nothing permits more."""

from __future__ import annotations

import pytest

from fixtures import needs

needs.module("agentdojo", "not installed: scripts/uv sync --group agentdojo")
pytestmark = pytest.mark.filterwarnings("ignore")

from fixtures.drafted import compare, suite  # noqa: E402


@pytest.mark.parametrize(("name", "same"), [("workspace", 22), ("travel", 26)])
def test_no_effect_and_no_argument_is_weaker_than_by_hand(name: str, same: int) -> None:
    found = compare(*suite(name), traced=True)
    assert found.weaker == []
    assert found.effects["same"] >= same, found.stricter
