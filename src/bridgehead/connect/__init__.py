"""Drivers: how the house reaches order systems, models and databases.

In: a part of the charter and the folder it lies in. Out: a ``kernel.ports.Driver``, not yet open.
Never: decides, retries, records, or is imported by any room but ``assemble``.

The heavy libraries (the MCP SDK, aiohttp) load when the first driver that needs them is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridgehead.declare.model import McpServer, Model, Source
    from bridgehead.kernel.ports import Driver

__all__ = ["open_model", "open_server", "open_source"]


def open_server(name: str, settings: McpServer, *, state: Path, folder: Path) -> Driver:
    """Return the driver of a charter's server: MCP over stdio or streamable HTTP.

    ``state`` is the deployment's state folder (the server's log goes there), ``folder`` the
    deployment folder (a program is started in it). Raises ``ConfigError`` BH-CON-001/002.
    """
    from bridgehead.connect.actions.mcp import mcp_driver

    return mcp_driver(name, settings, state=state, folder=folder)


def open_model(name: str, settings: Model, *, folder: Path) -> Driver:
    """Return the driver of a charter's model: an OpenAI-compatible endpoint or a labelled stand-in.

    Raises ``ConfigError`` BH-CON-001/002.
    """
    if settings.driver == "stand-in":
        from bridgehead.connect.models.stand_in import StandIn

        return StandIn(name, settings, folder=folder)
    from bridgehead.connect.models.openai import OpenAIModel

    return OpenAIModel(name, settings)


def open_source(name: str, settings: Source, *, folder: Path) -> Driver:
    """Return the driver of a charter's source. All of them only read.

    Raises ``ConfigError`` BH-CON-002 where a package is missing.
    """
    match settings.driver:
        case "duckdb":
            from bridgehead.connect.sources.duckdb import DuckdbSource

            return DuckdbSource(name, settings, folder=folder)
        case "postgresql":
            from bridgehead.connect.sources.postgresql import PostgresqlSource

            return PostgresqlSource(name, settings)
        case "sqlite":
            from bridgehead.connect.sources.sqlite import SqliteSource

            return SqliteSource(name, settings, folder=folder)
