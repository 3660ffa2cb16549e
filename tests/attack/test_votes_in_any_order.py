"""Votes, delegations, revocations and time in any order: a question ends as the people it needs decided,
and never because somebody counted twice or should not have counted at all.

The model below counts by trying every seating; the house counts by matching (``kernel/quorum.py``).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.enforce.approve import question as read_question
from bridgehead.enforce.approve import sweep, vote
from bridgehead.enforce.delegate import end, give
from bridgehead.enforce.revoke import revoke
from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t
from fixtures.houses import IDENTIFY, START, Desk, act
from fixtures.questions import rule as approval_rule

GROUPS = {"leads": {"maya", "tomas", "lee", "ana_1"}, "risk": {"lee", "rhea"}}
SEATS = ("leads", "leads", "risk")
BARRED = {"sam", "clerk", "ana_1"}  # asks, asks, is asked about
PEOPLE = ("maya", "tomas", "lee", "rhea", "ana_1", "sam", "olga", "ivo")
LIVING = set(PEOPLE) - {"ivo"}
DUE = timedelta(hours=4)
DECIDERS = ("maya", "tomas", "lee", "rhea")
people = st.sampled_from(DECIDERS * 3 + PEOPLE)  # everybody, and mostly those who decide
answers = st.sampled_from(["approve"] * 12 + ["refuse"])
seldom = st.sampled_from([False] * 5 + [True])  # what ends an example early


def in_groups(person: str) -> set[str]:
    return {group for group, members in GROUPS.items() if person in members}


def fills(givers: list[str]) -> bool:
    """Say whether these different people fill every seat, one each: by trying every order."""
    return any(
        all(group in in_groups(person) for group, person in zip(SEATS, order, strict=True))
        for order in permutations(givers, len(SEATS))
    )


class Played:
    """A folder in which one question is open, made once and copied for every example."""

    place: Path | None = None
    approval = ""

    @classmethod
    def copy(cls) -> tuple[Path, Path]:
        if cls.place is None:
            cls.place = Path(tempfile.mkdtemp(prefix="bridgehead-votes-"))
            desk = approval_rule(Desk(cls.place), "", who="2 of leads and 1 of risk")
            desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
            asyncio.run(desk.work())
            cls.approval = desk.question().id
            desk.close()
        copied = Path(tempfile.mkdtemp(prefix="bridgehead-votes-"))
        shutil.copytree(cls.place / "state", copied / "state")
        return cls.place / "desk", copied / "state"


class Votes(RuleBasedStateMachine):
    """The question, and beside it what must be true of it."""

    @initialize()
    def opened(self) -> None:
        folder, self.state = Played.copy()
        self.clock = SetClock(START)
        self.house = House.open(folder, state=self.state, clock=self.clock)
        self.begun = self.clock.now()
        with self.house.store.reading() as connection:
            self.digest = read_question(self.house.boundary, connection, Played.approval).digest()
        self.votes: dict[str, tuple[str, str]] = {}  # voter -> (whose vote, delegation)
        self.lent: dict[str, tuple[str, str, Any]] = {}  # id -> (giver, taker, until), not ended
        self.expected = "open"

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.close()
            shutil.rmtree(self.state.parent)

    # --- what people do ---

    @rule(
        voter=people,
        answer=answers,
        giver=people | st.just(""),
    )
    def somebody_votes(self, voter: str, answer: Any, giver: str) -> None:
        whose = self._whose(voter, giver)
        done = self._tried(
            lambda: vote(
                self.house.boundary,
                Played.approval,
                self._person(voter),
                answer,
                self.digest,
                "",
                giver,
            )
        )
        assert done == (whose is not None), f"{voter} for {giver or 'themselves'}: {whose}"
        if whose is None:
            return
        if answer == "refuse":
            self.expected = "refused"
        else:
            self.votes[voter] = whose
            self.expected = "approved" if fills(self._givers()) else "open"

    @rule(voter=people)
    def somebody_votes_on_what_they_did_not_see(self, voter: str) -> None:
        assert not self._tried(
            lambda: vote(self.house.boundary, Played.approval, self._person(voter), "approve", "0" * 64, "")
        )

    @rule(giver=st.sampled_from(DECIDERS), taker=st.sampled_from(["olga", "rhea", "maya"]))
    def somebody_lends_a_vote_that_is_used_and_ended(self, giver: str, taker: str) -> None:
        self.somebody_delegates(giver, taker, 3)
        self.somebody_votes(taker, "approve", giver)
        mine = [
            lent for lent, (lender, held_by, _) in self.lent.items() if (lender, held_by) == (giver, taker)
        ]
        if mine:
            self._ended(mine[-1])

    @rule(giver=people, taker=people, hours=st.sampled_from([1, 3, 9]))
    def somebody_delegates(self, giver: str, taker: str, hours: int) -> None:
        until = self.clock.now() + timedelta(hours=hours)
        found: list[str] = []
        done = self._tried(
            lambda: found.append(
                give(self.house.boundary, self._person(giver), taker, ["large-refund"], until=until).id
            )
        )
        assert done == (giver in LIVING and taker in LIVING and giver != taker and bool(in_groups(giver)))
        if done:
            self.lent[found[0]] = (giver, taker, until)

    @precondition(lambda self: self.lent)
    @rule(data=st.data())
    def a_delegation_is_ended(self, data: st.DataObject) -> None:
        self._ended(data.draw(st.sampled_from(sorted(self.lent))))

    def _ended(self, lent: str) -> None:
        giver, _, until = self.lent[lent]
        done = self._tried(lambda: end(self.house.boundary, lent, self._person(giver)))
        assert done == (until > self.clock.now())
        if done:
            del self.lent[lent]
            if self.expected == "open":  # a yes falls with its delegation
                self.votes = {voter: whose for voter, whose in self.votes.items() if whose[1] != lent}

    @rule(person=people, really=seldom)
    def somebody_takes_a_yes_back(self, person: str, really: bool) -> None:
        if not really:
            return
        theirs = any(person in (voter, giver) for voter, (giver, _) in self._kept().items())
        done = self._tried(lambda: revoke(self.house.boundary, Played.approval, self._person(person), "no"))
        assert done == (theirs and person in LIVING and self.expected in ("open", "approved"))
        if done:
            self.expected = "revoked"

    @rule(minutes=st.sampled_from([5, 20, 40]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes * 60)

    @rule()
    def the_engine_sweeps(self) -> None:
        sweep(self.house.boundary)
        if self.expected == "open" and self._over():
            self.expected = "expired"

    # --- what must be true ---

    @invariant()
    def it_stands_as_those_who_count_decided(self) -> None:
        if not hasattr(self, "house"):
            return
        with self.house.store.reading() as connection:
            row = connection.execute(select(t.approval).where(t.approval.c.id == Played.approval)).one()
            cast = connection.execute(select(t.vote)).all()
            closed = connection.execute(
                select(t.entry.c.idx).where(t.entry.c.kind == "approval.closed")
            ).all()
        assert row.state == self.expected
        assert len(closed) <= 1
        for each in cast:
            assert not {each.principal, each.on_behalf_of} & BARRED
            assert each.digest == self.digest
        if row.state == "approved":
            assert fills(self._givers())

    # --- the model ---

    def _whose(self, voter: str, giver: str) -> tuple[str, str] | None:
        """Return whose vote it would be and under which delegation; None where it must not count."""
        if self.expected != "open" or self._over() or voter in BARRED or voter not in LIVING:
            return None
        if giver in ("", voter) and in_groups(voter):
            return None if self._answered({voter}) else (voter, "")
        held = [
            (lent, lender)
            for lent, (lender, taker, until) in sorted(self.lent.items())
            if taker == voter and until > self.clock.now() and giver in ("", lender) and lender not in BARRED
        ]
        held.sort(key=lambda each: self._answered({each[1]}))
        if not held or self._answered({voter, held[0][1]}):
            return None
        return held[0][1], held[0][0]

    def _answered(self, some: set[str]) -> bool:
        return any({voter, giver} & some for voter, (giver, _) in self._kept().items())

    def _kept(self) -> dict[str, tuple[str, str]]:
        return self.votes

    def _givers(self) -> list[str]:
        return [giver for giver, _ in self.votes.values()]

    def _over(self) -> bool:
        return bool(self.clock.now() >= self.begun + DUE)

    def _person(self, id: str) -> Any:
        return self.house.person(id, "test")

    def _tried(self, what: Any) -> bool:
        try:
            what()
        except ApprovalError:
            return False
        return True


Votes.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to make a failure shorter takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestVotesInAnyOrder = Votes.TestCase
