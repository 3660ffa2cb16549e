"""The collections of a deployment, for who looks after them: sync, list, show.

In: a deployment and its state folder. Out: its collections. Never: searches for anybody.
"""

from __future__ import annotations

from pathlib import Path

from bridgehead.connect import open_collection
from bridgehead.connect.collections.collection import DocumentCollection
from bridgehead.declare import Deployment
from bridgehead.kernel.clock import Clock


def collections(
    deployment: Deployment, state: Path, clock: Clock | None = None
) -> dict[str, DocumentCollection]:
    """Return every collection of a deployment. Raises ``ConfigError`` BH-CON-001/002."""
    return {
        name: open_collection(
            name,
            settings,
            folder=deployment.folder,
            texts=deployment.documents,
            state=state,
            clock=clock,
        )
        for name, settings in deployment.charter.collections.items()
    }
