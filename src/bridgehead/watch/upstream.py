"""One incident for one cause: a failed job that feeds twelve tables is not twelve alarms.

In: the tables of which batches are missing now, and what each hangs on. Out: incidents of kind
``arrivals:CAUSE``, opened, called by their cause once that is known, and closed; their entries list the
tables, who reads them and which runs did. Never: looks at data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.entry import Draft
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.incidents import cause
from bridgehead.watch.health import ACTOR

ABOUT = "arrivals:"
_CLAUSES = ("arrival.missing", "arrival.short", "arrival.look")
_RUNS = 200
"""Runs listed in an entry, at most."""


def laid(connection: Connection, boundary: Boundary) -> tuple[Draft, ...]:
    """Open and close incidents so that there is one for each cause of what is missing now; return the entries
    that say so."""
    groups = _groups(connection)
    open_ = incidents.open_kinds(connection, ABOUT)
    drafts: list[Draft] = []
    left = {name: words for name, words in open_.items() if name not in groups}
    for name, rows in groups.items():
        words = _words(name, rows)
        if open_.get(name) == words:
            continue
        if name in open_:
            incidents.reword(connection, ABOUT + name, ABOUT + name, words)
        elif (old := next((one for one in left if _is_part(one, rows, open_[one])), None)) is not None:
            incidents.reword(connection, ABOUT + old, ABOUT + name, words)
            del left[old]
        else:
            incidents.open_row(connection, boundary.clock, ABOUT + name, words)
        drafts.append(_raised(connection, boundary, name, words, rows))
    for name in left:
        drafts += incidents.close_kind(connection, boundary.clock, ABOUT + name, actor=ACTOR)
    return tuple(drafts)


def _groups(connection: Connection) -> dict[str, list[Any]]:
    """Return the broken clauses about arrivals that somebody must act on, by their cause."""
    rows = connection.execute(
        select(t.breach)
        .where(t.breach.c.clause.in_(_CLAUSES))
        .order_by(t.breach.c.source, t.breach.c.object, t.breach.c.clause)
    ).all()
    if not rows:
        return {}
    chains = _chains(connection)
    failing = {_feed(row) for row in rows}
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(cause(_feed(row), failing, chains), []).append(row)
    return found


def _chains(connection: Connection) -> Mapping[str, Sequence[str]]:
    """Return what each feed hangs on, the nearest first."""
    rows = connection.execute(select(t.feed.c.source, t.feed.c.object, t.feed.c.state))
    return {_feed(row): tuple(json.loads(row.state)["feed"].get("upstream", ())) for row in rows}


def _feed(row: Any) -> str:
    return f"{row.source}.{row.object}"


def _words(name: str, rows: Sequence[Any]) -> str:
    feeds = list(dict.fromkeys(_feed(row) for row in rows))
    if feeds == [name]:
        return f"{name}: {' '.join(row.words for row in rows)}"
    return f"{name} seems to have failed: batches of {len(feeds)} tables did not come ({', '.join(feeds)})."


def _is_part(name: str, rows: Sequence[Any], words: str) -> bool:
    """Whether an incident that is open is about one of these tables, under another name."""
    feeds = {_feed(row) for row in rows}
    return name in feeds or any(feed in words.partition("(")[2].rstrip(").").split(", ") for feed in feeds)


def _raised(connection: Connection, boundary: Boundary, name: str, words: str, rows: Sequence[Any]) -> Draft:
    runs = sorted({run for row in rows for run in _read_since(connection, row)})
    body = {
        "words": words,
        "owner": boundary.directory().owner.person,
        "tables": list(dict.fromkeys(_feed(row) for row in rows)),
        "workflows": sorted({workflow for _, workflow in runs}),
        "runs": [run for run, _ in runs[:_RUNS]],
        "runs_in_all": len(runs),
    }
    return Draft(kind="finding.raised", actor=ACTOR, fields={"note": ABOUT + name}, body=body)


def _read_since(connection: Connection, row: Any) -> list[tuple[str, str]]:
    """Return the runs that read a table since it was last seen in order, each with its workflow."""
    found = connection.execute(
        select(t.run.c.id, t.run.c.workflow)
        .join(t.reading, t.reading.c.run == t.run.c.id)
        .where(
            t.reading.c.source == row.source,
            t.reading.c.object == row.object,
            t.reading.c.last_at > (row.kept_at or ""),
        )
    )
    return [(one.id, one.workflow) for one in found]
