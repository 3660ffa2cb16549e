"""One copied batch against its contract and its feed: pure but for the scan of the copy.

::

    counted = count(batch, promised, keys)                 # rows, hashes, totals
    audited = audit(supply, files, others, now)            # every clause of the contract, on that very copy
    verdict([*of_arrival(noticed), *audited.said])         # published, quarantined, or set aside

A clause, or a change of the columns, decides by what it does to readers: what holds back, or serves the last
good data, keeps the batch from being published; what leaves things to a person, or is only noted, goes with
it. What could not be evaluated, and what queries cannot read, goes with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.arrivals.event import Arrival, Noticed, days_of
from bridgehead.watch.arrivals.manifest import Manifest
from bridgehead.watch.arrivals.reading import measured
from bridgehead.watch.breach import said_of
from bridgehead.watch.checks.check import Report, check
from bridgehead.watch.checks.engine import Limits, Unmeasured
from bridgehead.watch.checks.files import Files, Format, format_of
from bridgehead.watch.checks.ir import Age, Aggregate, NoBaseline
from bridgehead.watch.checks.judge import Verdict
from bridgehead.watch.checks.where import Place, place_of
from bridgehead.watch.feeds.published import files_of
from bridgehead.watch.feeds.readable import unread
from bridgehead.watch.feeds.said import BACK, DISCARDED, Said
from bridgehead.watch.feeds.supply import Supply

if TYPE_CHECKING:
    from bridgehead.watch.schema_change.schema import Table

State = Literal["published", "quarantined", "set aside"]
GOES_WITH_IT = ("record", "warn", "raiseAudit", "toPerson", "rollBack")
"""What a broken clause does to readers without keeping its batch from being published."""
KEEPS_APART: frozenset[str] = frozenset({"empty", "totals", "overlap", "partial", "segment_missing"})
UNREAD = "unread"
"""Of a batch that queries cannot read, whatever its clauses say."""
OF_A_BATCH: frozenset[str] = KEEPS_APART | {
    "duplicate",
    "correction",
    "surge",
    "segment_partial",
    "catch_up",
    "arrived_late",
}
"""What is noticed of a batch that came, and not of one that did not."""
SEND_AGAIN = "Let the sender send it again as it should be, or discard it."
MOST_SEGMENTS = 1000
NO_SEGMENT = "rows without one"
COUNTED_BYTES = 64 * 1024 * 1024
"""Up to here the rows of text are hashed one by one; beyond, a batch is known by its bytes alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A copied batch: its row's name, label and time, the files as the sender calls them and as they lie, and
    the copy of its control totals, where there is one."""

    name: str
    label: str
    at: datetime
    files: tuple[tuple[str, Path], ...]
    promised: Manifest | None = None
    totals: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Return where its files lie."""
        return [path for _, path in self.files]

    @property
    def format(self) -> Format | None:
        """Return the format of its files."""
        return format_of(self.paths[0]) if self.paths else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What the contract's clauses found: what is ``said``, the rows, by freshness clause the newest moment in
    it, its columns, as far as they could be seen, and the rows of each segment the contract names."""

    said: tuple[Said, ...]
    rows: int | None
    newest: Mapping[str, str]
    columns: Table | None = None
    segments: tuple[tuple[str, int], ...] = ()


def count(supply: Supply, batch: Batch, before: Sequence[int]) -> tuple[Arrival, tuple[int, ...]]:
    """Return a batch as the watch over arrivals takes it, and the smallest hashes of its keys. ``before`` are
    those of the batch before."""
    size = sum(path.stat().st_size for path in batch.paths)
    # A whole table has the keys of the one before, with newer values: that corrects nothing.
    key = supply.key if supply.feed.holds == "new" else ()
    parts = [
        (name, path.read_bytes() if size <= COUNTED_BYTES else _digest(path)) for name, path in batch.files
    ]
    known = [(name if size <= COUNTED_BYTES else "batch", content) for name, content in parts]
    found = measured(known, key, "", before)
    promised = batch.promised
    arrival = Arrival(
        feed=supply.name,
        batch=batch.label,
        at=batch.at,
        rows=found.rows if found.rows is not None else promised.rows if promised else None,
        size=size,
        content=_content(found.schema, found.content, batch.totals),
        keys=found.keys,
        overlap=found.overlap,
        schema=found.schema,
        about=days_of(batch.label),
        totals=found.against(promised) if promised else (),
        source_time=promised.written if promised else None,
    )
    return arrival, found.smallest


def _content(schema: str, content: str, totals: Path | None) -> str:
    """Return what a batch is known by: other columns, or other totals, are another batch."""
    told = _digest(totals).hex() if totals is not None else ""
    return ":".join(part for part in (schema, content, told) if part)


def _digest(path: Path) -> bytes:
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def audit(supply: Supply, batch: Batch, others: Mapping[str, Files], now: datetime) -> Audited:
    """Return what the clauses of the contract say of a batch. ``others`` are the files of tables that it may
    refer to, by name."""
    if supply.promised is None:
        words = f"The contract {supply.contract.name} says nothing of {supply.table}."
        one = Said(kind="clause", words=recordable(words), clause="look", response="quarantine")
        return Audited(said=(one,), rows=None, newest={})
    tables = [table for table in supply.contract.tables if table.name == supply.table or table.name in others]
    files = {**others, supply.table: files_of(batch.paths)}
    with place_of(files, tables, limits=Limits(), clock=supply.boundary.clock) as found:
        report = _report(supply, batch, found, now)
        columns = _columns(found, supply)
        counted = _segments(found, supply)
    newest = {}
    for fresh in (each.check for each in report.verdicts):
        if isinstance(fresh.test, Age) and isinstance(fresh.metric, Aggregate):
            value = report.numbers.values.get((supply.table, fresh.metric))
            newest[fresh.id] = value if isinstance(value, str) else ""
    broken = [each for each in report.breaches if not isinstance(each.check.test, Age)]
    return Audited(
        said=(*_unread(supply, batch), *(_said(supply, each) for each in broken)),
        rows=report.numbers.rows.get(supply.table),
        newest=newest,
        columns=columns,
        segments=counted,
    )


def _unread(supply: Supply, batch: Batch) -> Iterator[Said]:
    """Yield why readers could not read a batch: columns that no clause is about are theirs, too."""
    if said := unread(supply, batch.paths):
        yield Said(kind=UNREAD, words=recordable(f"No query can read it: {said}."), fix=SEND_AGAIN)


def _said(supply: Supply, verdict: Verdict) -> Said:
    one = said_of(verdict)
    return Said(
        kind="clause",
        words=one.words,
        clause=one.clause,
        where=one.where.removeprefix(f"{supply.boundary.deployment.folder}/"),
        response=one.response,
        readers=one.readers,
        # Nobody has said yet what a batch is compared with: that says nothing against the batch.
        unevaluated=verdict.state == "unevaluable" and not isinstance(verdict.check.test, NoBaseline),
    )


def _report(supply: Supply, batch: Batch, found: Place, now: datetime) -> Report:
    """Check a batch, with its control totals. Totals that cannot be read leave their clauses unevaluated."""
    checked = partial(
        check,
        supply.contract,
        found,
        now=now,
        baseline=supply.baseline,
        tables=(supply.table,),
        samples=False,
    )
    if batch.totals is None:
        return checked()
    try:
        return checked(totals=batch.totals)
    except WatchError as error:
        if error.code != "BH-WAT-019":
            raise
        return checked()


def _segments(found: Place, supply: Supply) -> tuple[tuple[str, int], ...]:
    """Return the rows of each segment of a batch; nothing where the contract names none, or it has more than
    ``MOST_SEGMENTS`` values and so is none."""
    promised = supply.promised
    if promised is None or not promised.ours.segment:
        return ()
    try:
        opened = found.engine.open(promised)
        if promised.ours.segment in opened.absent:
            return ()
        text = found.engine.writer(opened.relation).text(promised.ours.segment)
        rows = found.engine.rows(
            f"SELECT CAST({text} AS VARCHAR), count(*) FROM {opened.relation.source} GROUP BY 1",  # noqa: S608
            MOST_SEGMENTS + 1,
        )
    except Unmeasured:
        return ()
    if len(rows) > MOST_SEGMENTS:
        return ()
    return tuple(sorted((str(name)[:80] if name else NO_SEGMENT, int(count)) for name, count in rows))


def _columns(found: Place, supply: Supply) -> Table | None:
    """Return the columns of a batch as its files describe them; clauses tell of what cannot be opened."""
    from bridgehead.watch.schema_change.accepted import table_of  # the parser of SQL

    if supply.promised is None:
        return None
    try:
        return table_of(supply.table, found.engine.open(supply.promised).native)
    except Unmeasured:
        return None


def of_arrival(noticed: Sequence[Noticed]) -> tuple[Said, ...]:
    """Return what the watch over arrivals noticed of a batch that came, to be kept in its row."""
    return tuple(
        Said(kind=each.kind, words=recordable(each.words), fix=each.fix)
        for each in noticed
        if each.kind in OF_A_BATCH
    )


def verdict(said: Sequence[Said]) -> State:
    """Return what becomes of a batch of which all this is said."""
    if any(each.kind == "duplicate" for each in said):
        return "set aside"
    return "quarantined" if any(keeps_apart(each) for each in said) else "published"


def keeps_apart(one: Said) -> bool:
    """Say whether one thing noticed keeps its batch from being published."""
    if one.kind in ("clause", "schema"):
        return one.unevaluated or one.response not in GOES_WITH_IT
    return one.kind in ("older", UNREAD, BACK, DISCARDED) or one.kind in KEEPS_APART


def worst_first(said: Iterable[Said]) -> tuple[Said, ...]:
    """Return what was noticed of a batch, and first what keeps it from being published."""
    return tuple(sorted(said, key=lambda one: not keeps_apart(one)))


def as_of(arrival: Arrival, audited: Audited) -> str:
    """Return the newest moment in a batch: of the column that the contract's freshness names, or when the
    sender says that it was written, or when it came, which is never earlier."""
    told = [value for value in audited.newest.values() if moment(value) is not None]
    if told:
        return newer(told)
    return stamp(arrival.source_time or arrival.at)


def newer(moments: Iterable[str]) -> str:
    """Return the newest of moments as text; empty where there is none."""
    known = [(found, text) for text in moments if (found := moment(text)) is not None]
    return max(known)[1] if known else ""


def moment(text: str) -> datetime | None:
    """Return the moment a text names, in UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
