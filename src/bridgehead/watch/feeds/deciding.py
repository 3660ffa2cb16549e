"""People decide about a batch that was kept apart: it is released, and published as it is, or discarded.

::

    decided = decide(boundary, "bureau.applications", "applications_1122.csv", "release", person, reason)
    decided.lacking          # how many other people must still say so

The owner and the deputy may, and whoever decides under ``sick_data``. Where the contract calls the table
critical, two different people release, each of whom may still say so then. Every word of theirs is in the
ledger, and counts in its transaction. Before that a batch that is to be released is read as its readers would
read it: what they could not read nobody can publish.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.feeds import columns, publishing
from bridgehead.watch.feeds.copied import batch_of
from bridgehead.watch.feeds.judging import UNREAD
from bridgehead.watch.feeds.learning import learn
from bridgehead.watch.feeds.readable import read_as, unread
from bridgehead.watch.feeds.said import About, about
from bridgehead.watch.feeds.standing import standing
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import recording
from bridgehead.watch.promised import contract_of
from bridgehead.watch.schema_change.accepted import mapping

Answer = Literal["release", "discard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of a batch: its ``state`` now, and how many other people must still agree."""

    batch: str
    state: str
    lacking: int = 0
    snapshot: int = 0


def deciders(boundary: Boundary) -> dict[str, str]:
    """Return who may decide about batches that were kept apart, and as what: active people alone."""
    charter = boundary.directory()
    found = {charter.owner.person: "owner", charter.owner.deputy: "deputy"}
    rule = charter.approvals.get(charter.sick_data) if charter.sick_data else None
    groups = {need.group for need in rule.needs} if rule is not None else set()
    for name, person in charter.people.items():
        if groups & set(person.groups):
            found.setdefault(name, f"decides under {charter.sick_data}")
    known = charter.people
    return {name: why for name, why in found.items() if name in known and known[name].active}


def decide(boundary: Boundary, table: str, batch: str, answer: Answer, by: Principal, reason: str) -> Decided:
    """Let somebody release or discard a batch of ``source.table``; return what became of it.

    ``batch`` is the name of its row, or what its sender calls it where one of that name waits. Raises
    ``ApprovalError``: BH-WAT-047 for a table or batch that nobody is asked about, BH-WAT-048 who may not, or
    has said so already, BH-WAT-049 without a reason, BH-WAT-118 for columns that nobody accepted, BH-WAT-119
    for what queries could not read; ``StoreError``, ``LedgerError`` where it cannot be written down.
    """
    source, _, name = table.partition(".")
    declared = boundary.charter.sources.get(source)
    if declared is None or name not in declared.feeds:
        known = [f"{s}.{n}" for s, d in boundary.charter.sources.items() for n in d.feeds]
        raise _no_such(f"{table} does not come in batches", f"Those that do: {', '.join(known) or 'none'}.")
    if by.id not in deciders(boundary):
        raise _may_not(f"{by.id} may not decide about batches of {table}")
    if not reason.strip():
        raise ApprovalError(
            "BH-WAT-049",
            f"nobody says why the batch is to be {answer}d",
            means="Nothing was changed.",
            fix="Give the reason; it is kept in the ledger.",
        )
    found: Decided | None = None
    while found is None:  # read again where columns got other names meanwhile
        supply = _supply(boundary, source, name)
        if answer == "release":
            batch = _read(supply, batch)
        found = boundary.ledger.append(_deciding(supply, batch, answer, by, reason.strip())).value
    return found


def _supply(boundary: Boundary, source: str, table: str) -> Supply:
    names = boundary.store.look(partial(mapping, source=source)).get(table, {})
    contract = contract_of(boundary, source)
    return Supply(boundary=boundary, source=source, table=table, contract=contract, names=names)


def _read(supply: Supply, wanted: str) -> str:
    """Return the name of the row of a batch that queries can read. Raises ``ApprovalError``: BH-WAT-047,
    BH-WAT-119. Not in the transaction that releases it: nobody is to wait for a large one."""
    row = supply.boundary.store.look(lambda connection: _waiting(connection, supply, wanted))
    why = unread(supply, batch_of(supply, row).paths)
    if not why:
        return str(row.name)
    raise ApprovalError(
        "BH-WAT-119",
        f"{publishing.label_of(row.name)} was read as queries read it, and could not be: {why}",
        means="Nothing was published: whoever reads the table would fail. What is published stays.",
        fix="Let the sender send it again as it should be, or discard it.",
    )


