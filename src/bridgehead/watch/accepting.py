"""The owner's word about batches: this slot is no more, those rows are as they should be, that one is lost.

Besides a change of the contract it is the only thing that makes a miss normal. It goes into the ledger under
a name, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from sqlalchemy import Connection

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import WatchError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.watch import kept, overdue
from bridgehead.watch.arrivals import accept, accept_volume, write_off
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.cadence import Promised

What = Literal["slot", "rows", "missed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What is accepted: a ``slot`` as gone, the ``rows`` of batches as they are now, or what is ``missed`` of
    a day, or altogether, as lost."""

    what: What
    slot: str = ""
    day: date | None = None


def accepted(boundary: Boundary, promised: Promised, what: Accepted, by: Principal, reason: str) -> str:
    """Accept it by name, with a reason; return in words what is so from now on.

    Raises ``WatchError`` (BH-WAT-112) where it is not for them to say, or there is nothing of the kind.
    """
    owner = boundary.directory().owner
    if by.id not in (owner.person, owner.deputy):
        raise _refused(f"{by.id} is not its owner", f"Ask {owner.person} or {owner.deputy}.")

    def work(connection: Connection) -> Work:
        feed = kept.state(connection, promised.source, promised.table)
        try:
            changed, words = _changed(boundary, feed, what, by, reason)
        except ValueError as error:
            fix = "`bridgehead watch arrivals` says what is expected and missed."
            raise _refused(str(error), fix) from error
        body = {"words": words, "reason": reason, "assurance": by.assurance}
        said = Draft(
            kind="arrivals.accepted",
            actor=by.label(),
            fields={"note": f"data:{promised.feed}"},
            body=body,
        )
        drafts = overdue.looked(connection, boundary, promised, changed)
        return Work(drafts=(said, *drafts), value=words)

    words: str = boundary.ledger.append(work).value
    return words


def _changed(boundary: Boundary, feed: Feed, what: Accepted, by: Principal, reason: str) -> tuple[Feed, str]:
    does: dict[What, Callable[[], tuple[Feed, str]]] = {
        "slot": lambda: (
            accept(feed, what.slot, by=by.id, at=boundary.clock.now(), why=reason),
            f"Batches of {feed.feed} are no longer expected at {what.slot}.",
        ),
        "rows": lambda: (
            replace(accept_volume(feed, by=by.id, why=reason), short=""),
            f"How many rows batches of {feed.feed} have is learned anew.",
        ),
        "missed": lambda: (
            write_off(feed, what.day, by=by.id, why=reason),
            f"What is missed of {feed.feed}{f' of {what.day}' if what.day else ''} is no longer awaited.",
        ),
    }
    return does[what.what]()


def _refused(why: str, fix: str) -> WatchError:
    return WatchError("BH-WAT-112", f"it is not accepted: {why}", means="Nothing was changed.", fix=fix)
