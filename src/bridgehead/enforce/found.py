"""What a probe's answer means. Pure: an answer and what else is on record go in, a verdict comes out.

A probe that asks for our key sees one effect. One that asks for something else (a reference of the case,
an amount) sees every effect like it, so its answer is weighed against the equal effects on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["landed", "absent", "duplicate", "ambiguous"]
Surprise = Literal["zombie", "gone", "duplicate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equals:
    """Other effects that the probe cannot tell from this one: done, and not known yet."""

    done: int = 0
    unclear: int = 0


ALONE = Equals()


def verdict(answer: bool | int, others: Equals = ALONE) -> Verdict:
    """Return what an answer (yes, no, or how many) says about one unclear effect.

    ``absent`` still has to be proof: that is for the probe's strength to say.
    """
    if answer is False:
        return "absent"
    if answer is True:  # at least one is there; whose it is can only be told when nobody else's can be
        return "ambiguous" if others.done or others.unclear else "landed"
    if answer > others.done + others.unclear + 1:
        return "duplicate"
    if answer == others.done + others.unclear + 1:
        return "landed"
    if answer == others.done:
        return "absent"
    return "ambiguous"


def answered(answer: bool | int | None) -> tuple[str, ...]:
    """Return the kinds of incidents that a probe's answer closes when it settles an effect. Whether there is
    more than one, a count alone tells; an answer that came late is for a person, whatever a probe says."""
    return ("unknown",) if answer is None or isinstance(answer, bool) else ("unknown", "duplicate")


def surprise(answer: bool | int, *, happened: bool, others: Equals = ALONE) -> Surprise | None:
    """Return what is not as recorded of an effect that ended, or None where all is in order.

    ``happened`` is what the record says. One that cannot be told from others is no surprise.
    """
    least = others.done + happened
    most = least + others.unclear
    if answer is True:
        return None if most else "zombie"
    count = int(answer)
    if count > most:
        return "duplicate" if happened or count > most + 1 else "zombie"
    return "gone" if count < least and happened else None
