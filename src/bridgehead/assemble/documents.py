"""The collections of a deployment, for who looks after them: sync, list, show, explain.

In: a deployment and its state folder. Out: its collections. Never: searches for anybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridgehead.connect import open_access, open_collection
from bridgehead.connect.collections.collection import DocumentCollection as DocumentCollection
from bridgehead.connect.collections.sync import Synced as Synced
from bridgehead.declare import Deployment
from bridgehead.explain.readable import Readable, readable
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import ConfigError
from bridgehead.kernel.principal import Principal


def collections(
    deployment: Deployment, state: Path, clock: Clock | None = None
) -> dict[str, DocumentCollection]:
    """Return every collection of a deployment. Raises ``ConfigError`` BH-CON-001/002."""
    return {
        name: open_collection(
            name,
            settings,
            deployment=deployment,
            state=state,
            clock=clock,
        )
        for name, settings in deployment.charter.collections.items()
    }


def chosen(found: dict[str, DocumentCollection], name: str) -> dict[str, DocumentCollection]:
    """Return one collection, or all where none is named. Raises ``ConfigError`` (BH-ASM-020)."""
    if not name:
        return found
    if name not in found:
        raise ConfigError(
            "BH-ASM-020",
            f"the active release declares no collection {name!r}",
            fix=f"Choose one of: {', '.join(found) or 'none is declared'}.",
        )
    return {name: found[name]}


def sweep(state: Path, declared: dict[str, DocumentCollection]) -> None:
    """Delete the indexes of what is not declared any more; a run of an older release makes its own anew."""
    kept = {one.index.path.name for one in declared.values()}
    for place in (state / "collections").glob("*.sqlite*"):
        if place.name.removesuffix("-wal").removesuffix("-shm") not in kept:
            place.unlink(missing_ok=True)


def entries_of(release: str, collection: str, done: Synced, by: Principal) -> tuple[Draft, ...]:
    """Return what the ledger keeps of a sync: how many, and a digest; what they are called is in the body."""
    if not (done.added or done.changed or done.deleted):
        return ()
    said: dict[str, Any] = {"added": done.added, "changed": done.changed, "deleted": done.deleted}
    fields = {
        "release": release,
        "collection": {
            "name": collection,
            **{name: len(paths) for name, paths in said.items()},
            "refused": len(done.refused),
            "digest": digest(done.digests),
        },
    }
    body = {**said, "digests": done.digests, "assurance": by.assurance}
    return (Draft(kind="collection.synced", actor=by.label(), fields=fields, body=body),)


def readable_by(
    deployment: Deployment,
    collection: DocumentCollection,
    person: str,
    agent: str,
    clock: Clock,
) -> Readable:
    """Return which documents of a collection somebody may read, each with the reason. See ``explain``."""
    source = open_access(collection.name, collection.settings, folder=deployment.folder)
    paths = [known.path for known in collection.listed()[0]]
    access = source.now() if source is not None else None
    return readable(deployment, person, collection.name, paths, access, clock.now(), agent=agent)
