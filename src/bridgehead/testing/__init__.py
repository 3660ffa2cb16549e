"""Fakes and contract suites for people who write drivers or test deployments.

In: what a fake shall do. Out: drivers that behave so, a fake model endpoint, and a suite that every
driver passes. Never: part of a running deployment; a fake that fails the suite does not exist.
"""

from bridgehead.testing.contract import DriverContract
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
    "Refusal",
    "Refuses",
    "ScriptedDriver",
    "ScriptedModel",
]
