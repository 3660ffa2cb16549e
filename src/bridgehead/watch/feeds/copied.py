"""A batch as its row and its copy have it, and the files of the tables that it may refer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bridgehead.kernel.clock import unstamp
from bridgehead.watch.arrivals.manifest import manifest
from bridgehead.watch.checks.files import Files, find
from bridgehead.watch.feeds import landing, publishing
from bridgehead.watch.feeds.judging import Batch
from bridgehead.watch.feeds.published import copies
from bridgehead.watch.feeds.published import files as published
from bridgehead.watch.feeds.supply import Supply


def batch_of(supply: Supply, row: Row[Any]) -> Batch:
    """Return a batch as its row and its copy have it; without files where the copy is not here."""
    folder, label = supply.boundary.state / row.file, publishing.label_of(row.name)
    ours = list(copies(folder)) if row.file else []
    said, totals = folder / landing.SAID, folder / landing.TOTALS
    promised = manifest(said.read_bytes(), label) if ours and said.is_file() else None
    if promised is None or isinstance(promised, str):
        names: Sequence[str] = [label] * len(ours)
        return Batch(
            name=row.name,
            label=label,
            at=unstamp(row.first_seen_at),
            files=tuple(zip(names, ours, strict=True)),
            totals=totals if ours and totals.is_file() else None,
        )
    numbered = {int(path.name.partition(".")[0]): path for path in ours}
    return Batch(
        name=row.name,
        label=label,
        at=unstamp(row.first_seen_at),
        files=tuple((part.name, numbered[number]) for number, part in enumerate(promised.files)),
        promised=promised,
        totals=totals if totals.is_file() else None,
    )


def others(supply: Supply) -> dict[str, Files]:
    """Return the files of the tables that this one may refer to."""
    boundary, declared = supply.boundary, supply.boundary.charter.sources[supply.source]
    found: dict[str, Files] = {}
    wanted = {one.to for one in supply.promised.references} if supply.promised else set()
    wanted |= {
        one.to for column in (supply.promised.columns if supply.promised else ()) for one in column.references
    }
    for table in supply.contract.tables:
        if table.name == supply.table or table.name not in wanted or table.name not in declared.tables:
            continue
        if table.name in declared.feeds:
            found[table.name] = published(boundary, supply.source, table.name)
        else:
            file = boundary.deployment.folder / declared.tables[table.name].file
            found[table.name] = find(file, (table,))[table.name]
    return found
