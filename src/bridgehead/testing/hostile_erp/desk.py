"""One call after the other, with the fault that strikes it: from what was asked to what is answered.

Synchronous on purpose: a change is made between two moments at which a caller may leave, so a caller who
hangs up never leaves half of it behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridgehead.testing.hostile_erp.book import Book, Call, Rejected
from bridgehead.testing.hostile_erp.faults import KINDS, Faults, Mischief, Strike

CHANGES = ("post_order", "amend_posting", "cancel_posting")
READS = ("find_posting", "list_postings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer: ``value``, or ``refused`` in words where it was a business no."""

    value: Any = None
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """No proper answer: an HTTP ``status``, a broken connection, silence, or a new start of the process."""

    how: Literal["status", "drop", "hang", "restart"]
    status: int = 0


Result = Answered | Broken
_STATUS: Mapping[Mischief, int] = {"fails-before": 503, "applies-late": 504, "rate-limits": 429}


class Desk:
    """The operations of the system. Faults and seed are kept in its file, so that a new start keeps them."""

    def __init__(self, book: Book, faults: Faults, seed: int) -> None:
        self.book, self.faults, self.seed = book, faults, seed

    def change(self, operation: str, arguments: Mapping[str, str]) -> Result:
        """Post, amend or cancel. Nothing is raised: what goes wrong is part of the answer."""
        reference = arguments["reference"]
        strike = self._strike(operation, reference)
        more = {name: arguments.get(name, "") for name in ("customer", "amount", "key")}
        call = self.book.note(operation, reference, strike.kind or "", **more)
        try:
            return self._struck(call, strike)
        except Rejected as no:
            return Answered(refused=str(no))

    def read(self, operation: str, arguments: Mapping[str, Any]) -> Result:
        """Find or list postings."""
        reference = str(arguments.get("reference", ""))
        if self.faults.reads_fail:
            attempt = self.book.note(operation, reference, "").attempt
            if self.faults.read_fails(self.seed, operation, reference, attempt):
                return Broken(how="status", status=503)
        if operation == "find_posting":
            return Answered(value=self.book.find(reference))
        return Answered(value=self.book.listed(int(arguments.get("after", 0))))

    def _strike(self, operation: str, reference: str) -> Strike:
        planned = self.book.planned(reference)
        attempt = self.book.attempts(operation, reference) + 1
        drawn = self.faults.strike(self.seed, operation, reference, attempt)
        if not planned:
            return drawn
        name, _, when = planned.partition(":")
        kind = name if name in KINDS else None
        return Strike(kind=kind, after=when == "after", moment=drawn.moment)

    def _struck(self, call: Call, strike: Strike) -> Result:
        match strike.kind:
            case None:
                return Answered(value=self.book.apply(call))
            case "applies-twice":
                return Answered(value=self.book.apply(call, times=2 if call.operation == "post_order" else 1))
            case "rejects":
                return Answered(refused="The period is closed for this order.")
            case "loses-reply":
                self.book.apply(call)
                return Broken(how="drop")
            case "applies-late":
                span = self.faults.latest - self.faults.soonest
                self.book.apply_late(call, self.faults.soonest + strike.moment * span)
                return Broken(how="status", status=_STATUS["applies-late"])
            case "hangs" | "restarts":
                if strike.after:
                    self.book.apply(call)
                return Broken(how="hang" if strike.kind == "hangs" else "restart")
            case "fails-before" | "rate-limits":
                return Broken(how="status", status=_STATUS[strike.kind])
