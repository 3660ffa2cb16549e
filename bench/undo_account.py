"""What became of every effect of a release that was taken back: the order system's own book against the
certificate.

The book says who changed what in which order; the certificate says what was taken back. *Missing* is an
effect that should have been taken back, was not, and has no person in the certificate. *Double* is one taken
back twice, or asked for again after it was. *Overwritten* is a change of others that the undo wrote over.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from undo_cases import OTHERS, THERE_ALREADY, Cases, Wanted

from bridgehead.assemble import House
from bridgehead.record.export import export
from bridgehead.record.verify import CertificateReport, verify_certificate, verify_export
from bridgehead.rollout.certificate import certified
from bridgehead.store import tables as t

COMPENSATED_BY = {"amend": "amend_posting", "order": "post_order"}
"""How an effect is taken back; the others are cancelled."""


@dataclass(kw_only=True)
class Account:
    """The counts. ``problems`` are words; empty means that certificate and book say the same."""

    effects: int
    kills: int
    undone: int = 0
    missing: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    changed_by_others: int = 0
    refused: int = 0
    handed_to_a_person: int = 0
    certificate: dict[str, int] = field(default_factory=dict)
    money: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Return whether the promise held."""
        return not (self.missing or self.double or self.overwritten or self.problems)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"good": self.good}


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The order system's file, read beside it. ``ordered_at`` is the last call before the undo."""

    calls: Mapping[int, sqlite3.Row]
    postings: Mapping[str, Sequence[sqlite3.Row]]
    changes: Mapping[int, Sequence[sqlite3.Row]]
    ordered_at: int

    @classmethod
    def read(cls, file: Path, ordered_at: int) -> Book:
        """Read it."""
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
        db.row_factory = sqlite3.Row
        postings, changes = defaultdict(list), defaultdict(list)
        for row in db.execute("select * from posting order by number"):
            postings[row["reference"]].append(row)
        for row in db.execute("select * from change order by id"):
            changes[row["posting"]].append(row)
        calls = {row["id"]: row for row in db.execute("select * from call")}
        db.close()
        return cls(calls=calls, postings=postings, changes=changes, ordered_at=ordered_at)

    def who(self, call: int) -> str:
        """Return whose call it was: ``release``, ``undo``, ``others`` or ``there already``."""
        key = self.calls[call]["idempotency_key"]
        if key in (OTHERS, THERE_ALREADY):
            return str(key)
        return "undo" if call > self.ordered_at else "release"

    def by(self, who: str, rows: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
        """Return the rows that somebody made."""
        return [row for row in rows if self.who(row["by_call"]) == who]

    def sent(self, operation: str, reference: str) -> list[int]:
        """Return the undo's calls for a record."""
        return [
            number
            for number, call in self.calls.items()
            if (call["operation"], call["reference"]) == (operation, reference) and self.who(number) == "undo"
        ]


@dataclass(slots=True, kw_only=True)
class Stood:
    """What the book says of one record: effects of the release on it, how often each way was gone back."""

    reference: str
    made: list[str]
    undone: int = 0
    twice: int = 0
    over: int = 0
    others: bool = False
    wrong: str = ""


def account(house: House, erp_file: Path, found: Cases, ordered_at: int, undo: str, kills: int) -> Account:
    """Compare the order system's book with the certificate."""
    book = Book.read(erp_file, ordered_at)
    note = certified(house.boundary, undo)
    said = verify_certificate(note, vkey=(house.state / "keys" / "ledger.vkey").read_text())
    items = _items(house, note)
    # Who was not answered is not in the other system's book: it may have answered, and nobody heard it.
    unheard = {name for name, found_ in items.items() if "unknown" in [item["outcome"] for item in found_]}
    told = Account(effects=len(found.effects), kills=kills, certificate=dict(said.counts))
    told.problems += [*map(str, said.problems), *_ledger_problems(house)]
    if " final" not in said.issued:
        told.problems.append(f"the certificate is {said.issued}")
    by_record: dict[str, list[Wanted]] = defaultdict(list)
    for one in found.effects:
        by_record[one.reference].append(one)
    for reference, effects in by_record.items():
        _judge(told, _stood(book, reference, effects), effects, items.pop(reference, []), book)
    told.problems += [f"{name} is in the certificate and was not ordered" for name in items]
    told.problems += _sums(told, said, book, by_record, unheard)
    return told


def _stood(book: Book, reference: str, effects: Sequence[Wanted]) -> Stood:
    postings, kind = book.postings.get(reference, []), effects[0].kind
    changes = [change for posting in postings for change in book.changes.get(posting["number"], ())]
    others = bool(book.by(OTHERS, changes) or book.by(OTHERS, postings))
    if kind == "amend":
        return _amended(book, reference, changes, others)
    made = [row["reference"] for row in book.by("release", postings)]
    ours = [row["number"] for row in book.by("release", postings)]
    back = book.by("undo", changes)
    stood = Stood(reference=reference, made=made, others=others)
    if kind == "order":
        credits_ = book.by("undo", book.postings.get(effects[0].account, []))
        cancelled = min((row["cancelled_at"] for row in postings if row["cancelled_at"]), default="~")
        stood.undone = min(len(credits_), 1)
        stood.over = sum(1 for row in credits_ if others and row["posted_at"] > cancelled) + len(back)
        stood.twice = _again(book, "post_order", effects[0].account, credits_)
        return stood
    stood.undone = min(sum(1 for row in back if row["posting"] in ours), 1)
    stood.over = sum(1 for row in back if row["posting"] not in ours)
    stood.twice = _again(book, "cancel_posting", reference, back)
    return stood


def _amended(book: Book, reference: str, changes: Sequence[sqlite3.Row], others: bool) -> Stood:
    forward, back = book.by("release", changes), book.by("undo", changes)
    stood = Stood(reference=reference, made=[row["became"] for row in forward], others=others)
    stood.undone = min(len(back), len(forward))
    first = min((row["id"] for row in book.by(OTHERS, changes)), default=None)
    stood.over = sum(1 for row in back if first is not None and row["id"] > first)
    stood.twice = _again(book, "amend_posting", reference, back) + max(len(back) - len(forward), 0)
    wanted = [row["was"] for row in reversed(forward)][: len(back)]
    if [row["became"] for row in back][: len(wanted)] != wanted:
        stood.wrong = f"taken back to {[row['became'] for row in back]}, not to {wanted}"
    return stood


def _again(book: Book, operation: str, reference: str, applied: Sequence[sqlite3.Row]) -> int:
    """Return how often it was applied too often, or asked for again after it had been applied."""
    calls = [row["by_call"] for row in applied]
    twice = len(calls) - len(set(calls)) if operation == "amend_posting" else max(len(calls) - 1, 0)
    last = max(calls, default=None)
    return twice + sum(1 for call in book.sent(operation, reference) if last is not None and call > last)


def _judge(
    told: Account, stood: Stood, effects: Sequence[Wanted], items: Sequence[Mapping[str, str]], book: Book
) -> None:
    """Lay one record of the book beside its items in the certificate, the last effect first."""
    name, kind = stood.reference, effects[0].kind
    told.undone += stood.undone
    told.changed_by_others += stood.others
    told.double += [name] * stood.twice
    told.overwritten += [name] * stood.over
    told.problems += [f"{name}: {stood.wrong}"] * bool(stood.wrong)
    what = [item["outcome"] for item in items if item["outcome"] != "nothing"]
    happened = len(stood.made)
    if kind == "blind" and not happened:  # nobody heard that it did not
        what = [] if what == ["unknown"] else what
    if len(what) != happened:
        told.problems.append(f"{name}: {happened} effects in the book, {what} in the certificate")
        return
    undone = [outcome == "undone" for outcome in what]
    if undone != [place < stood.undone for place in range(happened)]:
        told.problems.append(f"{name}: {stood.undone} taken back in the book, {what} in the certificate")
    above = bool(what) and what[0] in ("person", "refused", "unknown")  # then what is below it stays, too
    may = {"undone", "person", "unknown", "refused"} | ({"skipped"} if stood.others or above else set())
    may = {"impossible"} if kind == "pay" else may
    told.missing += [name for outcome in what if outcome not in may]
    told.missing += [
        name for item in items if item["outcome"] in ("person", "unknown") and item["person"] == "-"
    ]
    told.handed_to_a_person += sum(1 for outcome in what if outcome in ("person", "unknown"))
    told.refused += what.count("refused")


def _sums(
    told: Account,
    said: CertificateReport,
    book: Book,
    by_record: Mapping[str, Sequence[Wanted]],
    unheard: Collection[str],
) -> Iterator[str]:
    """Yield where the certificate's numbers are not those of the book."""
    if said.counts["undone"] != told.undone:
        yield f"{said.counts['undone']} undone in the certificate, {told.undone} in the book"
    sums = dict.fromkeys(("moved", "taken-back", "remaining", "unclear"), Decimal(0))
    for reference, effects in by_record.items():
        for what, amount in _money(book, reference, effects, reference in unheard):
            sums[what] += amount
    sums["remaining"] = sums["moved"] - sums["taken-back"]
    told.money = {name: f"{amount:f}" for name, amount in sums.items()}
    of = {name: Decimal(amount) for name, amount in said.money.get("EUR", {}).items()}
    if of != sums:
        yield f"the certificate counts {said.money}, the book {told.money}"


def _money(
    book: Book, reference: str, effects: Sequence[Wanted], unheard: bool
) -> Iterator[tuple[str, Decimal]]:
    one = effects[0]
    if one.kind == "amend":
        return
    amount = Decimal(one.amount)
    if one.kind == "blind" and unheard:
        yield "unclear", amount
        return
    mine = book.by("release", book.postings.get(reference, []))
    for posting in mine:
        yield "moved", amount
        back = book.by("undo", book.changes.get(posting["number"], ()))
        if back or book.by("undo", book.postings.get(one.account, [])):
            yield "taken-back", amount


def _items(house: House, note: str) -> dict[str, list[dict[str, str]]]:
    """Return the items of a certificate by record, the last effect first."""
    with house.store.reading() as connection:
        records = {
            f"{row.run}/{row.position}": str(row.record).rpartition("/")[2]
            for row in connection.execute(
                select(t.crossing.c.run, t.crossing.c.position, t.crossing.c.record).where(
                    t.crossing.c.effect != "read"
                )
            )
        }
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    names = ("number", "outcome", "effect", "target", "amount", "currency", "person", "due")
    for line in note.splitlines():
        if line.startswith("item: "):
            item = dict(zip(names, line.removeprefix("item: ").split(" "), strict=True))
            found[records[item["effect"]]].append(item)
    return found


def _ledger_problems(house: House) -> list[str]:
    house.ledger.close()  # signs what is new
    file = house.state / "ledger.jsonl"
    with file.open("w", encoding="utf-8") as out:
        export(house.store, out)
    report = verify_export(file, vkey=(house.state / "keys" / "ledger.vkey").read_text())
    return [str(problem) for problem in report.problems]


def written(place: Path, house: House, erp_file: Path, found: Cases, ordered_at: int, kills: int) -> None:
    """Write the account of an undo beside its store."""
    told = account(house, erp_file, found, ordered_at, (place / "undo").read_text(), kills)
    (place / "account.json").write_text(json.dumps(told.as_dict() | {"outcomes": Counter(told.certificate)}))
