"""Who may see what of the data: one page for each deployment."""

from __future__ import annotations

from bridgehead.doors.console.visit import Answer, Page, Visit
from bridgehead.explain.who_sees import who_sees


def show(visit: Visit) -> Answer:
    """Every source, table by table: groups across, rows and columns below, what agents see less."""
    house = visit.house()
    sources = who_sees(house.deployment)
    return Page(
        template="data.html",
        title="Who may see what",
        data={"deployment": house.deployment.charter.name, "sources": sources},
        house=house,
    )
