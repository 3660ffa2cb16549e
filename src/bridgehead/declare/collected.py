"""Collections of documents: every group, document and agent's collection named must be declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from bridgehead.declare.collecting import Collection
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.naming import fault, unknown
from bridgehead.kernel.errors import CharterError

_FROM_ENVIRONMENT = re.compile(r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-021, BH-CHA-120 to BH-CHA-122."""
    for name, collection in deployment.charter.collections.items():
        yield from _readers(deployment, name, collection)
        yield from _documents(deployment, name, collection)
        yield from _folders(deployment, name, collection)
    known = deployment.charter.collections
    for name, agent in deployment.charter.agents.items():
        for index, collection_name in enumerate(agent.collections):
            if collection_name not in known:
                place = ("agents", name, "collections", index)
                yield unknown(deployment, "BH-CHA-120", collection_name, "collections", known, *place)


def in_release(path: str) -> bool:
    """Say whether a path of a collection lies in the deployment folder, and so in every release of it."""
    return not (PurePosixPath(path).is_absolute() or _FROM_ENVIRONMENT.match(path))


def _readers(d: Deployment, name: str, collection: Collection) -> Iterator[CharterError]:
    for number, readers in enumerate(collection.readers):
        for index, group in enumerate(readers.to):
            if group not in d.charter.groups:
                place = ("collections", name, "readers", number, "to", index)
                yield unknown(d, "BH-CHA-021", group, "groups", d.charter.groups, *place)


def _documents(d: Deployment, name: str, collection: Collection) -> Iterator[CharterError]:
    for index, document in enumerate(collection.documents):
        if document not in d.charter.documents:
            place = ("collections", name, "documents", index)
            yield unknown(d, "BH-CHA-121", document, "documents", d.charter.documents, *place)


def _folders(d: Deployment, name: str, collection: Collection) -> Iterator[CharterError]:
    access = collection.access.file if collection.access else ""
    for path, place in ((collection.folder, ("folder",)), (access, ("access", "file"))):
        if path and in_release(path) and ".." in PurePosixPath(path).parts:
            yield fault(
                d,
                "BH-CHA-122",
                f"`{path}` leads out of the deployment folder",
                "Write an absolute path, or `${NAME}` and set it where Bridgehead runs.",
                *("collections", name, *place),
                means="A release lies elsewhere, and the path would lead to something else there.",
            )
