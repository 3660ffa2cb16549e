"""The ledger: one append-only log per deployment that a stranger can verify.

In: units of work, each some row changes and the entries that speak of them. Out: receipts, proofs,
signed checkpoints, an export, a verdict.
Never: decides anything, changes or reorders what was written, acknowledges what is not durable,
puts personal content anywhere but into an erasable body.

Names load on first use, so that ``record.verify`` runs with nothing but ``cryptography`` installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridgehead.record.keys import Keys
    from bridgehead.record.ledger import Ledger
    from bridgehead.record.unit import Receipt, Work

__all__ = ["Keys", "Ledger", "Receipt", "Work"]

_WHERE = {"Keys": "keys", "Ledger": "ledger", "Receipt": "unit", "Work": "unit"}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(name)
