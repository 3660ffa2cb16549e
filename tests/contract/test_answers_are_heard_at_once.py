"""An answer given in one process wakes its run in another one at once: the worker here looks once an hour."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bridgehead.enforce.approve import question as read_question
from bridgehead.enforce.approve import vote
from bridgehead.kernel.clock import SystemClock, stamp
from bridgehead.store import tables as t
from fixtures.engines import FIXTURES, Works

pytestmark = pytest.mark.postgresql

WORKFLOW = '''
"""Pays invoices, and asks beside it whether to go on."""


async def pay_all(run, invoices):
    async def asks(part):
        return type(await part.decide("go-ahead", question="Go on?")).__name__

    async def pays(part):
        return [type(await part.act("pay", invoice=invoice)).__name__ for invoice in invoices]

    return await run.gather(asks, pays)
'''
PEOPLE = "  dan: {name: Dan Deputy, email: dan@example.com, roles: [owner]}\n"
MAYA = "  maya: {name: Maya Lead, email: maya@example.com, groups: [leads], roles: [approver]}\n"
GROUPS = "\ngroups: {leads: {description: Lead the desk.}}\n"
APPROVALS = """
approvals:
  go-ahead: {question: The workflow wants to know whether to go on., who: leads, within: 4h}
"""


@pytest.fixture(params=["embedded", "dbos"])
def works(request: pytest.FixtureRequest, postgresql_url: str, tmp_path: Path) -> Iterator[Works]:
    """Payments that ask people, at a bank that takes one call an hour."""
    folder = tmp_path / "payments"
    shutil.copytree(FIXTURES / "payments", folder, ignore=shutil.ignore_patterns("__pycache__"))
    charter = (folder / "charter.yaml").read_text()
    charter = charter.replace(PEOPLE, PEOPLE + MAYA + GROUPS)
    charter = charter.replace("    deadline: 10s\n", '    deadline: 10s\n    lanes: {rate: "1/1h"}\n')
    (folder / "charter.yaml").write_text(charter + APPROVALS)
    (folder / "workflow.py").write_text(WORKFLOW)
    made = Works(request.param, postgresql_url, tmp_path, folder)
    yield made
    made.close()


def asked(works: Works, run: str) -> str:
    """Return the open question of a run that waits."""
    if works.run(run).status != "waiting":
        return ""
    with works.house.store.reading() as connection:
        found = select(t.approval.c.id).where(t.approval.c.run == run, t.approval.c.state == "open")
        return str(connection.execute(found).scalar() or "")


def answer(works: Works, id: str) -> None:
    """Answer from this process."""
    with works.house.store.reading() as connection:
        shown = read_question(works.house.boundary, connection, id)
    vote(works.house.boundary, id, works.house.person("maya", "test"), "approve", shown.digest(), "I looked")


def ready(works: Works, run: str) -> list[str]:
    """Return when segments of a run are due that nobody has begun."""
    with works.house.store.reading() as connection:
        found = select(t.segment.c.due_at).where(t.segment.c.run == run, t.segment.c.state == "ready")
        return list(connection.execute(found).scalars())


def went_on(works: Works, run: str) -> bool:
    """Say whether the run has taken the answer."""
    with works.house.store.reading() as connection:
        found = select(t.crossing.c.state).where(
            t.crossing.c.run == run, t.crossing.c.target == "decide:go-ahead"
        )
        return list(connection.execute(found).scalars()) == ["done"]


def test_a_run_that_waits_for_the_answer_alone_goes_on(works: Works) -> None:
    works.worker(looks="3600")
    run = works.start()
    answer(works, works.until(lambda: asked(works, run)))
    assert works.ended(run) == ["Done", []]


def test_so_does_one_that_is_due_later_for_another_reason(works: Works) -> None:
    """Its second payment has its turn in an hour, so there is a segment already: it is moved forward."""
    works.worker(looks="3600")
    run = works.start("inv-0", "inv-1")
    question = works.until(lambda: asked(works, run))
    (due,) = works.until(lambda: ready(works, run))
    assert due > stamp(SystemClock().now())
    answer(works, question)
    assert works.until(lambda: went_on(works, run))
    assert works.booked() == ["inv-0"]
