"""Contracts of sources, and what rests on their tables: every file and every table named must be there, and
a drop folder must not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridgehead.declare import manifest
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.naming import fault, unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-140 to BH-CHA-145."""
    charter = deployment.charter
    if charter.sick_data and charter.sick_data not in charter.approvals:
        yield unknown(
            deployment, "BH-CHA-140", charter.sick_data, "approvals", charter.approvals, "sick_data"
        )
    for name, source in charter.sources.items():
        if source.contract and deployment.manifest and source.contract not in deployment.manifest:
            yield fault(
                deployment,
                "BH-CHA-141",
                f"there is no file `{source.contract}` in the deployment folder",
                "Write the contract there, or correct the path.",
                *("sources", name, "contract"),
            )
    yield from _rests_on(deployment)
    yield from _needs(deployment)
    yield from _drop_folders(deployment)


def _drop_folders(d: Deployment) -> Iterator[CharterError]:
    for name, source in d.charter.sources.items():
        for table, feed in source.feeds.items():
            if _in_a_release(d.folder, feed.folder):
                yield fault(
                    d,
                    "BH-CHA-143",
                    f"the drop folder `{feed.folder}` is part of the release: each batch would change it",
                    "Name a folder outside the deployment folder, or one whose name begins with a dot.",
                    *("sources", name, "tables", table, "feed", "folder"),
                )


def _in_a_release(folder: Path, written: str) -> bool:
    root, place = folder.resolve(), (folder / written).resolve()
    return place.is_relative_to(root) and all(
        manifest.belongs(part) for part in place.relative_to(root).parts
    )


def _rests_on(d: Deployment) -> Iterator[CharterError]:
    watched = {
        f"{name}.{table}"
        for name, source in d.charter.sources.items()
        if source.contract
        for table in source.tables
    }
    for name, workflow in d.charter.workflows.items():
        for index, table in enumerate(workflow.rests_on):
            if table not in watched:
                place = ("workflows", name, "rests_on", index)
                yield unknown(d, "BH-CHA-142", table, "sources", watched, *place)


def _needs(d: Deployment) -> Iterator[CharterError]:
    declared = {
        f"{name}.{table}": rights.columns
        for name, source in d.charter.sources.items()
        for table, rights in source.tables.items()
    }
    for name, workflow in d.charter.workflows.items():
        for table, columns in workflow.needs.items():
            place = ("workflows", name, "needs", table)
            if table not in declared:
                yield unknown(d, "BH-CHA-144", table, "sources", declared, *place)
                continue
            for column in columns:
                if column not in declared[table]:
                    section = f"the columns of {table}"
                    yield unknown(d, "BH-CHA-145", column, section, declared[table], *place, column)
