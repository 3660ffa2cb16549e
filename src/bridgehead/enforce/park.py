"""The signal that a run waits: for people, for a settle window, or for a stop to be lifted."""

from __future__ import annotations

from datetime import datetime


class Park(BaseException):
    """Ends the segment. Derives from ``BaseException`` so that ``except Exception`` in workflow code
    cannot swallow it; nothing else in Bridgehead does.

    ``waiting_for`` is an approval id, ``stop:ID``, ``settle:POSITION``, ``person:POSITION``, ``lane:NAME``,
    ``data:SOURCE.TABLE`` (it breaks its contract), ``undone:RUN`` (it is taken back), or ``undo:STEP`` in a
    run that takes others back; ``until`` is when to look again without being woken.
    """

    def __init__(self, waiting_for: str, *, until: datetime | None = None) -> None:
        super().__init__(waiting_for)
        self.waiting_for = waiting_for
        self.until = until
