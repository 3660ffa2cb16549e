"""A release becomes the active one: its row, its entry and its files commit together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, insert, select, update

from bridgehead.declare import Deployment
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import CharterError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import Store, releases
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement

_ACTIVE = Statement(select(t.release.c.digest).where(t.release.c.active == 1))


def active(store: Store) -> str:
    """Return the digest of the active release, empty before the first one."""
    row = store.look(_ACTIVE.first)
    return str(row[0]) if row else ""


def taken_back(connection: Connection, digest: str) -> CharterError | None:
    """Return why a release that was taken back is not made active again; None for any other."""
    row = connection.execute(
        select(t.release.c.stopped_by).where(t.release.c.digest == digest, t.release.c.state == "stopped")
    ).first()
    if row is None:
        return None
    at_work = connection.execute(
        select(t.release.c.digest).where(t.release.c.active == 1, t.release.c.state == "allowed")
    ).scalar()
    return CharterError(
        "BH-ASM-007",
        f"the folder holds release {digest[:12]}, which was taken back by {row.stopped_by}",
        means=(
            f"It is not made active again; release {at_work[:12]} stays at work."
            if at_work is not None
            else "It is not made active again, and no other release is at work: nothing new is started."
        ),
        fix="Correct the folder and try again: with any change in it, it is another release. What is under "
        "way, the undo above all, is carried on by `bridgehead up`.",
    )


def require_not_undone(connection: Connection, digest: str) -> None:
    """Raise ``CharterError`` (BH-ASM-007) for a release that was taken back."""
    error = taken_back(connection, digest)
    if error is not None:
        raise error


def unit(
    deployment: Deployment,
    by: Principal,
    clock: Clock,
    files: Callable[[], Iterable[releases.File]] | None,
) -> UnitOfWork:
    """Return the unit that makes a release the active one, where it is not. On a shared store its ``files``
    go along; they are read anew each time the unit is tried.

    It raises ``CharterError`` (BH-ASM-007) for a release that was taken back, by then.
    """

    def work(connection: Connection) -> Work:
        require_not_undone(connection, deployment.digest)
        row = _ACTIVE.first(connection)
        parent = str(row[0]) if row else ""
        if parent == deployment.digest:  # somebody else was faster
            return Work()
        if files is not None:
            releases.keep(connection, deployment.digest, files())
        connection.execute(update(t.release).values(active=0))
        if not _active_again(connection, deployment.digest, parent, by, clock):
            connection.execute(insert(t.release).values(_row(deployment, parent, by, clock)))
        draft = Draft(
            kind="release.activated",
            actor=by.label(),
            fields={"release": deployment.digest, "note": f"parent {parent or 'none'}"},
            body={"assurance": by.assurance, "manifest": dict(deployment.manifest)},
        )
        return Work(drafts=(draft,))

    return work


def _active_again(connection: Connection, digest: str, parent: str, by: Principal, clock: Clock) -> bool:
    """Make a release that was active before the active one; return whether there is one.

    It leaves its old place among the releases and comes after ``parent``: what an undo makes active is the
    one that was at work just before.
    """
    known = connection.execute(select(t.release.c.parent).where(t.release.c.digest == digest)).first()
    if known is None:
        return False
    connection.execute(update(t.release).where(t.release.c.parent == digest).values(parent=known.parent))
    connection.execute(
        update(t.release)
        .where(t.release.c.digest == digest)
        .values(
            active=1,
            parent=parent,
            activated_at=stamp(clock.now()),
            activators=t.release.c.activators + f" {by.label()}",
        )
    )
    return True


def _row(deployment: Deployment, parent: str, by: Principal, clock: Clock) -> dict[str, Any]:
    return {
        "digest": deployment.digest,
        "charter": deployment.charter.model_dump_json(),
        "manifest": canonical_bytes(dict(deployment.manifest)).decode(),
        "activated_at": stamp(clock.now()),
        "activated_by": by.label(),
        "activators": by.label(),
        "active": 1,
        "parent": parent,
    }
