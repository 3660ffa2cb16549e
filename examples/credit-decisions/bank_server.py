"""The bank behind MCP: Bridgehead starts it and speaks to it over standard input and output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bank import Bank
from mcp.server import MCPServer

server = MCPServer("bank")


def _bank() -> Bank:
    return Bank(Path(os.environ["BANK_FILE"]))


@server.tool()
def send_decision(application: int, decision: str, risk: int, reasons: list[str]) -> dict[str, Any]:
    """Send the letter with the decision to the applicant. It cannot be called back."""
    return _bank().decide(application, decision, risk, reasons)


@server.tool()
def read_decision(application: int) -> dict[str, Any]:
    """Return the decision that was sent on an application; empty where none was."""
    return _bank().decision(application)


if __name__ == "__main__":
    server.run("stdio")
