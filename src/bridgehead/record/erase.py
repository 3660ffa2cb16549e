"""Lawful erasure: the body goes, the commitment stays, and an entry says so.

Deleting a subject's data key also makes every copy in a backup unreadable, as long as the backup
does not hold the key-encryption key. Erasing one entry's body cannot do that: the key is shared.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, select

from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import LedgerError
from bridgehead.record.unit import UnitOfWork, Work
from bridgehead.store import tables as t


def erase_subject(subject: str, *, by: str, basis: str, reason: str) -> UnitOfWork:
    """Return the unit that erases every body of a subject and its data key.

    Raises inside: ``LedgerError`` BH-REC-030 nothing to erase, BH-REC-031 a run still needs them.
    """

    def work(connection: Connection) -> Work:
        kid = connection.execute(select(t.data_key.c.kid).where(t.data_key.c.subject == subject)).scalar()
        if not subject or kid is None:
            raise _nothing("this subject has no bodies")
        _require_no_open_run(connection, t.body.c.kid == kid)
        gone = connection.execute(delete(t.body).where(t.body.c.kid == kid)).rowcount
        connection.execute(delete(t.data_key).where(t.data_key.c.kid == kid))
        return Work(drafts=(_entry({"kid": kid, "basis": basis}, by, reason),), value=gone)

    return work


def erase_body(index: int, *, by: str, basis: str, reason: str) -> UnitOfWork:
    """Return the unit that erases the body of one entry. Raises inside as ``erase_subject`` does."""

    def work(connection: Connection) -> Work:
        leaf = connection.execute(select(t.entry.c.leaf).where(t.entry.c.idx == index)).scalar()
        _require_no_open_run(connection, t.body.c.idx == index)
        gone = connection.execute(delete(t.body).where(t.body.c.idx == index)).rowcount
        if leaf is None or gone != 1:
            raise _nothing(f"entry {index} has no body")
        target = {"index": index, "leaf": leaf.hex(), "basis": basis}
        return Work(drafts=(_entry(target, by, reason),), value=gone)

    return work


def _entry(target: dict[str, str | int], by: str, reason: str) -> Draft:
    return Draft(kind="body.erased", actor=by, fields={"erased": target}, body={"reason": reason})


def _require_no_open_run(connection: Connection, those: ColumnElement[bool]) -> None:
    """A run that is still open replays from its bodies; erasing one would end it unannounced."""
    found = connection.execute(
        select(t.run.c.id)
        .join(t.entry, t.entry.c.run == t.run.c.id)
        .join(t.body, t.body.c.idx == t.entry.c.idx)
        .where(those, t.run.c.status.in_(("running", "waiting")))
        .limit(1)
    ).scalar()
    if found is not None:
        raise LedgerError(
            "BH-REC-031",
            f"run {found} is still open and needs these bodies",
            means="Nothing was erased.",
            fix="End the run first, then erase.",
        )


def _nothing(what: str) -> LedgerError:
    return LedgerError(
        "BH-REC-030",
        what,
        means="Nothing was erased; it may have been erased before.",
        fix="Look for body.erased entries in the ledger.",
    )
