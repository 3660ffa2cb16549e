"""What is known about one call's bytes, told by the transports to the client that waits.

The SDK reports a lost connection in the same way before and after sending. The difference decides
whether an effect is ``none`` or ``unknown``, so the transports say it here.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Sending:
    """One call on its way. ``started``: some of its bytes may have reached the other side.

    ``why`` says in words what the transport saw; ``list_again`` that the other side may be another
    one by now, so its tools must be compared before the next call.
    """

    started: bool = False
    why: str = ""
    list_again: bool = False


SENDING: ContextVar[Sending | None] = ContextVar("bridgehead_sending", default=None)
"""The call being made in this context; the SDK carries the context into its sending tasks."""
