"""What became of every order, from three independent books: the order system's own file, the journal, the
ledger.

An order is accounted for where exactly one of these is true: it stands in the order system once and the
journal says it was posted; it stands there at most once, the journal says ``unknown`` and a person was
told; it does not stand there and the journal says that it was refused or failed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.record.export import export
from bridgehead.record.verify import verify_export
from bridgehead.store import tables as t
from bridgehead.testing.hostile_erp import judge


@dataclass(kw_only=True)
class Account:
    """What became of the orders of one seed. ``problems`` are words; empty means that all is well."""

    effects: int
    kills: int
    posted_once: int
    duplicates: int
    missing: int
    handed_to_a_person: int
    refused: int
    by_the_system: int
    adopted: int = 0
    sent_again: int = 0
    seconds: float = 0.0
    unaccounted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Return whether nothing is lost, double or unexplained."""
        return not (self.duplicates or self.missing or self.unaccounted or self.problems)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"good": self.good}


def account(house: House, erp_file: Path, references: Sequence[str], kills: int) -> Account:
    """Compare the books of the order system with those of the house."""
    with house.store.reading() as connection:
        rows = connection.execute(
            select(t.crossing.c.record, t.crossing.c.run, t.crossing.c.position, t.crossing.c.state).where(
                t.crossing.c.effect != "read"
            )
        ).all()
        told = {
            (row.run, row.kind.partition(":")[2])
            for row in connection.execute(select(t.incident).where(t.incident.c.closed_at.is_(None)))
            if row.kind.startswith(("unknown:", "duplicate:"))
        }
        faults = connection.execute(select(t.run.c.id).where(t.run.c.status == "failed")).all()
        settled = Counter(_settled(house, connection))
    by_reference: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_reference[row.record.rpartition("/")[2]].append(row)
    seen = judge(erp_file, references)
    stands = dict.fromkeys(references, 1) | dict.fromkeys(seen.absent, 0) | dict.fromkeys(seen.duplicated, 2)
    became = {name: _became(by_reference[name], stands[name], told) for name in references}
    counted = Counter(became.values())
    return Account(
        effects=len(references),
        kills=kills,
        posted_once=seen.once,
        duplicates=seen.twice,
        missing=sum(1 for name in seen.absent if became[name] not in ("person", "refused")),
        handed_to_a_person=counted["person"],
        refused=counted["refused"],
        by_the_system=seen.by_the_system,
        adopted=settled["done"],
        sent_again=settled["intent"],
        unaccounted=[f"{name}: {what}" for name, what in became.items() if what not in WELL],
        problems=[f"{len(faults)} runs failed"] * bool(faults) + _ledger_problems(house),
    )


WELL = ("posted", "person", "refused")


def _became(rows: Sequence[Any], stands: int, told: set[tuple[str, str]]) -> str:
    """Return ``posted``, ``person`` or ``refused``; any other words are what does not add up."""
    states = Counter(row.state for row in rows)
    open_ones = [row for row in rows if row.state in ("claimed", "unknown", "intent", "asked")]
    if states["done"] == 1 and not open_ones:
        return "posted" if stands == 1 else f"recorded as done, stands {stands} times"
    if states["done"]:
        return f"done {states['done']} times, {len(open_ones)} open"
    if len(open_ones) == 1 and (open_ones[0].run, open_ones[0].position) in told:
        return "person" if stands <= 1 else f"handed over, stands {stands} times"
    if open_ones:
        return f"{open_ones[0].state}, and nobody was told"
    return "refused" if rows and not stands else f"{dict(states)}, stands {stands} times"


def _settled(house: House, connection: Any) -> list[str]:
    """Return to what unclear effects were settled: ``done`` (adopted) or ``intent`` (sent again)."""
    found = connection.execute(select(t.entry.c.envelope).where(t.entry.c.kind == "action.settled")).all()
    return ["done" if b'"state":"done"' in row.envelope else "intent" for row in found]


def _ledger_problems(house: House) -> list[str]:
    house.ledger.close()  # signs what is new
    file = house.state / "ledger.jsonl"
    with file.open("w", encoding="utf-8") as out:
        export(house.store, out)
    report = verify_export(file, vkey=(house.state / "keys" / "ledger.vkey").read_text())
    return [str(problem) for problem in report.problems]


def plain_account(seen: Any, kills: int, seconds: float) -> Mapping[str, Any]:
    """Return what plain retries did to the same orders under the same faults."""
    return {
        "kills": kills,
        "posted_once": seen.once,
        "duplicates": seen.twice,
        "missing": seen.missing,
        "by_the_system": seen.by_the_system,
        "seconds": seconds,
    }
