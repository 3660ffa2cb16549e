"""A person answers to a schema that changed: it is accepted, and batches that waited for that are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridgehead.assemble.house import House
from bridgehead.assemble.watching import take_in
from bridgehead.explain.batches import batches, one_batch
from bridgehead.kernel.principal import Principal
from bridgehead.watch.schema_accepting import Accepted, accept_change


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was accepted, and what became of the batches that waited, by what their senders call them."""

    made: Accepted
    batches: Mapping[str, str]


def accept(
    house: House,
    source: str,
    table: str,
    names: Mapping[str, str],
    by: Principal,
    reason: str,
    *,
    seen: str = "",
) -> Taken:
    """Accept a change as ``accept_change`` does; then judge again the batches of the table that wait.

    Raises what that raises; ``StoreError`` or ``LedgerError`` where it cannot be written down.
    """
    made = accept_change(house.boundary, source, table, names, by, reason, seen=seen)
    declared = house.deployment.charter.sources[source]
    waited = _waiting(house, f"{source}.{table}") if table in declared.feeds else {}
    if waited:
        take_in(house, source)
    return Taken(
        made=made, batches={label: _became(house, source, table, row) for row, label in waited.items()}
    )


def _waiting(house: House, name: str) -> dict[str, str]:
    """Return what the senders call the batches that wait for people, by the names of their rows."""
    with house.store.reading() as connection:
        found = batches(connection, house.boundary, name, waiting=True)
    return {line.name: line.label for line in found if line.waits}


def _became(house: House, source: str, table: str, name: str) -> str:
    with house.store.reading() as connection:
        line = one_batch(connection, house.boundary, source, table, name)
    return line.state if line is not None else "gone"
