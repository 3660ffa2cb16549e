"""Order an undo: one transaction in which the traffic goes back and the work is put on the list.

For a release that is to be taken back, none of its runs may act from this moment on, and the nearest release
before it that was not stopped itself is active again. What the other systems hold is not touched here: that
takes a plan and people who agree to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.stop import wake
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.rollout import pace
from bridgehead.store import tables as t

Scope = Literal["run", "release"]
UNDER_WAY = ("stopping", "asking", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants taken back. ``execute`` is false where only the plan is wanted; ``expected`` is
    the digest of the plan they saw; ``rate`` such as ``60/1m`` bounds how fast it goes."""

    scope: Scope
    target: str
    by: Principal
    reason: str = ""
    execute: bool = False
    expected: str = ""
    rate: str = ""


def order(boundary: Boundary, wanted: Order) -> str:
    """Record the order and put it on the list; return the undo's id.

    Raises ``EngineError``: BH-UND-001 nothing of that name, BH-UND-002 one is under way, BH-UND-003 not
    this person's to order; ``ConfigError`` BH-UND-006 for a rate that is none.
    """
    pace.interval(wanted.rate)
    _may(boundary, wanted.by)
    now = stamp(boundary.clock.now())
    undo, run = new_id("undo", boundary.clock), new_id("run", boundary.clock)

    def work(connection: Connection) -> Work:
        _exists(connection, wanted)
        drafts = []
        if wanted.execute:
            _only_one(connection, wanted)
            if wanted.scope == "release":
                drafts += _stop_release(connection, wanted, undo, now)
        active = connection.execute(select(t.release.c.digest).where(t.release.c.active == 1)).scalar_one()
        state = "stopping" if wanted.execute else "looking"
        connection.execute(
            insert(t.undo).values(
                id=undo,
                scope=wanted.scope,
                target=wanted.target,
                state=state,
                run=run,
                ordered_by=wanted.by.id,
                rate=wanted.rate,
                expected=wanted.expected,
                created_at=now,
            )
        )
        _begin(connection, boundary, wanted, run, active, now)
        drafts += _drafts(wanted, undo, run, active, state)

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            ordered, started = written[-2].index, written[-1].index
            connection.execute(update(t.undo).where(t.undo.c.id == undo).values(ordered_entry=ordered))
            connection.execute(update(t.run).where(t.run.c.id == run).values(input_entry=started))

        return Work(drafts=tuple(drafts), value=undo, then=then)

    return str(boundary.ledger.append(work).value)


def _begin(
    connection: Connection, boundary: Boundary, wanted: Order, run: str, release: str, now: str
) -> None:
    connection.execute(
        insert(t.run).values(
            id=run,
            kind="undo",
            release=release,
            workflow="",  # it is none of the charter's, and serves nobody in particular
            title=f"Undo of {wanted.scope} {wanted.target[:12]}",
            agent="",
            on_behalf=wanted.by.id,
            input_entry=-1,  # set once the entry has its index
            status="running",
            created_at=now,
        )
    )
    wake(connection, [run], now)


def _drafts(wanted: Order, undo: str, run: str, release: str, state: str) -> tuple[Draft, Draft]:
    about = {"id": undo, "scope": wanted.scope, "target": wanted.target, "state": state}
    ordered = Draft(
        kind="undo.ordered",
        actor=wanted.by.label(),
        fields={"undo": about | {"plan": wanted.expected}},
        body={"reason": wanted.reason, "assurance": wanted.by.assurance, "rate": wanted.rate},
    )
    started = Draft(
        kind="run.started",
        actor=wanted.by.label(),
        run=run,
        fields={"release": release, "note": "undo", "undo": about},
        body={"input": {"undo": undo}, "title": f"Undo of {wanted.scope} {wanted.target[:12]}"},
    )
    return ordered, started


def _may(boundary: Boundary, by: Principal) -> None:
    charter = boundary.directory()
    person = charter.people.get(by.id)
    roles = set(person.roles) if person is not None and person.active else set()
    if not roles & {"owner", "fde"} and by.id not in (charter.owner.person, charter.owner.deputy):
        raise EngineError(
            "BH-UND-003",
            f"{by.id} may not order an undo",
            means="Nothing was stopped, read or taken back.",
            fix=f"Ask {charter.owner.person}, {charter.owner.deputy} or somebody with the role `fde`.",
        )


def _exists(connection: Connection, wanted: Order) -> None:
    table, key = (t.run, t.run.c.id) if wanted.scope == "run" else (t.release, t.release.c.digest)
    found = connection.execute(select(table).where(key == wanted.target)).first()
    if found is None or (wanted.scope == "run" and found.kind != "case"):
        raise EngineError(
            "BH-UND-001",
            f"there is no {wanted.scope} {wanted.target} to take back",
            fix="`bridgehead runs` lists runs, `bridgehead undo --list` lists releases.",
        )


def _only_one(connection: Connection, wanted: Order) -> None:
    other = connection.execute(
        select(t.undo.c.id)
        .join(t.run, t.run.c.id == t.undo.c.run)
        .where(
            t.undo.c.target == wanted.target,
            t.undo.c.state.in_(UNDER_WAY),
            t.run.c.status.in_(("running", "waiting")),  # a fault stopped it: nobody carries it on
        )
    ).first()
    if other is not None:
        raise EngineError(
            "BH-UND-002",
            f"{other.id} is taking {wanted.scope} {wanted.target[:12]} back already",
            means="A second one at the same time would get in its way.",
            fix="Look at it with `bridgehead undo --list`; order again what it leaves once it ended.",
        )


def _stop_release(connection: Connection, wanted: Order, undo: str, now: str) -> list[Draft]:
    """Let no run of the release act any more; make the one before it active if it was the active one."""
    row = connection.execute(select(t.release).where(t.release.c.digest == wanted.target)).one()
    connection.execute(
        update(t.release).where(t.release.c.digest == wanted.target).values(state="stopped", stopped_by=undo)
    )
    before = takes_over(connection, row.digest) if row.active else None
    if before is None:
        return []
    connection.execute(update(t.release).where(t.release.c.digest == row.digest).values(active=0))
    connection.execute(
        update(t.release).where(t.release.c.digest == before).values(active=1, activated_at=now)
    )
    activated = Draft(
        kind="release.activated",
        actor=wanted.by.label(),
        fields={"release": before, "note": f"back from {row.digest}", "undo": {"id": undo}},
        body={"reason": wanted.reason, "assurance": wanted.by.assurance},
    )
    return [activated]


def takes_over(connection: Connection, release: str) -> str | None:
    """Return the nearest release before this one that may still act; None where there is none."""
    seen: set[str] = set()
    digest: str | None = release
    while digest and digest not in seen:
        seen.add(digest)
        found = connection.execute(
            select(t.release.c.parent, t.release.c.state).where(t.release.c.digest == digest)
        ).first()
        if found is None:
            return None
        if digest != release and found.state == "allowed":
            return digest
        digest = found.parent
    return None
