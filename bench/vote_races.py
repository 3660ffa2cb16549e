"""Races and attacks on votes: what each actor does in each kind of race, and what may come of it.

Actors are threads of two processes, let loose at the same moment on the same question. Every reply, row,
entry and call of the other system is compared with what the kind of race allows; anything else is wrong.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridgehead.assemble import House
from bridgehead.enforce.approve import expire, vote
from bridgehead.enforce.revoke import revoke
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.principal import Principal

KINDS = ("double", "pair", "opposed", "stale", "self", "late", "spent", "revoke")
ASKED_BY = {"double": "ship_pair", "pair": "ship_pair", "late": "ship_soon"}
"""The action behind the question of a kind; ``ship`` where none is named."""
CLOSED, STALE, OWN, NOT_ASKED, AGAIN, NOBODY = (f"BH-APR-00{n}" for n in (2, 3, 4, 5, 6, 7))
NOTHING_TO_REVOKE = {"BH-APR-025", "BH-APR-026"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One question, and how it is fought over. ``number`` is the business record behind it."""

    index: int
    kind: str
    approval: str
    digest: str
    number: int


class Ahead(SystemClock):
    """A machine whose clock is two hours ahead: for it, questions that stay open for one are over."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=2)


@dataclass(slots=True)
class Actor:
    """One thread that answers. ``place`` counts the actors of all processes from 0."""

    house: House
    ahead: House
    place: int
    seed: int
    meet: Callable[[], Any]

    def fight(self, race: Race) -> str:
        """Take part in a race and return what this actor was told."""
        self.meet()
        try:
            told: str = getattr(self, f"_{race.kind}")(race)
        except ApprovalError as error:
            told = error.code
        self.meet()
        return told

    def _double(self, race: Race) -> str:
        return self._say(race, "lead-1")

    def _pair(self, race: Race) -> str:
        return self._say(race, f"lead-{self.place % 4 + 1}")

    def _opposed(self, race: Race) -> str:
        return self._say(race, f"lead-{self.place % 4 + 1}", "refuse" if self.place % 2 else "approve")

    def _stale(self, race: Race) -> str:
        wrong = ["0" * 64, race.digest[::-1], race.digest[:-1], race.digest.upper() + "0", "", race.approval]
        return self._say(race, "lead-1", digest=wrong[self.place % len(wrong)])

    def _self(self, race: Race) -> str:
        known = self.house.person
        voters = (
            known("sam", "bench"),  # on whose behalf it was asked, and a lead
            Principal(id="clerk", kind="agent", name="clerk"),
            Principal(id="lead-1", kind="service", name="Lead 1"),
            Principal(id="ivo", kind="human", name="Ivo Gone"),
            known("rosa", "bench"),  # was not asked
            Principal(id="eve", kind="human", name="Eve", groups=frozenset({"leads"})),
            Principal(id="rosa", kind="human", name="Rosa", groups=frozenset({"leads"})),
            Principal(id="lead-1", kind="agent", name="Lead 1", on_behalf_of=known("lead-1", "bench")),
        )
        return self._vote(race, voters[self.place % len(voters)])

    def _late(self, race: Race) -> str:
        if self.place == 0:
            expire(self.ahead.boundary)
            return "swept"
        return self._say(race, f"lead-{self.place}")

    def _spent(self, race: Race) -> str:
        told = self._say(race, "lead-1") if self.place == 0 else ""
        if told:
            until = time.monotonic() + 20
            while self._state(race) != "used" and time.monotonic() < until:
                time.sleep(0.005)
        self.meet()
        return told or self._say(race, f"lead-{self.place % 4 + 1}")

    def _revoke(self, race: Race) -> str:
        if self.place == 0:
            self._say(race, "lead-1")
        self.meet()
        # The engine looks ten times a second: spread over that, either side comes first now and then.
        time.sleep(random.Random(f"{self.seed} {race.index}").uniform(0.0, 0.15))
        if self.place > 3:
            return "looks on"
        return "in time" if self._take_back(race).in_time else "too late"

    def _take_back(self, race: Race) -> Any:
        return revoke(self.house.boundary, race.approval, self.house.person("lead-1", "bench"), "I was wrong")

    def _say(self, race: Race, person: str, answer: Any = "approve", digest: str | None = None) -> str:
        return self._vote(race, self.house.person(person, "bench"), answer, digest)

    def _vote(self, race: Race, voter: Principal, answer: Any = "approve", digest: str | None = None) -> str:
        seen = race.digest if digest is None else digest
        vote(self.house.boundary, race.approval, voter, answer, seen, "I looked")
        return "counted"

    def _state(self, race: Race) -> str:
        with self.house.store.reading() as connection:
            found = connection.exec_driver_sql(f"select state from approval where id = '{race.approval}'")
            return str(found.scalar_one())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is on record about one race in the end, and what the other system got."""

    replies: Sequence[str]
    state: str
    votes: Sequence[tuple[str, str]]  # (person, answer)
    entries: Mapping[str, int] = field(default_factory=dict)  # kind -> how many
    calls: int = 0


