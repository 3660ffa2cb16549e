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
from bridgehead.watch.draft.draft import Objects, Say, from_files, from_postgresql
from bridgehead.watch.draft.objects import nothing, spelt
from bridgehead.watch.draft.proposal import DraftTable, LeftOut
from bridgehead.watch.draft.proved import proved
from bridgehead.watch.draft.written import with_left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft: its text, the tables it proposes, and how many checks of it hold of its own data.

    ``left_out`` could not be read, and is not in it.
    """

    text: str
    tables: Sequence[DraftTable]
    checks: int
    left_out: Sequence[LeftOut] = ()


def drafted_from(
    data: str, *, name: str | None, only: Sequence[str], limits: Limits, clock: Clock, say: Say,
    remote: bool = False,
) -> Drafted:  # fmt: skip
    """Return the draft of what ``data`` names. Raises ``WatchError`` BH-WAT-014, 016, 017, 090 to 092."""
    scheme = scheme_of(data)
    if scheme in SERVERS:
        found = from_postgresql(data, limits=limits, clock=clock, say=say, only=only)
        return _checked(name, found, data, label(data), limits, clock, say)
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
    found = from_files(path, limits=limits, clock=clock, say=say, only=only)
    return _checked(name, found, str(path), told, limits, clock, say)


def _checked(
    name: str | None,
    found: Objects,
    where: str,
    told: str,
    limits: Limits,
    clock: Clock,
    say: Say,
) -> Drafted:
    if not found.tables:
        raise nothing(told, "no object of that name is there")
    say("checking the draft against its own data")
    called = name or spelt(Path(told.rstrip("/")).name.split(".")[0])
    day = clock.now().date().isoformat()
    text, checks = proved(called, found.tables, told, day, where=where, limits=limits, clock=clock)
    text = with_left_out(text, found.left_out)
    return Drafted(text=text, tables=found.tables, checks=checks, left_out=found.left_out)
