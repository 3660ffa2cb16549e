"""The named queries behind figures. A page links each figure to one; the CLI and ``.json`` run the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from bridgehead.store.tables import approval, crossing, entry, incident, ledger_head, run, stop, undo_item

_DECISION = case(
    (crossing.c.state == "refused", case((crossing.c.approval != "", "refused by people"), else_="refused")),
    (crossing.c.state == "asked", "waiting for people"),
    (crossing.c.approval != "", "permitted by people"),
    else_="permitted",
).label("decision")

# Reads made to decide or to settle another crossing have ``.b1-1`` or ``.p1-1`` in their position.
_OWN = (crossing.c.position.not_like("%.b%"), crossing.c.position.not_like("%.p%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A query over what is recorded, in words and in SQL."""

    name: str
    words: str
    statement: Select[Any]


def _named(name: str, words: str, statement: Select[Any]) -> Named:
    return Named(name=name, words=words, statement=statement)


_ALL = (
    _named(
        "runs-by-status",
        "How many runs there are in each status.",
        select(run.c.status, func.count().label("runs")).group_by(run.c.status).order_by(run.c.status),
    ),
    _named(
        "actions-by-decision",
        "Actions by what was decided about them, without the reads made to decide or settle another.",
        select(_DECISION, func.count().label("actions"))
        .where(crossing.c.kind == "act", *_OWN)
        .group_by(_DECISION)
        .order_by(_DECISION),
    ),
    _named(
        "money-moved",
        "Every action with an effect that is done and has an amount.",
        select(crossing.c.run, crossing.c.position, crossing.c.target, crossing.c.amount, crossing.c.currency)
        .where(crossing.c.state == "done", crossing.c.effect != "read", crossing.c.amount != "")
        .order_by(crossing.c.run, crossing.c.position),
    ),
    _named(
        "effects-done",
        "Actions that changed something, by action and effect class.",
        select(crossing.c.target, crossing.c.effect, func.count().label("actions"))
        .where(crossing.c.state == "done", crossing.c.effect != "read", crossing.c.kind == "act")
        .group_by(crossing.c.target, crossing.c.effect)
        .order_by(crossing.c.target),
    ),
    _named(
        "approvals-open",
        "Questions to people that nobody has settled yet, by due time.",
        select(approval.c.id, approval.c.run, approval.c.who, approval.c.due_at)
        .where(approval.c.state == "open")
        .order_by(approval.c.due_at),
    ),
    _named(
        "outcomes-unknown",
        "Actions of which nobody knows yet whether they happened.",
        select(crossing.c.run, crossing.c.position, crossing.c.target, crossing.c.called_at)
        .where(crossing.c.state == "unknown")
        .order_by(crossing.c.called_at),
    ),
    _named(
        "incidents-open",
        "Incidents that are not closed.",
        select(incident.c.id, incident.c.run, incident.c.kind, incident.c.words, incident.c.opened_at)
        .where(incident.c.closed_at.is_(None))
        .order_by(incident.c.opened_at),
    ),
    _named(
        "stops",
        "Every time the stop switch was used.",
        select(stop.c.set_by, stop.c.reason, stop.c.set_at, stop.c.lifted_by, stop.c.lifted_at).order_by(
            stop.c.set_at
        ),
    ),
    _named(
        "undo-effects",
        "Every effect each undo lists, without what it was: its group in the plan, its state, its amount.",
        select(
            undo_item.c.undo,
            undo_item.c.number,
            undo_item.c.group,
            undo_item.c.state,
            undo_item.c.amount,
            undo_item.c.currency,
        ).order_by(undo_item.c.undo.desc(), undo_item.c.number),
    ),
    _named(
        "ledger-size",
        "The size of the ledger, from its head row.",
        select(ledger_head.c.origin, ledger_head.c.size),
    ),
    _named(
        "entries-by-kind",
        "How many entries of each kind the ledger holds.",
        select(entry.c.kind, func.count().label("entries")).group_by(entry.c.kind).order_by(entry.c.kind),
    ),
)

NAMED: dict[str, Named] = {item.name: item for item in _ALL}


def rows(connection: Connection, name: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the rows of a named query as plain objects. Raises ``KeyError`` for an unknown name."""
    statement = NAMED[name].statement
    found = connection.execute(statement.limit(limit) if limit else statement)
    return [dict(row) for row in found.mappings()]


def count(connection: Connection, name: str) -> int:
    """Return how many rows a named query has."""
    statement = NAMED[name].statement.order_by(None).subquery()
    return connection.execute(select(func.count()).select_from(statement)).scalar_one()


def sql(connection: Connection, name: str) -> str:
    """Return the query's SQL as this database would be asked."""
    return str(NAMED[name].statement.compile(connection.engine, compile_kwargs={"literal_binds": True}))
