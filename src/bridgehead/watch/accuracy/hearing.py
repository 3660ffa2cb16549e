"""The alarm hears the answers about the random core, one after the other, and raises what follows.

In: an item that was drawn at random and answered. Out: the stored state of the alarm, and where it is raised
an incident, which step 4 of ``perform`` heeds at the next call. A release has an alarm of its own; so has
what comes after an owner cleared one. The paths before stay as they are.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bridgehead.declare.accuracy import Accuracy
from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.health import ACCURACY
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch import stored
from bridgehead.watch.accuracy import faults
from bridgehead.watch.accuracy.alarm import Alarm, began, heard

ACTOR = "service:watch"
SHORT = 12
"""Digits of a release's digest that name it."""


def hear(connection: Connection, boundary: Boundary, item: Row[Any], *, wrong: bool) -> tuple[Draft, ...]:
    """Let the alarm hear one answer. ``boundary`` is that of the item's release."""
    declared = boundary.charter.workflows[item.workflow].accuracy
    assert declared is not None  # nothing is drawn otherwise
    number, before = _path(connection, boundary, item, declared)
    alarm = heard(before, wrong=wrong)
    connection.execute(
        update(t.audit_item).where(t.audit_item.c.run == item.run).values(path=number, place=alarm.labels)
    )
    _keep(connection, item, number, state=json.dumps(stored.plain(alarm)))
    if alarm.raised and not before.raised:
        return _raised(connection, boundary, item, number, declared, alarm)
    return ()


def clear(boundary: Boundary, workflow: str, *, by: Principal, reason: str) -> None:
    """Let a workflow act again by itself, as its owner says, and begin another path.

    Raises ``WatchError``: BH-WAT-078 no alarm is raised, 079 not the owner, or no reason.
    """
    owner = boundary.directory().owner
    if by.id not in (owner.person, owner.deputy) or not reason.strip():
        raise faults.not_the_owner((owner.person, owner.deputy))

    def work(connection: Connection) -> Work:
        path = open_path(connection, workflow, boundary.deployment.digest)
        if path is None or path.raised_at is None:
            raise faults.not_raised(workflow)
        _keep(connection, path, path.number, cleared_at=stamp(boundary.clock.now()), cleared_by=by.id)
        kind, body = kind_of(workflow, boundary.deployment.digest), {"words": reason.strip()}
        closed = incidents.close_kind(connection, boundary.clock, kind, actor=by.label(), body=body)
        return Work(drafts=closed)

    boundary.ledger.append(work)


def retiring(boundary: Boundary) -> UnitOfWork:
    """Return the unit that closes the incidents about releases that are not active any more: what they do is
    still left to a person, and nothing new begins under them."""

    def work(connection: Connection) -> Work:
        drafts: list[Draft] = []
        body = {"words": "Another release is active; its alarm begins anew."}
        for rest in retired(connection, boundary):
            kind = f"{ACCURACY}:{rest}"
            drafts += incidents.close_kind(connection, boundary.clock, kind, actor=ACTOR, body=body)
        return Work(drafts=tuple(drafts))

    return work


def retired(connection: Connection, boundary: Boundary) -> list[str]:
    """Return what incidents are open about releases that are not active any more."""
    active = boundary.deployment.digest[:SHORT]
    found = incidents.open_kinds(connection, f"{ACCURACY}:")
    return sorted(rest for rest in found if rest.rpartition(":")[2] != active)


def kind_of(workflow: str, release: str) -> str:
    """Return the kind of the incident about a workflow under a release."""
    return f"{ACCURACY}:{workflow}:{release[:SHORT]}"


def open_path(connection: Connection, workflow: str, release: str) -> Row[Any] | None:
    """Return the path of the alarm that hears answers now, None before the first."""
    return connection.execute(
        select(t.alarm_path).where(
            t.alarm_path.c.workflow == workflow,
            t.alarm_path.c.release == release,
            t.alarm_path.c.cleared_at.is_(None),
        )
    ).first()