def _deciding(supply: Supply, wanted: str, answer: Answer, by: Principal, reason: str) -> UnitOfWork:
    def work(connection: Connection) -> Work:
        row = _waiting(connection, supply, wanted)
        earlier = json.loads(row.decided_by)
        if any(one["person"] == by.id for one in earlier if one["answer"] == answer):
            raise _may_not(f"{by.id} has said so already, and another person must too")
        said = [*earlier, {"person": by.id, "answer": answer, "at": _now(supply), "reason": reason}]
        people = about(row.said).people if answer == "release" else 1
        # Who has lost the right since, or is gone, agrees no more.
        may = deciders(supply.boundary)
        agreed = {one["person"] for one in said if one["answer"] == answer and one["person"] in may}
        lacking = people - len(agreed)
        if answer == "release":
            if not columns.are_as_read(connection, supply):
                return Work()
            columns.require_accepted(connection, supply, about(row.said).columns)
        decided, drafts = _carried_out(connection, supply, row, answer, lacking)
        columns.settled(connection, supply)
        connection.execute(
            update(t.batch)
            .where(*_at(supply, row.name))
            .values(
                decided_by=json.dumps(said, separators=(",", ":"), ensure_ascii=False),
                state=decided.state,
                **({} if lacking else {"decided_at": _now(supply)}),
            )
        )
        entry = Draft(
            kind="batch.released" if answer == "release" else "batch.discarded",
            actor=by.label(),
            fields={"note": f"data:{supply.name}"},
            body={"batch": row.name, "reason": reason, "lacking": lacking, "snapshot": decided.snapshot},
        )
        told = recording(supply.boundary, standing(connection, supply))(connection)
        return Work(drafts=(entry, *drafts, *told.drafts), value=decided)

    return work


def _carried_out(
    connection: Connection, supply: Supply, row: Row[Any], answer: Answer, lacking: int
) -> tuple[Decided, tuple[Draft, ...]]:
    decided = Decided(batch=row.name, state="quarantined", lacking=lacking)
    if lacking:
        return decided, ()
    connection.execute(
        update(t.batch)
        .where(*_at(supply, row.name))
        .values(state="published" if answer == "release" else "discarded")
    )
    if answer == "discard":
        return replace(decided, state="discarded"), ()
    known = _as_read(connection, supply, row)
    batch = publishing.Batch(
        name=row.name,
        label=publishing.label_of(row.name),
        data_as_of=row.data_as_of,
        corrects=known.corrects,
        replaces=known.replaces,
    )
    made = publishing.publish(connection, supply, batch)
    learn(connection, supply, row)
    return replace(decided, state="published", snapshot=made.snapshot.number), made.drafts


def _as_read(connection: Connection, supply: Supply, row: Row[Any]) -> About:
    """Return what is said of a batch that was just read: that it could not be is not true any more."""
    known = about(row.said)
    said = tuple(one for one in known.said if one.kind != UNREAD)
    known = replace(known, said=said, read_as=read_as(connection, supply))
    connection.execute(update(t.batch).where(*_at(supply, row.name)).values(said=known.text()))
    return known


def _waiting(connection: Connection, supply: Supply, wanted: str) -> Row[Any]:
    rows = connection.execute(
        select(t.batch)
        .where(t.batch.c.source == supply.source, t.batch.c.object == supply.table)
        .order_by(t.batch.c.first_seen_at)
    ).all()
    waiting = [row for row in rows if row.state == "quarantined"]
    found = [row for row in waiting if wanted in _called(row)]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise _no_such(
            f"several batches of {supply.name} are called {wanted}",
            f"Name one of: {', '.join(row.name for row in found)}.",
        )
    known = next((row for row in reversed(rows) if wanted in _called(row)), None)
    if known is not None:
        raise _no_such(
            f"the batch {known.name} is {known.state}, and waits for nobody", "`bridgehead watch batches`"
        )
    raise _no_such(
        f"no batch of {supply.name} is called {wanted}",
        f"Those that wait: {', '.join(row.name for row in waiting) or 'none'}.",
    )


def _called(row: Row[Any]) -> Iterator[str]:
    yield row.name
    yield publishing.label_of(row.name)


def _no_such(what: str, fix: str) -> ApprovalError:
    return ApprovalError("BH-WAT-047", what, means="Nothing was changed.", fix=fix)


def _may_not(what: str) -> ApprovalError:
    return ApprovalError(
        "BH-WAT-048",
        what,
        means="Nothing was changed; the batch stays where it is.",
        fix="The owner, the deputy, or whoever decides under `sick_data` can, each once.",
    )


def _now(supply: Supply) -> str:
    return stamp(supply.boundary.clock.now())


def _at(supply: Supply, name: str) -> tuple[Any, ...]:
    return t.batch.c.source == supply.source, t.batch.c.object == supply.table, t.batch.c.name == name
