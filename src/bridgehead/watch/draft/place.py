"""From what a person names to a draft that was checked: the entry of drafting.

::

    made = drafted_from("drop/", name=None, only=(), limits=Limits(), clock=clock, say=print)
    Path("contracts/drop.odcs.yaml").write_text(made.text)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridgehead.kernel.clock import Clock
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.where import SERVERS, fetched, label, scheme_of
from bridgehead.watch.draft.draft import Say, from_files, from_postgresql
from bridgehead.watch.draft.objects import nothing, spelt
from bridgehead.watch.draft.proposal import DraftTable
from bridgehead.watch.draft.proved import proved


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft: its text, the tables it proposes, and how many checks of it hold of its own data."""

    text: str
    tables: Sequence[DraftTable]
    checks: int


def drafted_from(
    data: str, *, name: str | None, only: Sequence[str], limits: Limits, clock: Clock, say: Say,
    remote: bool = False,
) -> Drafted:  # fmt: skip
    """Return the draft of what ``data`` names. Raises ``WatchError`` BH-WAT-014, 016, 017, 090 to 092."""
    scheme = scheme_of(data)
    if scheme in SERVERS:
        tables = from_postgresql(data, limits=limits, clock=clock, say=say, only=only)
        return _checked(name, tables, data, label(data), limits, clock, say)
    if not scheme:
        return _of_path(Path(data), name, data, only, limits, clock, say)
    work = Path(tempfile.mkdtemp(prefix="bridgehead-watch-"))
    try:
        file = fetched(data, scheme, work, limits, remote)
        return _of_path(file, name, label(data), only, limits, clock, say)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _of_path(
    path: Path, name: str | None, told: str, only: Sequence[str], limits: Limits, clock: Clock, say: Say
) -> Drafted:
    tables = from_files(path, limits=limits, clock=clock, say=say, only=only)
    return _checked(name, tables, str(path), told, limits, clock, say)


def _checked(
    name: str | None,
    tables: Sequence[DraftTable],
    where: str,
    told: str,
    limits: Limits,
    clock: Clock,
    say: Say,
) -> Drafted:
    if not tables:
        raise nothing(told, "no object of that name is there")
    say("checking the draft against its own data")
    called = name or spelt(Path(told.rstrip("/")).name.split(".")[0])
    day = clock.now().date().isoformat()
    text, checks = proved(called, tables, told, day, where=where, limits=limits, clock=clock)
    return Drafted(text=text, tables=tables, checks=checks)
