"""Are the data in order, and the results right: what broke, since when, what it holds back, what was done
with it, who must act."""

from __future__ import annotations

from itertools import chain

from bridgehead.doors.console.visit import Answer, Page, Visit
from bridgehead.explain.accuracy import accuracy
from bridgehead.explain.arrivals import feeds
from bridgehead.explain.batches import batches, who_decides
from bridgehead.explain.data_health import DOES, tables, titles
from bridgehead.explain.data_history import past
from bridgehead.explain.drift import moved, standings
from bridgehead.explain.overview import owners
from bridgehead.explain.schema_changes import open_changes
from bridgehead.watch.accuracy.labelling import reviewed_by
from bridgehead.watch.alive import silent_since

REFRESH = 30


def show(visit: Visit) -> Answer:
    """Every workflow that promises an accuracy, and every table with a contract, the worst first."""
    house = visit.house()
    people = who_decides(house.boundary)
    with house.store.reading() as connection:
        found = tables(connection, house.deployment, house.clock.now())
        right = accuracy(connection, house.deployment, house.clock.now())
        came = batches(connection, house.boundary)
        found_drifts, accepted = moved(connection), standings(connection)
        awaited = feeds(connection, house.deployment, house.clock.now())
        before, changed = past(connection), open_changes(connection)
        silent = silent_since(connection, house.clock.now()) if found else ""
        touched = [line.touched_runs for line in found] + [line.touched_runs for line in right]
        named = titles(connection, chain.from_iterable(touched))
    asks = bool(changed) or any(line.waits for line in came)
    owning = owners(house.deployment.charter)
    return Page(
        template="health.html",
        title="Are the data in order?",
        data={
            "deployment": house.deployment.charter.name,
            "tables": found,
            "silent": silent,
            "workflows": right,
            "may_review": bool(reviewed_by(house.deployment.charter, visit.person)),
            "batches": came,
            "awaited": {f"{line.source}.{line.table}": line for line in awaited},
            "drifts": found_drifts,
            "may_data": visit.viewer().may("data"),
            "accepted": accepted,
            "deciders": people,
            "act": [f"{one.name} ({one.why})" for one in people]
            if asks
            else [f"{one.name} ({one.as_what})" for one in owning if one.as_what != "escalation"],
            "does": DOES,
            "titles": named,
            "tables_first": any(line.standing != "in order" for line in found)
            and not any(line.alarm_since for line in right),
            "before": before,
            "changed": changed,
            "calm": (
                not silent
                and all(line.standing == "in order" for line in found)
                and not any(line.alarm_since for line in right)
                and not asks
            ),
            "owners": owning,
            "may_runs": visit.viewer().may("runs"),
        },
        house=house,
        refresh=REFRESH,
    )