def wrong(kind: str, found: Found) -> str:
    """Return in words what must not be so after a race of this kind; empty where all is well."""
    people = [person for person, _ in found.votes]
    if len(set(people)) != len(people):
        return f"somebody counted twice: {people}"
    if found.entries.get("approval.voted", 0) != len(people):
        return f"{len(people)} votes, {found.entries.get('approval.voted', 0)} entries about votes"
    ends = found.entries.get("approval.closed", 0)
    if ends != (found.state != "open") and not (kind == "revoke" and ends == 1):
        return f"{found.state}, and closed {ends} times on record"
    if found.calls > 1 or (found.calls == 1) != (found.state == "used"):
        return f"{found.state}, and called {found.calls} times"
    told = Counter(found.replies)
    if kind != "revoke" and told["counted"] != len(people):
        return f"{told['counted']} were told that they counted, {len(people)} did"
    return _JUDGES[kind](found, told)


def _double(found: Found, told: Counter[str]) -> str:
    good = found.state == "open" and told == Counter({"counted": 1, AGAIN: told.total() - 1})
    return "" if good else f"{found.state} {dict(told)}"


def _pair(found: Found, told: Counter[str]) -> str:
    good = found.state == "used" and told["counted"] == 2 and told.keys() <= {"counted", CLOSED, AGAIN}
    return "" if good else f"{found.state} {dict(told)}"


def _opposed(found: Found, told: Counter[str]) -> str:
    one = told == Counter({"counted": 1, CLOSED: told.total() - 1})
    became = {"approve": "used", "refuse": "refused"}
    return "" if one and found.state == became[found.votes[0][1]] else f"{found.state} {dict(told)}"


def _stale(found: Found, told: Counter[str]) -> str:
    return "" if found.state == "open" and told.keys() == {STALE} else f"{found.state} {dict(told)}"


def _self(found: Found, told: Counter[str]) -> str:
    good = found.state == "open" and told.keys() <= {OWN, NOT_ASKED, NOBODY}
    return "" if good else f"{found.state} {dict(told)}"


def _late(found: Found, told: Counter[str]) -> str:
    others = told - Counter({"swept": 1, "counted": 1})
    became = "used" if told["counted"] == 1 else "expired"
    good = told["counted"] <= 1 and found.state == became and others.keys() <= {CLOSED}
    return "" if good else f"{found.state} {dict(told)}"


def _spent(found: Found, told: Counter[str]) -> str:
    good = found.state == "used" and told == Counter({"counted": 1, CLOSED: told.total() - 1})
    return "" if good else f"{found.state} {dict(told)}"


def _revoke(found: Found, told: Counter[str]) -> str:
    in_time, too_late = told["in time"], told["too late"]
    others = {reply for reply in told if reply not in ("in time", "too late", "looks on")}
    one_winner = in_time + too_late == 1 and others <= NOTHING_TO_REVOKE
    became = "revoked" if in_time else "used"
    recorded = found.entries.get("approval.revoked", 0) == 1
    good = one_winner and found.state == became and recorded
    return "" if good else f"{found.state} {dict(told)} {dict(found.entries)}"


_JUDGES: Mapping[str, Callable[[Found, Counter[str]], str]] = {
    "double": _double,
    "pair": _pair,
    "opposed": _opposed,
    "stale": _stale,
    "self": _self,
    "late": _late,
    "spent": _spent,
    "revoke": _revoke,
}
