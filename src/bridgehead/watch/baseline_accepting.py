"""A person accepts what a table looks like: from then on batches are compared with that.

::

    made = accept_baseline(boundary, "bureau.reports", person, "the pilot's four weeks", last=20)

The data are read where they live, bins are frozen, and the act is an entry of the ledger: who, when, which
batches. What was accepted before is counted for eight weeks more, so that both are seen. Never: taken by
itself, however long nobody objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import WatchError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.checks.engine import Unmeasured
from bridgehead.watch.contract.model import Contract
from bridgehead.watch.distributions import rows
from bridgehead.watch.distributions.framing import framed
from bridgehead.watch.distributions.judging import ending
from bridgehead.watch.distributions.measuring import profiled
from bridgehead.watch.distributions.personal import keys
from bridgehead.watch.distributions.rows import Kept, Part
from bridgehead.watch.drift.judging import FLOORS
from bridgehead.watch.feeds.counting import opened, part_of
from bridgehead.watch.feeds.deciding import deciders
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.look import opened as opened_there
from bridgehead.watch.profile import BINS, Frame, added
from bridgehead.watch.promised import contract_of

LEAST_ROWS = 100
"""Below so many rows chance alone moves a column further than anything that matters."""
LAST = 5
"""Batches with new rows that are taken together, where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedBaseline:
    """What was accepted: ``batches`` and their rows, columns that are compared and those of which missing
    values alone are counted, the digest of the ``frame`` and of the one it ``replaces`` (empty: the first).

    ``finds`` is the smallest PSI that a batch as large as the average one of these can be found to have
    moved by.
    """

    table: str
    batches: tuple[str, ...]
    rows: int
    columns: tuple[str, ...]
    presence: tuple[str, ...]
    frame: str
    replaces: str
    finds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """The data as they were read: a frame, and each batch counted in it."""

    frame: Frame
    parts: tuple[Part, ...]


def accept_baseline(
    boundary: Boundary, table: str, by: Principal, reason: str, *, batches: Sequence[str] = (), last: int = 0
) -> AcceptedBaseline:
    """Accept batches of ``source.table``, by what their senders call them, or the ``last`` ones; of a table
    that does not come in batches, the rows that are there now.

    The owner and the deputy may, and whoever decides under ``sick_data``. Raises ``WatchError``: BH-WAT-113
    they may not, or say nothing why; BH-WAT-114 there is nothing to accept, or too little; BH-WAT-115 the
    data cannot be read.
    """
    if by.id not in deciders(boundary):
        raise _refused(f"{by.id} may not say what is normal for {table}", _who(boundary))
    if not reason.strip():
        raise _refused("nobody says why", "Give the reason; it is kept in the ledger.")
    source, _, name = table.partition(".")
    contract = contract_of(boundary, source)
    try:
        taken = _taken(boundary, contract, source, name, batches, last)
    except Unmeasured as fault:
        raise WatchError(
            "BH-WAT-115",
            f"the data of {table} cannot be counted: {fault.words}",
            means="Nothing was accepted.",
            fix="Mend what `bridgehead watch look` says of it first.",
        ) from fault
    whole = added(part.profiles[taken.frame.digest] for part in taken.parts)
    if whole.rows < LEAST_ROWS:
        raise _too_little(
            f"{whole.rows} rows of {table} are too few to know what is normal",
            f"Take {LEAST_ROWS} or more: several batches together, with `--last` or `--batch`.",
        )
    accepted = boundary.ledger.append(_accepting(boundary, taken, by, reason.strip())).value
    made: AcceptedBaseline = accepted
    return made


def _accepting(boundary: Boundary, taken: _Taken, by: Principal, reason: str) -> UnitOfWork:
    frame, first = taken.frame, taken.parts[0]
    whole = added(part.profiles[frame.digest] for part in taken.parts)

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        kept = Kept(
            frame=frame,
            state="current",
            accepted=whole,
            made_at=stamp(now),
            accepted_by=by.id,
            batches=tuple(part.part for part in taken.parts),
        )
        before = rows.replace_baseline(connection, first.source, first.table, kept, now)
        for part in taken.parts:
            rows.keep(connection, part, frame.digest, {}, None, drifted=False)
        made = _made(taken, kept, before)
        body = {
            "batches": list(made.batches),
            "rows": made.rows,
            "columns": list(made.columns),
            "replaces": made.replaces,
            "reason": reason,
            "assurance": by.assurance,
        }
        entry = Draft(
            kind="baseline.accepted",
            actor=by.label(),
            fields={"note": f"baseline:{made.table}@{frame.digest}"},
            body=body,
        )
        ended = ending(connection, boundary, first.source, first.table)
        return Work(drafts=(entry, *ended), value=made)

    return work


