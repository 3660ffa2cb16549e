"""A person accepts the schema a look found: what is gone, what is called otherwise now.

Approves nothing by itself: a rename is a proposal until somebody says ``--renamed OLD=NEW``. Readers that the
change held go on where the release names the columns that are there, and wait for such a release where it
does not. Of a table that comes in batches a renamed column is read by both its names: what waited for that is
judged again, and no other release is needed. One transaction: the acceptance, its entry in the ledger, the
clauses it mends, the runs that read meanwhile, the woken ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.stop import wake
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import WatchError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch.health import SCOPES, Broken, Look, told
from bridgehead.watch.schema_answering import ABOUT, opened, require_reason, require_right
from bridgehead.watch.schema_change.accepted import accept, read
from bridgehead.watch.schema_change.schema import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What was accepted: the mapping in force, columns of the release that wait for another, runs woken."""

    mapping: Mapping[str, str]
    awaited: tuple[str, ...]
    woken: int


def accept_change(
    boundary: Boundary,
    source: str,
    table: str,
    names: Mapping[str, str],
    by: Principal,
    reason: str,
    *,
    seen: str = "",
) -> Accepted:
    """Accept what the last look found of a table's schema; ``names`` are old names by which new ones go.

    The owner and the deputy may, and who answers for sick data. ``seen`` is the ``digest`` of the change the
    person looked at; empty accepts whatever was found last. Raises ``WatchError`` BH-WAT-062 they may not,
    BH-WAT-064 without a reason, BH-WAT-060 nothing is open, BH-WAT-063 another change than the one seen,
    BH-WAT-061 a name that did not change so.
    """
    require_right(boundary, by)
    require_reason(reason)

    def work(connection: Connection) -> Work:
        require_right(boundary, by)  # again: it may be gone by now
        row = opened(connection, source, table, seen)
        before, found = read(table, row.accepted), read(table, row.found)
        for old, new in names.items():
            _is_rename(before, found, old, new)
        mapping = accept(connection, source, table, names, by.id, boundary.clock.now())
        declared = boundary.charter.sources[source]
        by_name = mapping if table in declared.feeds else {}  # batches are read by the accepted names, too
        awaited = tuple(
            one
            for one in declared.tables[table].columns
            if found.column(one) is None and found.column(by_name.get(one) or one) is None
        )
        woken, mended = (0, ()) if awaited else _mend(connection, boundary, source, table)
        body = {
            "reason": reason, "assurance": by.assurance, "mapping": dict(mapping), "awaited": list(awaited),
            "changes": json.loads(row.changes),
        }  # fmt: skip
        draft = Draft(
            kind="finding.cleared", actor=by.label(), fields={"note": f"{ABOUT}{source}.{table}"}, body=body
        )
        made = Accepted(mapping=mapping, awaited=awaited, woken=woken)
        return Work(drafts=(*mended, draft), value=made)

    made: Accepted = boundary.ledger.append(work).value
    return made


def _is_rename(before: Table, found: Table, old: str, new: str) -> None:
    gone, come = before.column(old), found.column(new)
    if gone is None or found.column(old) is not None or come is None or before.column(new) is not None:
        raise WatchError(
            "BH-WAT-061", f"{old} did not become {new}: a renamed column is gone, and another one has come",
            means="Nothing was accepted.", fix="See `bridgehead watch changes`, and write --renamed OLD=NEW.",
        )  # fmt: skip


def _mend(
    connection: Connection, boundary: Boundary, source: str, table: str
) -> tuple[int, tuple[Draft, ...]]:
    """Take the clauses away that only the change broke, as a look does that finds them mended: who read
    meanwhile is left to a person. Return how many runs were woken, and the entries; the next look says the
    rest."""
    now, kind = boundary.clock.now(), f"data:{source}.{table}"
    held = (t.run.c.status == "waiting", t.run.c.waiting_for == kind)
    waiting = connection.execute(select(t.run.c.id).where(*held)).scalars()
    woken = wake(connection, list(waiting), stamp(now))
    rows = connection.execute(
        select(t.breach)
        .where(t.breach.c.source == source, t.breach.c.object == table)
        .order_by(t.breach.c.clause)
    ).all()
    left = tuple(
        Broken(
            clause=row.clause,
            response=row.response,
            words=row.words,
            where=row.clause_at,
            readers=json.loads(row.readers),
        )
        for row in rows
        if not row.clause.startswith(("schema.", *SCOPES))
    )
    return woken, told(connection, boundary, Look(source=source, table=table, at=now, broken=left), None)
