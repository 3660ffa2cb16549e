"""Is the accuracy below its floor? An alarm that may be asked after every label and keeps its error rate.

A test by betting (Waudby-Smith and Ramdas 2024, *Estimating means of bounded random variables by betting*):
under "the error rate is at most ``e``" each of 19 bets is a nonnegative supermartingale, and so is their
mean. By Ville's inequality it ever reaches ``1/alpha`` with a probability of at most ``alpha``. Only items
drawn at random feed it: one that was picked for being doubtful would break that.

A bet that was lost for long, while all was well, has little left to win with. So only four fifths of the
stake are laid at the first label, and of the rest some more every ``BLOCK`` labels: the whole is still worth
1 at the start, and a fall after 400 good labels is proved by a median of 45 instead of 156.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bridgehead.kernel.errors import WatchError

BETS = tuple(number / 20 for number in range(1, 20))
_BOLDNESS = 0.9
"""Of the largest bet that cannot lose everything."""
FIRST = 0.8
"""The part of the stake that is laid at the first label."""
BLOCK = 20
"""Labels after which more is laid: the ``k``-th time ``(1 - FIRST) / (k (k - 1))``, all of it in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm's state. ``floor`` is the least accuracy promised, ``alpha`` how often it may alarm wrongly,
    ever.

    ``logs`` are the logarithms of what each bet has come to, of 19 equal ones; kept as they are, a replay is
    equal to the bit.
    ``raised_at`` is the number of the label at which it was raised; 0: it was not.
    """

    floor: float
    alpha: float = 0.01
    logs: tuple[float, ...] = (math.log(FIRST),) * len(BETS)
    labels: int = 0
    wrong: int = 0
    raised_at: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.floor < 1 and 0 < self.alpha < 1 and len(self.logs) == len(BETS)):
            raise WatchError(
                "BH-WAT-070",
                f"no alarm can be had at a floor of {self.floor} and an error rate of {self.alpha}",
                means="Nothing is watched by it.",
                fix="Both lie between 0 and 1, such as 0.9 and 0.01.",
            )

    @property
    def evidence(self) -> float:
        """How much the labels speak against the floor: 1 is nothing, ``1/alpha`` raises the alarm."""
        return math.exp(_mean(self.logs)) + self._not_laid

    @property
    def _not_laid(self) -> float:
        return (1 - FIRST) / (self.labels // BLOCK + 1)

    @property
    def raised(self) -> bool:
        """Say whether it was ever raised. It stays so until a new release begins another."""
        return self.raised_at > 0


def heard(alarm: Alarm, *, wrong: bool) -> Alarm:
    """Return the alarm after one more label of an item drawn at random."""
    labels = alarm.labels + 1
    logs = tuple(log + gain for log, gain in zip(alarm.logs, _gains(alarm.floor, wrong=wrong), strict=True))
    after = replace(alarm, logs=_laid(logs, labels), labels=labels, wrong=alarm.wrong + wrong)
    raised = not alarm.raised and after.evidence >= 1 / alarm.alpha
    return replace(after, raised_at=labels) if raised else after


def _laid(logs: tuple[float, ...], labels: int) -> tuple[float, ...]:
    """Return what the bets have come to once more was laid, where it is time to."""
    if labels % BLOCK:
        return logs
    times = labels // BLOCK + 1
    more = math.log((1 - FIRST) / (times * (times - 1)))
    return tuple(_sum((log, more)) for log in logs)


def began(alarm: Alarm, labels: Sequence[bool]) -> int:
    """Return from which of the labels (``True``: wrong) on they speak loudest against the floor, from 0.

    An estimate of when it changed, not a test.
    """
    best, at = -math.inf, 0
    for start in range(len(labels)):
        evidence = _mean(_summed(alarm.floor, labels[start:]))
        if evidence > best:
            best, at = evidence, start
    return at


def _summed(floor: float, labels: Iterable[bool]) -> tuple[float, ...]:
    logs = (0.0,) * len(BETS)
    for wrong in labels:
        logs = tuple(log + gain for log, gain in zip(logs, _gains(floor, wrong=wrong), strict=True))
    return logs


def _gains(floor: float, *, wrong: bool) -> tuple[float, ...]:
    """Return the logarithm of what each bet is multiplied by: ``1 + 0.9 b (x - e) / e``, always above 0."""
    error = 1 - floor
    stake = ((1.0 if wrong else 0.0) - error) / error
    return tuple(math.log1p(_BOLDNESS * bet * stake) for bet in BETS)


def _mean(logs: Sequence[float]) -> float:
    return _sum(logs) - math.log(len(logs))


def _sum(logs: Sequence[float]) -> float:
    """Return the logarithm of the sum, without leaving the range of a float."""
    most = max(logs)
    return most + math.log(sum(math.exp(log - most) for log in logs))
