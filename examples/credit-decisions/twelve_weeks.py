"""Twelve weeks of the deployment on a clock of their own, beside the same model with nothing around it.

::

    play = Play.set_up(place)               # trains the model, opens the bank, copies this folder
    result = await play.carry_on(print)     # files dropped, data looked at, letters sent, people asked

Everything is the real thing: files in a folder, a bank behind MCP, the checks of the contract, `perform`.
What stands in for people is written in `Desk` and `_review`, and labelled so. Figures are counted from the
bank's letters and the store's rows, never from what this file expects.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from applicants import Applicant, applicants
from bank import OF_THE_BANK, Bank
from scorecard import in_pilot, score
from sqlalchemy import select
from training import SEED, split, train
from weeks import IN_WORDS, NIGHTLY, SCRIPT, WEEKS, Fault, Night, drop, nights
from without import Without

from bridgehead.assemble import House
from bridgehead.assemble.watching import watch_once
from bridgehead.enforce.approve import question, vote
from bridgehead.kernel.clock import SystemClock
from bridgehead.store import tables as t
from bridgehead.watch.accuracy.alarm import Alarm, heard
from bridgehead.watch.accuracy.labelling import label, label_from
from bridgehead.watch.feeds.deciding import decide

EVERYONE_FROM = 4
"""The week in which the pilot is released to everyone."""
KNOWN_AFTER = 4
"""Weeks after which it is known whether a loan that was granted goes bad. Of others it never is."""
BUREAU = "bureau.reports"
WORDS: Mapping[str, str] = {
    **IN_WORDS,
    "alarm": "fewer decisions are right than was promised",
    "outcomes": "the first outcomes of the release to everyone are known",
}
Tell = Callable[[str], Any]


class PlayClock:
    """Stands at the play's time; once it is let go, it runs on from there (for the console afterwards)."""

    def __init__(self, at: datetime) -> None:
        self._at, self._ticks, self._real = at, 0.0, SystemClock()
        self._let_go: float | None = None

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self._since())

    def monotonic(self) -> float:
        return self._ticks + self._since()

    def to(self, at: datetime) -> None:
        """Go on to a later moment."""
        self._ticks += (at - self._at).total_seconds()
        self._at = at

    def let_go(self) -> None:
        """Run on at the pace of this machine."""
        self._let_go = self._real.monotonic()

    def _since(self) -> float:
        return 0.0 if self._let_go is None else self._real.monotonic() - self._let_go


@dataclass(slots=True)
class Told:
    """What happened, for the table at the end."""

    events: list[dict[str, Any]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)


class Desk:
    """Stands in for the credit officers: not people, and said so. They agree to every decline above the
    limit, and let no letter go out on a gap: they take those applications over."""

    def __init__(self, house: House, bank: Bank, told: Told) -> None:
        self._house, self._bank, self._told = house, bank, told

    def answer(self) -> int:
        """Answer what is open, through ``vote`` as the console does; return how many were answered."""
        voter = self._house.person("olga", "demo:stand-in")
        with self._house.store.reading() as connection:
            rows = connection.execute(select(t.approval.c.id).where(t.approval.c.state == "open")).all()
            asked = [question(self._house.boundary, connection, row.id) for row in rows]
        for one in asked:
            agrees = set(one.rules) == {"large-decline"}
            why = "the score is complete" if agrees else "not on a gap: we look at it ourselves"
            vote(self._house.boundary, one.id, voter, "approve" if agrees else "refuse", one.digest(), why)
            self._told.asked.update(one.rules)
            if not agrees:
                self._bank.hand_over(int(one.arguments["application"]), "a field is missing")
        return len(asked)


