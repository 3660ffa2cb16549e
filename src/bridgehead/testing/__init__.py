"""Fakes, contract suites and a hostile peer for people who write drivers or test deployments.

In: what a fake shall do. Out: drivers that behave so, a fake model endpoint, an order system that fails as
old ones do (``hostile_erp``), and a suite that every driver passes. Never: part of a running deployment; a
fake that fails the suite does not exist.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridgehead.testing.contract import DriverContract
    from bridgehead.testing.hostile_erp import HostileErp
    from bridgehead.testing.model_endpoint import FakeOpenAI
    from bridgehead.testing.scripted import (
        Answers,
        Call,
        Fails,
        Hangs,
        Refusal,
        Refuses,
        ScriptedDriver,
        ScriptedModel,
    )

__all__ = [
    "Answers",
    "Call",
    "DriverContract",
    "Fails",
    "FakeOpenAI",
    "Hangs",
    "HostileErp",
    "Refusal",
    "Refuses",
    "ScriptedDriver",
    "ScriptedModel",
]
_FILES = {"DriverContract": "contract", "FakeOpenAI": "model_endpoint", "HostileErp": "hostile_erp"}


def __getattr__(name: str) -> Any:
    """Load what is asked for: the hostile system starts often, and needs nothing of the rest."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES.get(name, 'scripted')}"), name)
