"""Which columns are personal: their values are kept as hashes under a key of this deployment's ledger.

By what the charter says (tags, a mask, a group that does not see the column), and by the column's name. A
column taken for personal that is not loses its labels on a page, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridgehead.declare.model import Table as Declared
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.sql.grants import own_tags
from bridgehead.watch.contract.model import Table
from bridgehead.watch.draft.personal import is_named_personal

PURPOSE = "profiles"


def keys(boundary: Boundary, source: str, table: Table) -> Mapping[str, bytes]:
    """Return the key for each personal column of a table, by its name in the contract."""
    settings = boundary.charter.sources[source]
    declared = settings.tables[table.name]
    key = bytes.fromhex(boundary.ledger.derived(PURPOSE))
    return {
        column.name: key
        for column in table.columns
        if settings.tags or is_named_personal(column.name) or _is_guarded(declared, column.name)
    }


def _is_guarded(declared: Declared, column: str) -> bool:
    """Say whether the charter tags a column, or does not show it to everybody who sees the table."""
    if column not in declared.columns or own_tags(declared, column):
        return True
    return any(column in grant.mask or column not in grant.show for grant in declared.grants)
