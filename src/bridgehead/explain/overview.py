"""One deployment at a glance: what it promised, what it did, what waits, and whether it is stopped."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from bridgehead.declare import Deployment
from bridgehead.declare.model import Charter
from bridgehead.enforce.incidents import WHATS
from bridgehead.explain import queries
from bridgehead.explain.figures import Figure
from bridgehead.explain.recorded import Book
from bridgehead.explain.runs import counts
from bridgehead.kernel.money import Money
from bridgehead.store.tables import checkpoint, crossing, release


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerable:
    """Someone who answers for the deployment, and as what."""

    person: str
    name: str
    as_what: str
    email: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StopState:
    """Whether the deployment is stopped, by whom, why, since when."""

    stopped: bool
    by: str = ""
    reason: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something open that needs a person: an incident, or an action nobody knows the outcome of.

    ``position`` is set where it is about one effect.
    """

    kind: str
    words: str
    run: str
    since: str
    position: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One deployment. ``measured`` stays empty until something measures the promise."""

    name: str
    organisation: str
    stage: str
    purpose: str
    metric: str
    baseline: str
    target: str
    kill: str
    measured: str
    owners: tuple[Answerable, ...]
    release: str
    release_since: str
    stand_ins: tuple[str, ...]
    stop: StopState
    runs: tuple[Figure, ...]
    actions: tuple[Figure, ...]
    money: tuple[Figure, ...]
    waiting: Figure
    unknown: Figure
    incidents: Figure
    troubles: tuple[Trouble, ...]
    ledger_size: Figure
    ledger_root: str
    checkpoint_size: int
    checkpoint_at: str


def overview(
    connection: Connection, book: Book, deployment: Deployment, playing: Collection[str] = ()
) -> Overview:
    """Return the deployment as it is now; ``playing`` are the stand-ins that play models here."""
    charter = deployment.charter
    size, root = book.size_and_root()
    active = connection.execute(select(release).where(release.c.active == 1)).first()
    signed = connection.execute(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)).first()
    return Overview(
        name=charter.name,
        organisation=charter.organisation,
        stage=charter.stage,
        purpose=charter.purpose,
        metric=charter.outcome.metric,
        baseline=charter.outcome.baseline,
        target=charter.outcome.target,
        kill=charter.outcome.kill,
        measured="",
        owners=owners(charter),
        release=active.digest if active else deployment.digest,
        release_since=active.activated_at if active else "",
        stand_ins=tuple(sorted(playing)),
        stop=stop_state(connection, charter),
        runs=counts(connection),
        actions=actions_by_decision(connection),
        money=money_moved(connection),
        waiting=_count(connection, "approvals-open", "waiting for people"),
        unknown=_count(connection, "outcomes-unknown", "outcomes unknown"),
        incidents=_count(connection, "incidents-open", "open incidents"),
        troubles=_troubles(connection),
        ledger_size=Figure(label="ledger entries", value=str(size), query="ledger-size"),
        ledger_root=root,
        checkpoint_size=signed.size if signed else 0,
        checkpoint_at=signed.time if signed else "",
    )


def owners(charter: Charter) -> tuple[Answerable, ...]:
    """Return who answers for the deployment: owner, deputy, then escalation, in order."""
    asked = [(charter.owner.person, "owner"), (charter.owner.deputy, "deputy")]
    asked += [(person, "escalation") for person in charter.owner.escalation]
    return tuple(
        Answerable(person=key, name=found.name, as_what=role, email=found.email, active=found.active)
        for key, role in asked
        if (found := charter.people.get(key)) is not None
    )


def stand_ins(charter: Charter) -> tuple[str, ...]:
    """Return the names of the charter's models that are stand-ins, not models."""
    return tuple(sorted(name for name, model in charter.models.items() if model.driver == "stand-in"))


def stop_state(connection: Connection, charter: Charter) -> StopState:
    """Return whether the deployment is stopped now."""
    rows = [row for row in queries.rows(connection, "stops") if row["lifted_at"] is None]
    if not rows:
        return StopState(stopped=False)
    person = charter.people.get(rows[-1]["set_by"])
    return StopState(
        stopped=True,
        by=person.name if person else rows[-1]["set_by"],
        reason=rows[-1]["reason"],
        since=rows[-1]["set_at"],
    )


def actions_by_decision(connection: Connection) -> tuple[Figure, ...]:
    """Return how many actions were permitted, asked about and refused."""
    return tuple(
        Figure(label=row["decision"], value=str(row["actions"]), unit="actions", query="actions-by-decision")
        for row in queries.rows(connection, "actions-by-decision")
    )


def money_moved(connection: Connection, run: str = "") -> tuple[Figure, ...]:
    """Return the money moved by actions that are done, one figure per currency; of one run if given."""
    sums: dict[str, Decimal] = {}
    statement = queries.NAMED["money-moved"].statement
    for row in connection.execute(statement.where(crossing.c.run == run) if run else statement):
        sums[row.currency] = sums.get(row.currency, Decimal(0)) + abs(Decimal(row.amount))
    return tuple(
        Figure(
            label="money moved",
            value=str(Money(amount=total, currency=currency)).removesuffix(f" {currency}"),
            unit=currency,
            query="money-moved",
        )
        for currency, total in sorted(sums.items())
    )


def _count(connection: Connection, query: str, label: str) -> Figure:
    return Figure(label=label, value=str(queries.count(connection, query)), query=query)


def _troubles(connection: Connection) -> tuple[Trouble, ...]:
    unknown = [
        Trouble(
            kind="unknown",
            words=f"Nobody knows yet whether {row['target']} happened.",
            run=row["run"],
            since=row["called_at"] or "",
            position=row["position"],
        )
        for row in queries.rows(connection, "outcomes-unknown", limit=20)
    ]
    return (*unknown, *(_incident(row) for row in queries.rows(connection, "incidents-open", limit=20)))


def _incident(row: dict[str, Any]) -> Trouble:
    what, _, position = row["kind"].partition(":")
    return Trouble(
        kind=what,
        words=row["words"],
        run=row["run"],
        since=row["opened_at"],
        position=position if what in WHATS else "",
    )