def _made(taken: _Taken, kept: Kept, replaces: str) -> AcceptedBaseline:
    first, whole = taken.parts[0], kept.accepted
    compared = [one.name for one in kept.frame.columns if one.edges or one.top or one.known]
    size = max(whole.rows / len(taken.parts), 1.0)
    return AcceptedBaseline(
        table=f"{first.source}.{first.table}",
        batches=kept.batches,
        rows=whole.rows,
        columns=tuple(compared),
        presence=tuple(one.name for one in kept.frame.columns if one.name not in compared),
        frame=kept.frame.digest,
        replaces=replaces,
        finds=FLOORS * (BINS - 1) * (1 / size + 1 / max(whole.rows, 1)),
    )


def _taken(
    boundary: Boundary, contract: Contract, source: str, name: str, batches: Sequence[str], last: int
) -> _Taken:
    promised = contract.table(name)
    if promised is None:
        raise _too_little(f"the contract says nothing of {name}", "Name its columns there.")
    hidden: Mapping[str, bytes] = keys(boundary, source, promised)
    if name not in boundary.charter.sources[source].feeds:
        if batches or last:
            raise _too_little(f"{name} does not come in batches", "Leave `--batch` and `--last` out.")
        with opened_there(boundary, source, [promised]) as place:
            frame = framed(promised, place.engine, hidden)
            seen = profiled(frame, promised, place.engine, hidden)
        now = boundary.clock.now()
        day = now.date()
        part = Part(source=source, table=name, part=day.isoformat(), day=day, at=now)
        return _Taken(frame=frame, parts=(replace(part, profiles={frame.digest: seen}),))
    supply = Supply(boundary=boundary, source=source, table=name, contract=contract)
    found = _chosen(supply, batches, last)
    with opened(supply, found) as place:
        frame = framed(promised, place.engine, hidden)
    parts = []
    for row in found:
        with opened(supply, [row]) as place:
            seen = profiled(frame, promised, place.engine, hidden)
        parts.append(replace(part_of(supply, row), profiles={frame.digest: seen}))
    return _Taken(frame=frame, parts=tuple(parts))


def _chosen(supply: Supply, batches: Sequence[str], last: int) -> list[Row[Any]]:
    """Return the published batches that are to be accepted, oldest first, whose copies are here."""
    there = [row for row in supply.boundary.store.look(lambda c: _published(c, supply)) if row.file]
    if batches:
        by_name = {called: row for row in there for called in (row.name, label_of(row.name))}
        gone = [name for name in batches if name not in by_name]
        if gone:
            known = ", ".join(label_of(row.name) for row in there[-5:]) or "none"
            raise _too_little(
                f"no published batch of {supply.name} is called {gone[0]}, or its copy was removed",
                f"The newest that are here: {known}.",
            )
        return list({by_name[name].name: by_name[name] for name in batches}.values())
    if not there:
        raise _too_little(f"no batch of {supply.name} was published", "Wait for one; see `watch batches`.")
    return there[-(last or (LAST if supply.feed.holds == "new" else 1)) :]


def _published(connection: Connection, supply: Supply) -> list[Row[Any]]:
    here = (t.batch.c.source == supply.source, t.batch.c.object == supply.table)
    found = connection.execute(
        select(t.batch).where(*here, t.batch.c.state == "published").order_by(t.batch.c.first_seen_at)
    ).all()
    if supply.feed.holds == "all":
        return list(found)
    return [row for row in found if row.enters is not None and row.leaves is None]


def _who(boundary: Boundary) -> str:
    return f"Ask {', '.join(deciders(boundary))}."


def _refused(what: str, fix: str) -> WatchError:
    means = "Nothing was accepted; what is normal stays as it is."
    return WatchError("BH-WAT-113", what, means=means, fix=fix)


def _too_little(what: str, fix: str) -> WatchError:
    return WatchError("BH-WAT-114", what, means="Nothing was accepted.", fix=fix)