def alarm_of(path: Row[Any]) -> Alarm:
    """Return the state of a path, equal to the bit to what was stored."""
    return stored.read(Alarm, json.loads(path.state))


def _path(
    connection: Connection, boundary: Boundary, item: Row[Any], declared: Accuracy
) -> tuple[int, Alarm]:
    found = open_path(connection, item.workflow, item.release)
    if found is not None:
        return found.number, alarm_of(found)
    last = connection.execute(
        select(func.max(t.alarm_path.c.number)).where(
            t.alarm_path.c.workflow == item.workflow, t.alarm_path.c.release == item.release
        )
    ).scalar()
    number, alarm = (last or 0) + 1, Alarm(floor=declared.floor, alpha=declared.alpha)
    connection.execute(
        insert(t.alarm_path).values(
            workflow=item.workflow,
            release=item.release,
            number=number,
            state=json.dumps(stored.plain(alarm)),
            began_at=stamp(boundary.clock.now()),
        )
    )
    return number, alarm


def _keep(connection: Connection, row: Row[Any], number: int, **values: Any) -> None:
    connection.execute(
        update(t.alarm_path)
        .where(
            t.alarm_path.c.workflow == row.workflow,
            t.alarm_path.c.release == row.release,
            t.alarm_path.c.number == number,
        )
        .values(**values)
    )


def _raised(
    connection: Connection,
    boundary: Boundary,
    item: Row[Any],
    number: int,
    declared: Accuracy,
    alarm: Alarm,
) -> tuple[Draft, ...]:
    changed_at = _changed_at(connection, item, number, alarm)
    words = (
        f"Results of {item.workflow} are right less often than the {percent(declared.floor)} promised: "
        f"{alarm.wrong} of {alarm.labels} that people looked at, drawn at random, were wrong, since about "
        f"{changed_at[:10]} {changed_at[11:16]} UTC. What it does is left to a person."
    )
    now = stamp(boundary.clock.now())
    _keep(connection, item, number, raised_at=now, changed_at=changed_at, words=words)
    owner = boundary.directory().owner.person
    kind = kind_of(item.workflow, item.release)
    told = f"{words} {advice(connection, declared, item.workflow, item.release)}"
    return incidents.open_kind_once(connection, boundary.clock, kind, told, owner=owner, actor=ACTOR)


def _changed_at(connection: Connection, item: Row[Any], number: int, alarm: Alarm) -> str:
    """Return when the first result was made from which on the answers speak loudest against the floor."""
    rows = connection.execute(
        select(t.audit_item.c.verdict, t.audit_item.c.drawn_at)
        .where(
            t.audit_item.c.workflow == item.workflow,
            t.audit_item.c.release == item.release,
            t.audit_item.c.path == number,
        )
        .order_by(t.audit_item.c.drawn_at, t.audit_item.c.run)
    ).all()
    return str(rows[began(alarm, [row.verdict == "wrong" for row in rows])].drawn_at)


def advice(connection: Connection, declared: Accuracy, workflow: str, release: str) -> str:
    """Return what to do about an alarm, as the charter wants it."""
    look = (
        "`bridgehead audit status` lists what it decided since; the alarm ends with another release, or with "
        f"`bridgehead audit clear {workflow}`."
    )
    parent = connection.execute(select(t.release.c.parent).where(t.release.c.digest == release)).scalar()
    if declared.below_floor != "rollBack":
        return look
    if not parent:
        return f"There is no release before this one to go back to. {look}"
    back = f"Take this release back with `bridgehead undo --release {release[:SHORT]}`: release"
    return f"{back} {parent[:SHORT]} was at work before. {look}"


def percent(share: float) -> str:
    """Return a share in whole percent where it is one: ``90 %``, ``99.5 %``."""
    return f"{100 * share:.3g} %"
