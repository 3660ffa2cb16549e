"""What the pages on connecting show can be written into a charter as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridgehead.connect import open_model
from bridgehead.connect.actions.over_stdio import STRAY_LINES
from bridgehead.connect.faults import LIMIT_BYTES
from bridgehead.declare.model import McpServer, Model
from bridgehead.kernel.ports import Request

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
KINDS = {"servers": McpServer, "models": Model}


def shown(page: str, language: str) -> Iterator[str]:
    yield from re.findall(rf"```{language}\n(.*?)```", (HOW_TO / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", ["connect-an-mcp-server.md", "connect-a-model.md"])
def test_every_piece_of_charter_shown_is_valid(page: str) -> None:
    pieces: list[dict[str, Any]] = [yaml.safe_load(text) for text in shown(page, "yaml")]
    assert pieces
    for piece in pieces:
        for kind, systems in piece.items():
            for settings in systems.values():
                KINDS[kind].model_validate(settings)


async def test_the_stand_in_shown_plays(tmp_path: Path) -> None:
    (script,) = shown("connect-a-model.md", "python")
    (tmp_path / "stand_in.py").write_text(script)
    pieces = [yaml.safe_load(text)["models"] for text in shown("connect-a-model.md", "yaml")]
    settings = Model.model_validate(next(p["stand-in"] for p in pieces if "stand-in" in p))
    driver = open_model("stand-in", settings, folder=tmp_path)
    await driver.open()
    reply = await driver.call(Request(operation="stand-in", arguments={"messages": []}, key="k", deadline=5))
    assert reply.value["tool_calls"][0]["name"] == "get_order"
    await driver.close()


def test_the_limits_named_are_the_limits() -> None:
    text = (HOW_TO / "connect-an-mcp-server.md").read_text()
    assert f"after {STRAY_LINES} such lines" in text
    assert f"more than {LIMIT_BYTES // 1024 // 1024} MiB" in text
