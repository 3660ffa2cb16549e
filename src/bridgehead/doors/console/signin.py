"""Sign-in by one-time link, and the sessions it opens. Only hashes are stored.

A GET shows a page with a button; the POST behind it consumes the link. So a mail scanner that
fetches links signs nobody in and uses nothing up.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, insert, select, update

from bridgehead.assemble import House
from bridgehead.doors.console.problem import Problem, Stopped
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from bridgehead.store import Store
from bridgehead.store.tables import session, signin

LINK_MINUTES = 15
SESSION_HOURS = 12

SPENT = Problem(
    status=410,
    code="BH-DOO-002",
    what="This sign-in link cannot be used.",
    means="It was used before, its time has passed, or it was not copied in full.",
    fix="Ask the engineer who runs this console for a new one: `bridgehead sign-in PERSON`.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that is alive: which house it belongs to, and which person of its charter."""

    house: House
    person: str


def make_link(store: Store, person: str, clock: Clock, base_url: str, minutes: int = LINK_MINUTES) -> str:
    """Return a link that signs this person in once, within ``minutes``.

    The token is in the link only; the store keeps its SHA-256.
    """
    token = secrets.token_urlsafe(32)
    expires = stamp(clock.now() + timedelta(minutes=minutes))
    with store.writing() as connection:
        connection.execute(insert(signin).values(token_hash=_hash(token), person=person, expires_at=expires))
    return f"{base_url.rstrip('/')}/sign-in/{token}"


def whose(houses: Sequence[House], token: str) -> SignedIn:
    """Return whom a link would sign in, without using it. Raises ``Stopped`` (BH-DOO-002)."""
    for house in houses:
        with house.store.reading() as connection:
            row = connection.execute(select(signin).where(signin.c.token_hash == _hash(token))).first()
        if row is not None and row.used_at is None and row.expires_at > stamp(house.clock.now()):
            if _active(house, row.person):
                return SignedIn(house=house, person=row.person)
            break
    raise Stopped(SPENT)


def open_session(houses: Sequence[House], token: str) -> str:
    """Use a link up and return the secret of the session it opens; the opening is recorded.

    Raises ``Stopped`` (BH-DOO-002) when the link is spent: of two that arrive together, one wins.
    """
    found = whose(houses, token)
    secret = secrets.token_urlsafe(32)

    def work(connection: Connection) -> Work:
        now = found.house.clock.now()
        used = connection.execute(
            update(signin)
            .where(signin.c.token_hash == _hash(token), signin.c.used_at.is_(None))
            .values(used_at=stamp(now))
        )
        if used.rowcount != 1:
            raise Stopped(SPENT)
        connection.execute(
            insert(session).values(
                token_hash=_hash(secret),
                person=found.person,
                created_at=stamp(now),
                expires_at=stamp(now + timedelta(hours=SESSION_HOURS)),
            )
        )
        return Work(drafts=(Draft(kind="session.opened", actor=f"human:{found.person}"),))

    found.house.ledger.append(work)
    return secret


def who(houses: Sequence[House], secret: str) -> SignedIn | None:
    """Return whose session this is; None when it is unknown, ended, too old, or the person is inactive."""
    for house in houses:
        with house.store.reading() as connection:
            row = connection.execute(select(session).where(session.c.token_hash == _hash(secret))).first()
        if row is None:
            continue
        alive = row.ended_at is None and row.expires_at > stamp(house.clock.now())
        return SignedIn(house=house, person=row.person) if alive and _active(house, row.person) else None
    return None


def end_session(houses: Sequence[House], secret: str) -> None:
    """End a session; ending one that is not there changes nothing."""
    for house in houses:
        with house.store.writing() as connection:
            connection.execute(
                update(session)
                .where(session.c.token_hash == _hash(secret), session.c.ended_at.is_(None))
                .values(ended_at=stamp(house.clock.now()))
            )


def _active(house: House, person: str) -> bool:
    found = house.deployment.charter.people.get(person)
    return found is not None and found.active


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
