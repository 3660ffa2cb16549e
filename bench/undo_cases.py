"""The effects of a release that is taken back, one after the other in fixed shares, and who changes what of
it meanwhile.

Of 25: nine amendments, two second amendments of the same records, seven orders, two orders for later (what
cancels those is agreed to by itself), three that are paid and so final, one posted blindly, one the order
system refuses.
"""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from bridgehead.testing import HostileErp

Kind = Literal["amend", "again", "order", "later", "pay", "blind", "rejected"]
SHARES: tuple[tuple[Kind, int], ...] = (
    ("amend", 9),
    ("again", 2),
    ("order", 7),
    ("later", 2),
    ("pay", 3),
    ("blind", 1),
    ("rejected", 1),
)
OF: tuple[Kind, ...] = tuple(kind for kind, share in SHARES for _ in range(share))
ACTIONS: Mapping[Kind, str] = {
    "amend": "amend",
    "again": "amend",
    "order": "post_order",
    "later": "post_for_later",
    "pay": "post_and_pay",
    "blind": "post_blind",
    "rejected": "post_order",
}
BEFORE, MEANWHILE = 0.05, 0.10
"""Shares of the effects whose records others change before the undo is ordered, and while it goes."""
OTHERS, THERE_ALREADY = "others", "there already"
"""The keys of calls that are not the release's: by others, and what stood there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One effect of the release. ``account`` is the customer's, under which a credit note is posted."""

    kind: Kind
    reference: str
    account: str
    amount: str

    def as_input(self) -> dict[str, Any]:
        """Return it as the workflow gets it."""
        arguments = {"reference": self.reference, "amount": self.amount}
        if ACTIONS[self.kind] != "amend":
            arguments["customer"] = self.account
        return {"action": ACTIONS[self.kind], "arguments": arguments}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The effects, and the references that others change before the undo and while it goes."""

    effects: Sequence[Wanted]
    before: Sequence[str]
    meanwhile: Sequence[str] = field(default=())

    def waves(self) -> Iterator[list[Wanted]]:
        """Yield what is done first, and what is done to the same records after that."""
        yield [one for one in self.effects if one.kind != "again"]
        yield [one for one in self.effects if one.kind == "again"]

    def kind_of(self, reference: str) -> Kind:
        """Return the kind of the first effect on a record."""
        return next(one.kind for one in self.effects if one.reference == reference)


def cases(effects: int, seed: int) -> Cases:
    """Return the effects of a seed."""
    made = [_wanted(number, OF[number % len(OF)], seed) for number in range(effects)]
    changeable = sorted({one.reference for one in made if one.kind in ("amend", "order", "later")})
    random.Random(seed).shuffle(changeable)
    first, then = round(effects * BEFORE), round(effects * MEANWHILE)
    return Cases(effects=made, before=changeable[:first], meanwhile=changeable[first : first + then])


def _wanted(number: int, kind: Kind, seed: int) -> Wanted:
    of = number - OF.index("again") if kind == "again" else number  # the records of the first amendments
    amount = "0.00" if kind == "rejected" else f"{number + 1}.50"
    return Wanted(kind=kind, reference=f"u{seed}-{of:05d}", account=f"c{seed}-{of:05d}", amount=amount)


def stand_there(erp: HostileErp, found: Cases) -> None:
    """Post what the release is going to amend."""
    for one in found.effects:
        if one.kind == "amend":
            posting = {"reference": one.reference, "customer": one.account, "amount": "100.00"}
            _call(erp, "", posting, THERE_ALREADY)


def changed_by_others(erp: HostileErp, found: Cases, reference: str) -> None:
    """Let somebody else change a record: amend it, cancel it, or cancel it and post another in its place.

    Nothing is changed where nothing stands: the order system had refused it.
    """
    place = f"/{quote(reference)}"
    kind = found.kind_of(reference)
    erp.next(reference, ["none"])
    if kind == "amend":
        _call(erp, f"{place}/amend", {"amount": "77.77"}, OTHERS)
        return
    if _call(erp, f"{place}/cancel", {}, OTHERS) and kind == "later":
        erp.next(reference, ["none"])
        _call(erp, "", {"reference": reference, "customer": "somebody else", "amount": "55.55"}, OTHERS)


def _call(erp: HostileErp, place: str, values: Mapping[str, str], key: str) -> bool:
    """Make a call that no fault strikes; return whether the order system did it. It said no otherwise."""
    line = http.client.HTTPConnection(erp.url.removeprefix("http://"), timeout=20)
    try:
        line.request("POST", f"/postings{place}", json.dumps(values), {"Idempotency-Key": key})
        answer = line.getresponse()
        told = answer.read()
    finally:
        line.close()
    if answer.status not in (200, 201, 422):
        raise RuntimeError(f"others could not change it: {answer.status} {told.decode()}")
    return answer.status != 422
