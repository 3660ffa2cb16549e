"""Have the batches of a source's tables come? Looked at where the contract says when they are due.

::

    for unit in units(boundary, "bank"):
        house.ledger.append(unit)

Files dropped into a folder (``feed`` of a table of the charter) are taken in elsewhere: of these only
the time is looked at. New rows of a table of SQLite or PostgreSQL are looked for here. A contract that says
when batches come, of a table of which nobody can see whether they did, is broken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from sqlalchemy import Connection, insert

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch import kept, overdue
from bridgehead.watch.arrivals import Noticed, observe
from bridgehead.watch.arrivals.event import Arrival, Kind
from bridgehead.watch.arrivals.righted import righted
from bridgehead.watch.arrivals.rows import Found, taken
from bridgehead.watch.arrivals.state import Rows
from bridgehead.watch.breach import not_looked
from bridgehead.watch.cadence import Promised, promised
from bridgehead.watch.contract.model import Contract
from bridgehead.watch.feeds import remembered
from bridgehead.watch.feeds.said import About, Said
from bridgehead.watch.health import ACTOR, ahead_of
from bridgehead.watch.new_rows import new_rows
from bridgehead.watch.promised import contract_of

OF_A_BATCH: frozenset[Kind] = frozenset({"partial", "surge", "overlap", "catch_up", "arrived_late", "empty"})
_SHORT: frozenset[Kind] = frozenset({"partial", "overlap", "segment_missing", "surge"})
"""What is wrong with rows that came, as far as readers must hear of it."""


def units(boundary: Boundary, source: str, only: Collection[str] | None = None) -> Iterator[UnitOfWork]:
    """Yield what is to be written down of the batches of a source's tables now, or of ``only`` some."""
    declared = boundary.charter.sources[source]
    tables = declared.tables.keys() if only is None else declared.tables.keys() & set(only)
    with boundary.store.reading() as connection:
        known = kept.known(connection, source)
    try:
        contract = contract_of(boundary, source)
    except Exception as error:  # the look at its clauses says what is wrong with it
        for table in sorted(set(known) & tables):
            yield _failed(boundary, source, table, error)
        return
    for table in sorted(tables):
        try:
            yield from _of_table(boundary, contract, source, table, known=table in known)
        except BridgeheadError as error:
            yield _failed(boundary, source, table, error)


def promise(boundary: Boundary, source: str, table: str) -> Promised | None:
    """Return what the contract of a source promises of the batches of a table; None where it does not.

    Raises what reading the contract raises.
    """
    contract = contract_of(boundary, source)
    return _promised(boundary, contract, source, table)


def _promised(boundary: Boundary, contract: Contract, source: str, table: str) -> Promised | None:
    found = promised(contract, source, table, boundary.clock.now())
    if found is None:
        return None
    return replace(found, where=found.where.removeprefix(f"{boundary.deployment.folder}/"))


def _of_table(
    boundary: Boundary, contract: Contract, source: str, table: str, *, known: bool
) -> Iterator[UnitOfWork]:
    found, declared = _promised(boundary, contract, source, table), boundary.charter.sources[source]
    if found is None or not (known or found.said or table in declared.feeds):
        return
    if not (found.said or table in declared.feeds):
        yield overdue.forgetting(boundary, source, table)
    elif found.column and declared.driver in ("sqlite", "postgresql") and table not in declared.feeds:
        yield _of_rows(boundary, contract, found)
    elif known or table in declared.feeds:
        yield overdue.looking(boundary, found)
    else:
        words = (
            "The contract says when its batches come, and nobody can see whether they do: name a `feed` of "
            "the table in the charter, or a column as `element` of bridgeheadCadence."
        )
        yield overdue.not_looked(boundary, source, table, words, found.where)


def _of_rows(boundary: Boundary, contract: Contract, found: Promised) -> UnitOfWork:
    """Return the unit that takes the rows as a batch that came since the last look, if they are one."""
    with boundary.store.reading() as connection:
        before = kept.state(connection, found.source, found.table).table
    another = _is_of_another(before, found)
    table = contract.table(found.table)
    assert table is not None
    seen = new_rows(
        boundary.charter.sources[found.source],
        boundary.deployment.folder,
        table,
        found.column,
        before.newest if before is not None and not another else None,
        by_day=found.by_day,
        clock=boundary.clock,
    )

    def work(connection: Connection) -> Work:
        began = _begun_anew(connection, boundary, found) if another else ()
        return Work(drafts=(*began, *_taken(connection, boundary, found, seen)))

    return work


def _is_of_another(before: Rows | None, found: Promised) -> bool:
    """Say whether new rows were known by another column until now: its values say nothing of this one's."""
    return before is not None and bool(before.column) and before.column != found.column


def _begun_anew(connection: Connection, boundary: Boundary, found: Promised) -> tuple[Draft, ...]:
    """Forget the newest value of the other column, and return the entry that says so."""
    known = remembered.load(connection, found.source, found.table)
    before = known.feed.table
    if before is None or not _is_of_another(before, found):
        return ()  # somebody else was quicker
    feed = replace(known.feed, table=None)
    remembered.save(connection, replace(known, feed=feed), at=boundary.clock.now())
    words = (
        f"New rows of {found.feed} are known by `{found.column}` from now on, and no more by "
        f"`{before.column}`: rows that are there now are no batch."
    )
    body = {"words": words, "owner": boundary.directory().owner.person}
    return (Draft(kind="finding.raised", actor=ACTOR, fields={"note": f"rows:{found.feed}"}, body=body),)


def _taken(connection: Connection, boundary: Boundary, found: Promised, seen: Found) -> tuple[Draft, ...]:
    now = boundary.clock.now()
    feed = righted(kept.state(connection, found.source, found.table), now, unstamp(ahead_of(now)))
    feed, arrival = taken(feed, seen, now, found.column)
    said: tuple[Noticed, ...] = ()
    if arrival is not None:
        feed, said = observe(feed, found.declared, arrival)
        short = " ".join(each.words for each in said if each.kind in _SHORT)
        feed = replace(feed, short=short)
        _write(connection, found, arrival, said)
    until = feed.table.since if feed.table is not None else None
    return overdue.looked(connection, boundary, found, feed, until=until, said=said)


def _write(connection: Connection, found: Promised, arrival: Arrival, said: tuple[Noticed, ...]) -> None:
    """Write down that the rows came. They are in the table already: what is wrong with them is said there."""
    as_of = kept.moment(arrival.batch)
    connection.execute(
        insert(t.batch).values(
            source=found.source,
            object=found.table,
            name=arrival.batch,
            first_seen_at=stamp(arrival.at),
            about=kept.written([day.isoformat() for day in arrival.about]),
            rows=arrival.rows,
            state="published",
            said=About(said=tuple(_kept(one) for one in said if one.kind in OF_A_BATCH)).text(),
            data_as_of=stamp(as_of) if as_of is not None else "",
        )
    )


def _kept(one: Noticed) -> Said:
    return Said(kind=one.kind, words=one.words, fix=one.fix)


def _failed(boundary: Boundary, source: str, table: str, error: Exception) -> UnitOfWork:
    broken = not_looked(boundary, source, error)
    words = f"Whether its batches come is not known. {broken.words}"
    return overdue.not_looked(boundary, source, table, words, broken.where)
