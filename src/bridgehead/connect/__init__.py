"""Drivers: how the house reaches order systems, models, databases and documents.

In: a part of the charter and the folder it lies in. Out: a ``kernel.ports.Driver``, not yet open; for a
collection also what says who may read its documents.
Never: decides, retries, records, or is imported by any room but ``assemble``.

The heavy libraries (the MCP SDK, aiohttp) load when the first driver that needs them is built.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridgehead.connect.collections.collection import DocumentCollection
    from bridgehead.declare import Deployment
    from bridgehead.declare.model import Collection, McpServer, Model, Source
    from bridgehead.kernel.access import AccessSource
    from bridgehead.kernel.clock import Clock
    from bridgehead.kernel.ports import Driver

__all__ = ["open_access", "open_collection", "open_model", "open_server", "open_source"]


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


def open_collection(
    name: str,
    settings: Collection,
    *,
    deployment: Deployment,
    state: Path,
    clock: Clock | None = None,
) -> DocumentCollection:
    """Return the driver of a collection of a deployment; its index lies in the ``state`` folder.

    Raises ``ConfigError`` BH-CON-001/002.
    """
    from bridgehead.connect.collections.collection import DocumentCollection
    from bridgehead.connect.collections.embedding import embedder
    from bridgehead.connect.collections.folder import Given

    folder, texts = deployment.folder, {}
    for document in settings.documents:
        declared = deployment.charter.documents[document]
        ending = PurePosixPath(declared.resource or declared.path).suffix.lower()
        texts[document] = Given(deployment.documents[document], ending, declared.title)
    return DocumentCollection(
        name,
        settings,
        root=_place(settings.folder, f"collections.{name}.folder", folder) if settings.folder else None,
        texts=texts,
        state=state,
        skip=_place(settings.access.file, f"collections.{name}.access", folder) if settings.access else None,
        embedder=embedder(name, settings.embeddings) if settings.embeddings else None,
        clock=clock,
    )


def open_access(name: str, settings: Collection, *, folder: Path) -> AccessSource | None:
    """Return what says who may read a collection's documents; None where the charter alone does.

    Raises ``ConfigError`` BH-CON-001 where the environment does not say where it is.
    """
    from bridgehead.connect.collections.access import AccessFile

    if settings.access is None:
        return None
    return AccessFile(name, _place(settings.access.file, f"collections.{name}.access", folder))


def _place(written: str, used_by: str, folder: Path) -> Path:
    from bridgehead.connect.substitute import substitute

    place = folder / substitute(written, used_by=used_by)
    return place.parent.resolve() / place.name
