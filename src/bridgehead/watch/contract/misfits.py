"""What is wrong with the contracts of a deployment's sources, before anything is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.check.sources import Misfit
from bridgehead.declare import Deployment
from bridgehead.declare.model import Column, Table
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.contract.faults import ContractErrors
from bridgehead.watch.contract.ours import BATCH
from bridgehead.watch.contract.read import read


def misfits(deployment: Deployment) -> Iterator[Misfit]:
    """Yield each error of a contract at its line, and each table of a source that its contract leaves out.

    Where the extra ``watch`` is missing, that it was not read is worth knowing; it is needed where data are
    looked at, which may be another machine.
    """
    folder = f"{deployment.folder}/"
    for name, source in deployment.charter.sources.items():
        if not source.contract:
            continue
        where = deployment.where("sources", name, "contract")
        try:
            contract = read(deployment.folder / source.contract)
        except ContractErrors as error:
            for each in error.errors:
                yield Misfit(f"{each.what}. {each.fix}", each.where.removeprefix(folder) or where, True)
            continue
        except WatchError as error:
            yield Misfit(f"`{source.contract}` was not read: {error.what}.", where, False)
            continue
        if contract.status == "draft":
            words = f"`{source.contract}` is a draft, and its clauses decide what readers may do."
            yield Misfit(words, contract.status_at.removeprefix(folder) or where, False, "draft")
        for table in source.tables:
            if contract.table(table) is None:
                words = f"`{source.contract}` says nothing of the table `{table}`."
                yield Misfit(words, deployment.where("sources", name, "tables", table), False)
        for table in source.feeds:
            promised = contract.table(table)
            totals = promised.ours.control_totals if promised is not None else None
            if totals is not None and BATCH not in totals.manifest:
                words = f"The batches of `{table}` cannot all have the control totals in `{totals.manifest}`."
                yield Misfit(words, totals.where.removeprefix(folder) or where, True, "totals")
            if promised is not None and _kept_from_people(source.tables[table], promised.ours.segment):
                column = promised.ours.segment
                words = f"The values of `{column}` would be written down, and not everybody may see them."
                yield Misfit(words, promised.where.removeprefix(folder) or where, True, "segment")


def _kept_from_people(table: Table, column: str) -> bool:
    """Say whether a column is tagged, masked, or not shown to all who may read the table."""
    told = table.columns.get(column)
    hidden = any(column in grant.mask or column not in grant.show for grant in table.grants)
    return bool(column) and (hidden or bool(isinstance(told, Column) and told.tags))
