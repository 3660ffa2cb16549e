"""A person accepted that a schema changed: the batches that waited for that are judged."""

from __future__ import annotations

from bridgehead.assemble.house import House
from bridgehead.assemble.watching import take_in
from bridgehead.explain.batches import batches, one_batch


def judge_what_waited(house: House, source: str, table: str) -> dict[str, str]:
    """Judge again the batches of a table that wait for people; return what became of each, by what its sender
    calls it. Without this call the watch does so within seconds.

    Raises ``StoreError`` or ``LedgerError`` where it cannot be written down.
    """
    declared = house.deployment.charter.sources[source]
    waited = _waiting(house, f"{source}.{table}") if table in declared.feeds else {}
    if waited:
        take_in(house, source)
    return {label: _became(house, source, table, row) for row, label in waited.items()}


def _waiting(house: House, name: str) -> dict[str, str]:
    """Return what the senders call the batches that wait for people, by the names of their rows."""
    with house.store.reading() as connection:
        found = batches(connection, house.boundary, name, waiting=True)
    return {line.name: line.label for line in found if line.waits}


def _became(house: House, source: str, table: str, name: str) -> str:
    with house.store.reading() as connection:
        line = one_batch(connection, house.boundary, source, table, name)
    return line.state if line is not None else "gone"