class Play:
    """One play, in a place of its own."""

    def __init__(
        self,
        house: House,
        place: Path,
        model: Mapping[str, Any],
        to_come: list[Applicant],
        *,
        weeks: int = WEEKS,
        nightly: int = NIGHTLY,
        script: Mapping[tuple[int, int], Fault] = SCRIPT,
        everyone_from: int = EVERYONE_FROM,
    ) -> None:
        self._everyone_from = everyone_from
        self._house, self._place, self._model = house, place, model
        self._clock: PlayClock = house.clock  # type: ignore[assignment]  # the one it was opened with
        self._bank, self._drop = Bank(place / "bank" / "bank.sqlite"), place / "drop"
        self._without = Without(model, self._drop)
        self._told = Told()
        self._desk = Desk(house, self._bank, self._told)
        self._nights = list(nights(to_come, weeks=weeks, nightly=nightly, script=script))
        self._people = {one.number: one for night in self._nights for one in night.applicants}
        self._everyone = False
        self._alarm = Alarm(floor=house.declared.charter.workflows["decide"].accuracy.floor)
        self._reviewed = 0

    @classmethod
    def set_up(cls, place: Path, folder: Path, **how: Any) -> Play:
        """Train the model, open the bank, copy the deployment with its addresses, and open its house."""
        parts = split(applicants(), SEED)
        model = train(parts)
        for name in ("bank", "drop"):
            (place / name).mkdir(parents=True)
        home = place / "deployment"
        shutil.copytree(folder, home, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
        (home / "model.json").write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
        change(home / "charter.yaml", "/srv/credit", str(place))
        first = next(nights(parts.to_come))
        Bank(place / "bank" / "bank.sqlite")
        house = House.open(home, state=place / "state", clock=PlayClock(first.at(2)))
        return cls(house, place, model, parts.to_come, **how)

    @property
    def house(self) -> House:
        """Return the deployment's house."""
        return self._house

    def let_go(self) -> None:
        """Let its clock run on, for people who look at the console afterwards."""
        self._clock.let_go()

    async def carry_on(self, tell: Tell) -> dict[str, Any]:
        """Play all weeks and return what came of them."""
        began = SystemClock().monotonic()
        self._house.activate(by=self._house_owner())
        self._say_pilot(tell)
        async with self._house.at_work() as engine:
            for night in self._nights:
                await self._day(night, engine, tell)
        return {**self.result(), "seconds": round(SystemClock().monotonic() - began, 1)}

    # --- one day --------------------------------------------------------------------------------

    async def _day(self, night: Night, engine: Any, tell: Tell) -> None:
        if night.day.weekday() == 0:
            self._monday(night, tell)
        self._clock.to(night.at(3))
        self._bank.begin_day(str(night.day))
        self._bank.receive(str(night.day), (one._asdict() for one in night.applicants))
        self._clock.to(night.at(4))
        drop(self._drop, night)
        self._clock.to(night.at(5))
        await watch_once(self._house)
        self._clock.to(night.at(6))
        await watch_once(self._house)  # by now the bureau's file is needed
        open_now = [one for one in self._bank.open_applications() if self._concerns(one)]
        sent_before = len(self._bank.decisions())
        self._without.morning(night.day, self._in_scope_without(night))
        await self._decide(open_now, f"{night.day}", engine)
        morning = len(self._bank.decisions()) - sent_before
        stopped = self._stopped() if night.fault else Counter()
        self._clock.to(night.at(10))
        if self._desk.answer():
            await engine.work(until_idle=True)
        if night.fault:
            await self._mend(night, engine)
            self._say_fault(night, open_now, morning, stopped, tell)
        self._clock.to(night.at(17))
        self._review(night, tell)
        if night.day.weekday() == 4:
            self._friday(night, tell)

    async def _decide(self, applications: Iterable[Mapping[str, Any]], when: str, engine: Any) -> None:
        for one in applications:
            number = one["number"]
            self._house.start(
                "decide",
                {"application": number},
                title=f"Application {number}",
                key=f"{number}/{when}",
            )
        await engine.work(until_idle=True)

    async def _mend(self, night: Night, engine: Any) -> None:
        """The owner discards what came and calls the bureau, which sends the file again in the afternoon.

        What is kept apart then is the whole file, a part of which was seen before: that the owner releases.
        """
        self._clock.to(night.at(14))
        self._answer_for("discard", "the bureau sends it again")
        drop(self._drop, night, mended=True)
        self._clock.to(night.at(15))
        await watch_once(self._house)
        self._answer_for("release", "it is the whole file; the part that came before was discarded")
        await engine.work(until_idle=True)  # what was held goes on by itself
        still = [one for one in self._bank.open_applications() if self._concerns(one)]
        await self._decide(still, f"{night.day} afternoon", engine)
        self._clock.to(night.at(16))
        if self._desk.answer():
            await engine.work(until_idle=True)

    def _answer_for(self, answer: Literal["release", "discard"], reason: str) -> None:
        """The owner decides about each batch that was kept apart."""
        with self._house.store.reading() as connection:
            rows = connection.execute(select(t.batch.c.name).where(t.batch.c.state == "quarantined")).all()
        for row in rows:
            decide(self._house.boundary, BUREAU, row.name, answer, self._person("ines"), reason)

    def _concerns(self, application: Mapping[str, Any]) -> bool:
        return self._everyone or in_pilot(application, self._model)

    def _in_scope_without(self, night: Night) -> list[dict[str, Any]]:
        whole = [one._asdict() for one in night.applicants]
        known = [{name: one[name] for name in ("number", *OF_THE_BANK)} for one in whole]
        if night.week >= self._everyone_from:
            return known
        return [one for one in known if in_pilot(one, self._model)]

    def _stopped(self) -> Counter[str]:
        """Count the runs of applications that are open now by what holds them."""
        with self._house.store.reading() as connection:
            rows = connection.execute(
                select(t.run.c.status, t.run.c.waiting_for).where(t.run.c.status == "waiting")
            ).all()
        return Counter("held" if row.waiting_for.startswith("data:") else "asked" for row in rows)

    # --- releases and labels --------------------------------------------------------------------

    def _monday(self, night: Night, tell: Tell) -> None:
        for one in self._bank.open_applications():
            if not self._concerns(one):
                self._bank.hand_over(one["number"], "outside of the release")
        if night.week == self._everyone_from:
            self._release(everyone=True)
            tell(f"Week {night.week:2}  Released to everyone: one rule taken out (pilot-only.cedar).")

    def _release(self, *, everyone: bool) -> None:
        home = self._house.folder
        line = "  - pilot-only.cedar             # taken out, it decides on everyone\n"
        if everyone:
            change(home / "charter.yaml", line, "")
        else:
            change(home / "charter.yaml", "  - policy.cedar\n", f"  - policy.cedar\n{line}")
        self._house.activate(by=self._house_owner())
        self._everyone = everyone

    def _house_owner(self) -> Any:
        from bridgehead.kernel.principal import Principal

        return Principal(id="ines", kind="human", name="Ines Duarte", assurance="demo:stand-in")

    def _friday(self, night: Night, tell: Tell) -> None:
        """How loans of some weeks ago went becomes known, for those that were granted."""
        week = night.week - KNOWN_AFTER
        ripe = {one.number for each in self._nights if each.week == week for one in each.applicants}
        sent = {one["application"] for one in self._bank.decisions() if one["decision"] == "approve"}
        known = sorted(ripe & sent)
        self._bank.learn([(number, self._people[number].bad) for number in known], str(night.day))
        runs = self._runs()
        for number in known:
            boundary, run = self._boundary_of(runs[number]), runs[number]
            verdict = "wrong" if self._people[number].bad else "right"
            at, by = self._clock.now(), self._person("ines")
            label_from(boundary, run, source="collections", by=by, verdict=verdict, known_at=at)  # type: ignore[arg-type]
        alone = {one.number for one in self._without.letters.values() if one.decision == "approve"}
        self._hear(sorted(ripe & alone), night, tell)
        tell(self._week_line(night.week))

    def _hear(self, known: Iterable[int], night: Night, tell: Tell) -> None:
        """Let the same test hear what becomes known without anybody looking: how granted loans ended."""
        before = self._alarm
        for number in known:
            self._alarm = heard(self._alarm, wrong=self._people[number].bad)
        if self._alarm.raised and not before.raised:
            words = f"only now do {self._alarm.raised_at} outcomes of granted loans prove the same"
            self._event(night, "outcomes", {"without": words}, tell)

    def _review(self, night: Night, tell: Tell) -> None:
        """The underwriters look at what was drawn. Stand-ins: they know how the loan ends, as nobody does."""
        with self._house.store.reading() as connection:
            rows = connection.execute(
                select(t.audit_item.c.run, t.audit_item.c.wanted, t.audit_item.c.release)
                .where(t.audit_item.c.answers < t.audit_item.c.wanted)
                .order_by(t.audit_item.c.drawn_at, t.audit_item.c.run)
            ).all()
        sent = {run: number for number, run in self._runs().items()}
        decided = {one["application"]: one["decision"] for one in self._bank.decisions()}
        for row in rows:
            number = sent.get(row.run)
            verdict, reason = "unclear", "no letter went out"
            if number is not None:
                right = (decided[number] == "decline") == self._people[number].bad
                verdict, reason = ("right", "") if right else ("wrong", "it will end the other way")
            for person in ("rhea", "tom")[: row.wanted]:
                boundary, by = self._house.boundary_of(row.release), self._person(person)
                found = label(boundary, row.run, by=by, verdict=verdict, reason=reason)  # type: ignore[arg-type]
                self._reviewed += found.new
                if found.raised:
                    self._say_alarm(night, row.release, tell)

    def _say_alarm(self, night: Night, release: str, tell: Tell) -> None:
        """The alarm was raised: the owner takes the release back to the pilot."""
        with self._house.store.reading() as connection:
            path = connection.execute(
                select(t.alarm_path).where(t.alarm_path.c.release == release, t.alarm_path.c.raised_at != "")
            ).one()
        state = json.loads(path.state)
        since = len(self._letters_since(path.changed_at))
        words = (
            f"{state['wrong']} of {state['labels']} decisions that underwriters looked at, drawn at random, "
            f"were wrong, since about {path.changed_at[:10]}; {since} letters since are to be looked at"
        )
        if self._everyone:
            self._release(everyone=False)
            words += "; Ines takes the release back to the pilot"
        self._event(night, "alarm", {"with": words}, tell)

    def _letters_since(self, moment: str) -> list[str]:
        with self._house.store.reading() as connection:
            rows = connection.execute(
                select(t.crossing.c.run).where(
                    t.crossing.c.target == "send_decision",
                    t.crossing.c.state == "done",
                    t.crossing.c.ended_at >= moment,
                )
            ).all()
        return [row.run for row in rows]

    def _runs(self) -> dict[int, str]:
        """Return the run that sent the letter of each application."""
        with self._house.store.reading() as connection:
            rows = connection.execute(
                select(t.run.c.id, t.run.c.title)
                .join(t.crossing, t.crossing.c.run == t.run.c.id)
                .where(t.crossing.c.target == "send_decision", t.crossing.c.state == "done")
            ).all()
        return {int(row.title.removeprefix("Application ")): row.id for row in rows}

    def _boundary_of(self, run: str) -> Any:
        with self._house.store.reading() as connection:
            release = connection.execute(select(t.run.c.release).where(t.run.c.id == run)).scalar_one()
        return self._house.boundary_of(release)

    def _person(self, name: str) -> Any:
        return self._house.person(name, "demo:stand-in")

    # --- what is told ---------------------------------------------------------------------------

    def _say_pilot(self, tell: Tell) -> None:
        test = self._model["test"]
        tell(
            f"Trained on {self._model['trained_on']} salaried owners; test on {test['applications']} others: "
            f"{test['accuracy']:.1%} right (approving everybody: {test['approving_everybody']:.1%})."
        )

    def _say_fault(
        self,
        night: Night,
        concerned: list[Mapping[str, Any]],
        morning: int,
        stopped: Counter[str],
        tell: Tell,
    ) -> None:
        letters = [one for one in self._without.letters.values() if one.day == night.day]
        blind = [one for one in letters if self._made_up(one.number, one.missing)]
        other = [one for one in blind if one.decision != self._on_all(one.number)]
        wrong = [one for one in blind if (one.decision == "decline") != self._people[one.number].bad]
        sent = {one["application"] for one in self._bank.decisions()}
        later = sum(one["number"] in sent for one in concerned) - morning
        self._event(
            night,
            night.fault,
            {
                "without": f"{len(letters)} letters sent at six, {len(blind)} of them on figures nobody "
                f"reported; {len(other)} say something else than on the whole file, {len(wrong)} are wrong",
                "with": f"{len(concerned)} applications were due: {morning} letters at six, "
                f"{len(concerned) - morning - sum(stopped.values())} refused, {stopped['held']} held, "
                f"{stopped['asked']} put to people; {later} sent after the bureau sent the file again",
            },
            tell,
        )

    def _event(self, night: Night, what: str, worlds: Mapping[str, str], tell: Tell) -> None:
        self._told.events.append({"week": night.week, "day": str(night.day), "what": what, **worlds})
        tell(f"Week {night.week:2}  {night.day:%a %d %b}: {WORDS[what]}")
        for world, words in worlds.items():
            name = "without Bridgehead" if world == "without" else "with it"
            tell(f"         {name + ':':20}{words}.")

    def _made_up(self, number: int, missing: Iterable[str]) -> bool:
        """Say whether a field stood in for one that the bureau does know."""
        real = self._people[number]._asdict()
        return any(real[name] is not None for name in missing)

    def _on_all(self, number: int) -> str:
        return score(self._people[number]._asdict(), self._model).decision

    def _week_line(self, week: int) -> str:
        rows = self.by_week()
        one = rows[week - 1]
        return (
            f"Week {week:2}  with: {one['with']['letters']:3} letters, {share(one['with'])} right;  "
            f"without: {one['without']['letters']:3} letters, {share(one['without'])} right"
        )

    def by_week(self) -> list[dict[str, Any]]:
        """Return for each week the letters of the applications of that week and how many were right."""
        decided = {one["application"]: one["decision"] for one in self._bank.decisions()}
        alone = {one.number: one.decision for one in self._without.letters.values()}
        return [
            {
                "week": week,
                **{
                    world: self._right(found, week)
                    for world, found in (("with", decided), ("without", alone))
                },
            }
            for week in sorted({night.week for night in self._nights})
        ]

    def _right(self, decided: Mapping[int, str], week: int = 0) -> dict[str, int]:
        people = [
            one
            for night in self._nights
            if week in (0, night.week)
            for one in night.applicants
            if one.number in decided
        ]
        right = sum((decided[one.number] == "decline") == one.bad for one in people)
        return {"letters": len(people), "right": right}

    def result(self) -> dict[str, Any]:
        """Return all figures, counted from letters, questions and the ledger."""
        decided = {one["application"]: one["decision"] for one in self._bank.decisions()}
        alone = {one.number: one.decision for one in self._without.letters.values()}
        size, root = self._house.ledger.size_and_root()
        return {
            "model": {"trained_on": self._model["trained_on"], "test": self._model["test"]},
            "applications": len(self._people),
            "with": {
                **self._right(decided),
                "on_made_up_figures": self._blind_letters(),
                "questions": dict(self._told.asked),
                "by_hand": dict(Counter(one["why"] for one in self._bank.by_hand())),
                "open": len(self._bank.open_applications()),
                "looked_at_again": self._reviewed,
                "batches": self._batches(),
                "alarm_after": self._alarm_after(),
            },
            "without": {
                **self._right(alone),
                "on_made_up_figures": sum(
                    self._made_up(one.number, one.missing) for one in self._without.letters.values()
                ),
                "on_gaps_nobody_saw": sum(bool(one.missing) for one in self._without.letters.values()),
            },
            "weeks": self.by_week(),
            "events": self._told.events,
            "incidents": self._incidents(),
            "ledger_size": size,
            "ledger_root": root,
            "state": str(self._place / "state"),
        }

    def _batches(self) -> dict[str, int]:
        """Count the bureau's files by what became of them."""
        with self._house.store.reading() as connection:
            rows = connection.execute(select(t.batch.c.state, t.batch.c.decided_by)).all()
        released = sum(row.state == "published" and row.decided_by != "[]" for row in rows)
        return {**Counter(row.state for row in rows), "released by the owner": released}

    def _alarm_after(self) -> int:
        """Return how many looked at decisions it took to prove the fall; 0 where nothing was proved."""
        with self._house.store.reading() as connection:
            row = connection.execute(
                select(t.alarm_path.c.state).where(t.alarm_path.c.raised_at != "")
            ).first()
        return int(json.loads(row.state)["raised_at"]) if row else 0

    def _blind_letters(self) -> int:
        """Count letters whose score is not that of what the bureau knows of the applicant."""
        return sum(
            one["risk"] != score(self._people[one["application"]]._asdict(), self._model).risk
            for one in self._bank.decisions()
        )

    def _incidents(self) -> list[dict[str, str]]:
        with self._house.store.reading() as connection:
            rows = connection.execute(select(t.incident).order_by(t.incident.c.opened_at)).all()
        return [
            {"kind": row.kind, "opened": row.opened_at, "closed": row.closed_at or "", "words": row.words}
            for row in rows
        ]


def share(one: Mapping[str, int]) -> str:
    """Return the share of right letters in words."""
    return f"{one['right'] / one['letters']:6.1%}" if one["letters"] else "  none"


def change(file: Path, old: str, new: str) -> None:
    """Change a text in a file that must have it."""
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise LookupError(f"{file.name} does not say {old!r}")
    file.write_text(text.replace(old, new), encoding="utf-8")
