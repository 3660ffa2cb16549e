"""A batch that was counted is compared with what was accepted, in the unit that writes its profile down.

::

    house.ledger.append(counting(boundary, contract, part))

What has moved becomes a clause ``drift.COLUMN`` whose response is ``raiseAudit``: more results are drawn for
people to look at, the owner is told, nothing is held back. It holds until the next batch is within, or
somebody accepts a new baseline. A batch of an earlier day than the newest one changes nothing of that.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, select

from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch import stored
from bridgehead.watch.contract.model import Contract
from bridgehead.watch.distributions import rows
from bridgehead.watch.distributions.plainly import plainly
from bridgehead.watch.distributions.rows import Kept, Part
from bridgehead.watch.drift import Dated, Drift, DriftState, Relevance, effects, judged
from bridgehead.watch.health import ACTOR, Broken, Look, told
from bridgehead.watch.profile import Frame, Profile

SCOPE = "drift."
FAULT = f"{SCOPE}look"
"""The clause of a batch that could not be counted."""
RESPONSE = "raiseAudit"
ABOUT = "drift:"
"""Begins the kind of an incident about a table."""


def relevance(contract: Contract, table: str) -> tuple[dict[str, Relevance], frozenset[str]]:
    """Return from which size on a move matters, by column, and the columns nobody is to hear of. What a
    column does not say, its table does, then the contract, then the defaults."""
    found, silent = dict[str, Relevance](), set[str]()
    promised = contract.table(table)
    if promised is None:
        return found, frozenset()
    for column in promised.columns:
        places = (contract.ours, promised.ours, column.ours)
        above = [each.drift for each in places if each.drift is not None]
        if above and not above[-1].watched:
            silent.add(column.name)
        sizes = {
            each.name: size
            for said in above
            for each in fields(Relevance)
            if (size := getattr(said, each.name)) is not None
        }
        found[column.name] = Relevance(**sizes)
    return found, frozenset(silent)


def counting(
    boundary: Boundary, contract: Contract, part: Part, *, frame: Frame | None = None, fault: str = "",
    only: Collection[str] | None = None,
) -> UnitOfWork:  # fmt: skip
    """Return the unit that writes a part's profiles down and judges it.

    ``frame`` is one to begin with, where the table has none. ``fault`` says why a batch could not be
    counted. ``only`` are the batches the table consists of, where those that are not among them are void.
    """

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        live = rows.live(connection, part.source, part.table, now)
        if not live and frame is not None:
            live = (rows.begin(connection, part, frame, now),)
        drafts: tuple[Draft, ...] = ()
        for kept in live:
            if kept.state == "current" and fault:
                drafts = _said(connection, boundary, contract, part, (_unknown(fault),), kept)
            elif kept.state == "current" and kept.frame.digest in part.profiles:
                drafts = _judge(connection, boundary, contract, part, kept)
            elif kept.frame.digest in part.profiles:
                rows.keep(connection, part, kept.frame.digest, {}, None, drifted=False)
        if only is not None:
            rows.only(connection, part.source, part.table, only)
        rows.sweep(connection, part.source, part.table, now)
        return Work(drafts=drafts)

    return work


def ending(connection: Connection, boundary: Boundary, source: str, table: str) -> tuple[Draft, ...]:
    """Take away what drift has broken of a table; return the entries that say so."""
    look = Look(source=source, table=table, at=boundary.clock.now(), scope=SCOPE)
    return (*told(connection, boundary, look, None), *laid(connection, boundary))


def laid(connection: Connection, boundary: Boundary) -> tuple[Draft, ...]:
    """Open and close incidents so that there is one for each table that has drifted; return their entries."""
    broken: dict[str, list[str]] = {}
    like = t.breach.c.clause.startswith(SCOPE, autoescape=True)
    for row in connection.execute(select(t.breach).where(like).order_by(t.breach.c.clause)):
        broken.setdefault(f"{row.source}.{row.object}", []).append(row.words)
    drafts: list[Draft] = []
    open_ = incidents.open_kinds(connection, ABOUT)
    for name, words in broken.items():
        text = f"{name}: {' '.join(words)} More results are drawn for people to look at."
        if name not in open_:
            incidents.open_row(connection, boundary.clock, ABOUT + name, text)
        elif open_[name] != text:
            incidents.reword(connection, ABOUT + name, ABOUT + name, text)
        else:
            continue
        body = {"words": text, "owner": boundary.directory().owner.person}
        drafts.append(Draft(kind="finding.raised", actor=ACTOR, fields={"note": ABOUT + name}, body=body))
    for name in open_.keys() - broken.keys():
        drafts += incidents.close_kind(connection, boundary.clock, ABOUT + name, actor=ACTOR)
    return tuple(drafts)


def _judge(
    connection: Connection, boundary: Boundary, contract: Contract, part: Part, kept: Kept
) -> tuple[Draft, ...]:
    digest = kept.frame.digest
    before = rows.last(connection, part, digest)
    if before is not None and rows.is_same(before, part.profiles[digest]):
        rows.again(connection, part, digest, before)  # the same rows another day prove nothing more
        return ()
    sizes, silent = relevance(contract, part.table)
    profile = part.profiles[digest]
    state = stored.read(DriftState, json.loads(before.state)) if before is not None else DriftState()
    watched = replace(kept.frame, columns=tuple(one for one in kept.frame.columns if one.name not in silent))
    batch = Dated(day=part.day, profile=profile)
    past = rows.history(connection, part, digest)
    newest = part.day.isoformat() >= rows.newest_day(connection, part.source, part.table, digest)
    after, drifts = judged(watched, kept.accepted, batch, past, state, sizes)
    found = _effects(kept.frame, profile, kept.accepted, sizes, silent, drifts)
    rows.keep(connection, part, digest, found, after if newest else state, drifted=bool(drifts))
    if not newest:
        return ()
    broken = tuple(
        Broken(clause=f"{SCOPE}{drift.column}", response=RESPONSE, words=found[drift.column]["words"])
        for drift in drifts
    )
    return _said(connection, boundary, contract, part, broken, kept)


def _effects(
    frame: Frame,
    profile: Profile,
    accepted: Profile,
    sizes: Mapping[str, Relevance],
    silent: Collection[str],
    drifts: Iterable[Drift],
) -> dict[str, Any]:
    """Return how far each column lies from the baseline, beside what matters and what was said of it."""
    said = {drift.column: drift for drift in drifts}
    found = {}
    for one in frame.columns:
        relevant = sizes.get(one.name, Relevance())
        drift = said.get(one.name)
        measured = effects(profile.column(one.name), accepted.column(one.name), numeric=one.numeric)
        found[one.name] = {
            "effects": [{**stored.plain(each), "matters": relevant.size(each.measure)} for each in measured],
            "level": drift.level if drift is not None else "",
            "words": _words(drift, frame, accepted, profile) if drift is not None else "",
            "watched": one.name not in silent,
        }
    return found


def _said(
    connection: Connection,
    boundary: Boundary,
    contract: Contract,
    part: Part,
    broken: tuple[Broken, ...],
    kept: Kept,
) -> tuple[Draft, ...]:
    """Write down what has drifted; return the entries about it."""
    before = rows.last(connection, part, kept.frame.digest)
    inside = f"{boundary.deployment.folder}/"
    found = Look(
        source=part.source,
        table=part.table,
        at=boundary.clock.now(),
        broken=tuple(
            replace(one, where=_where(contract, part.table, one.clause).removeprefix(inside))
            for one in broken
        ),
        scope=SCOPE,
    )
    drafts = told(connection, boundary, found, before.at if before is not None else kept.made_at)
    return (*drafts, *laid(connection, boundary))


def _words(drift: Drift, frame: Frame, accepted: Profile, profile: Profile) -> str:
    name = drift.column
    measures = {effect.measure for effect in drift.effects}
    plain = plainly(frame.column(name), accepted.column(name), profile.column(name), measures)
    return recordable(f"{name} has moved{drift.since}: {plain} ({drift.figures}).")


def _unknown(fault: str) -> Broken:
    words = f"Whether its values have moved is not known: {fault}."
    return Broken(clause=FAULT, response=RESPONSE, words=words)


def _where(contract: Contract, table: str, clause: str) -> str:
    promised = contract.table(table)
    column = promised.column(clause.removeprefix(SCOPE)) if promised is not None else None
    return column.where if column is not None else promised.where if promised is not None else contract.file
