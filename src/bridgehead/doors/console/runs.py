"""Runs, one run, and where its figures come from: entries and named queries."""

from __future__ import annotations

from bridgehead.doors.console.problem import NO_SUCH_PAGE, Stopped
from bridgehead.doors.console.undos import people
from bridgehead.doors.console.visit import Answer, Page, Visit
from bridgehead.explain import entry_at, list_runs, queries, story, why
from bridgehead.explain.runs import STATUSES
from bridgehead.explain.undos import effects_of, is_case, undos_about

REFRESH = 10
ROWS = 200


def show_list(visit: Visit) -> Answer:
    """Runs, newest first, by status and by words."""
    house = visit.house()
    status = visit.query.get("status", "")
    with house.store.reading() as connection:
        found = list_runs(
            connection,
            status=status if status in STATUSES else "",
            text=visit.query.get("text", "")[:200],
            before=visit.query.get("before", ""),
        )
    return Page(
        template="runs.html",
        title=f"Runs of {house.deployment.charter.name}",
        data={"deployment": house.deployment.charter.name, "runs": found, "statuses": STATUSES},
        house=house,
        refresh=REFRESH,
    )


def show_run(visit: Visit) -> Answer:
    """One run: how it ended and why, every crossing in words, the range of its entries."""
    house = visit.house()
    with house.store.reading() as connection:
        found = story(connection, house.ledger, house.deployment.charter, visit.path["run"])
        if found is None:
            raise Stopped(NO_SUCH_PAGE)
        about = undos_about(connection, found.run.id)
        undoable = is_case(connection, found.run.id) and effects_of(connection, "run", found.run.id) > 0
    return Page(
        template="run.html",
        title=found.run.title,
        data={
            "deployment": house.deployment.charter.name,
            "story": found,
            "why": why(found),
            "people": people(house),
            "undos": about,
            "may_undo": undoable and visit.viewer().may("undo"),
        },
        house=house,
        stand_in=bool(found.stand_ins),
        own_banner=True,
    )


def show_entry(visit: Visit) -> Answer:
    """One entry of the ledger: its envelope as hashed, its body while that is kept."""
    house, index = visit.house(), visit.path["index"]
    with house.store.reading() as connection:
        found = (
            entry_at(connection, house.ledger, int(index)) if index.isdigit() and len(index) < 16 else None
        )
    if found is None:
        raise Stopped(NO_SUCH_PAGE)
    return Page(
        template="entry.html",
        title=f"Entry {found.index}",
        data={"deployment": house.deployment.charter.name, "entry": found},
        house=house,
    )


def show_query(visit: Visit) -> Answer:
    """A named query: its words, its SQL, its rows."""
    house, name = visit.house(), visit.path["query"]
    if name not in queries.NAMED:
        raise Stopped(NO_SUCH_PAGE)
    with house.store.reading() as connection:
        rows = queries.rows(connection, name, limit=ROWS)
        text = queries.sql(connection, name)
    return Page(
        template="query.html",
        title=queries.NAMED[name].words,
        data={
            "deployment": house.deployment.charter.name,
            "name": name,
            "sql": text,
            "rows": rows,
            "limit": ROWS,
        },
        house=house,
    )
