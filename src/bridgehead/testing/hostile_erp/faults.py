"""Which fault strikes which call: decided by a seed, the reference and the attempt, never by timing.

The same seed strikes the same attempts at the same orders, in whatever order calls arrive and however often
the process is started again. So two ways of calling can be compared under the same faults.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

Mischief = Literal[
    "fails-before",
    "loses-reply",
    "applies-late",
    "applies-twice",
    "hangs",
    "restarts",
    "rate-limits",
    "rejects",
]
"""What may go wrong with a call that changes something.

``fails-before``: HTTP 503, nothing done. ``loses-reply``: done, and the connection breaks. ``applies-late``:
HTTP 504, done some time after. ``applies-twice``: done two times, answered once. ``hangs``: no answer ever,
done or not. ``restarts``: the process starts again, having done it or not. ``rate-limits``: HTTP 429, nothing
done. ``rejects``: a business no, nothing done.
"""
KINDS: tuple[Mischief, ...] = get_args(Mischief)
_STEPS = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What happens to one call. ``after``: where both are possible, the change is made first.

    ``moment`` in [0, 1) says where between the shortest and the longest delay a late change comes.
    """

    kind: Mischief | None = None
    after: bool = False
    moment: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often what goes wrong: shares of the calls, together at most 1.

    ``reads_fail`` is the share of questions that are answered with HTTP 503. Delays are in seconds: late
    changes come between ``soonest`` and ``latest`` after their call.
    """

    shares: Mapping[Mischief, float] = field(default_factory=dict)
    reads_fail: float = 0.0
    soonest: float = 0.05
    latest: float = 0.3

    def __post_init__(self) -> None:
        unknown = sorted(set(self.shares) - set(KINDS))
        if unknown:
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(KINDS)}")
        every = [*self.shares.values(), self.reads_fail]
        if any(not 0 <= share <= 1 for share in every) or sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError("shares are between 0 and 1, and together at most 1")
        if not 0 <= self.soonest <= self.latest:
            raise ValueError("the soonest delay is not negative and not above the latest")

    def strike(self, seed: int, operation: str, reference: str, attempt: int) -> Strike:
        """Return what happens to this attempt; always the same for the same arguments."""
        which, after, moment = _drawn(seed, operation, reference, attempt)
        for kind in KINDS:
            which -= self.shares.get(kind, 0.0)
            if which < 0:
                return Strike(kind=kind, after=after < 0.5, moment=moment)
        return Strike()

    def read_fails(self, seed: int, operation: str, reference: str, attempt: int) -> bool:
        """Return whether this question is answered with a fault."""
        return _drawn(seed, operation, reference, attempt)[0] < self.reads_fail

    @classmethod
    def parse(cls, text: str, *, soonest: float = 0.05, latest: float = 0.3) -> Faults:
        """Read ``loses-reply=12%,reads-fail=5%``, or the name of a mix. Raises ``ValueError`` in words."""
        if text in MIXES:
            return cls(shares=MIXES[text].shares, soonest=soonest, latest=latest)
        shares: dict[str, float] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, sign, share = part.partition("=")
            if not sign:
                raise ValueError(f"{part!r} is neither NAME=SHARE nor one of {', '.join(MIXES)}")
            shares[name.strip()] = _share(share.strip())
        reads = shares.pop("reads-fail", 0.0)
        known = cast("dict[Mischief, float]", shares)  # checked when it is made
        return cls(shares=known, reads_fail=reads, soonest=soonest, latest=latest)

    def text(self) -> str:
        """Return the shares as ``parse`` reads them."""
        shares: dict[str, float] = dict(self.shares.items())
        shares["reads-fail"] = self.reads_fail
        return ",".join(f"{name}={share:g}" for name, share in shares.items() if share)


def _share(text: str) -> float:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a share; write 12% or 0.12") from None


def _drawn(seed: int, operation: str, reference: str, attempt: int) -> tuple[float, float, float]:
    """Return three numbers in [0, 1) that depend on the arguments alone."""
    text = f"{seed}\0{operation}\0{reference}\0{attempt}".encode()
    found = hashlib.blake2b(text, digest_size=24).digest()
    first, second, third = (int.from_bytes(found[at : at + 8], "big") >> 11 for at in (0, 8, 16))
    return first / _STEPS, second / _STEPS, third / _STEPS


NONE = Faults()
CHAOS = Faults(shares={"fails-before": 0.08, "loses-reply": 0.12, "applies-late": 0.06})
"""The faults of a bad day with an old system: 26 of 100 calls."""
EVERYTHING = Faults(
    shares={
        "fails-before": 0.06,
        "loses-reply": 0.08,
        "applies-late": 0.05,
        "hangs": 0.02,
        "restarts": 0.02,
        "rate-limits": 0.02,
        "rejects": 0.01,
    }
)
"""All of them together, except the one no caller can prevent: a system that itself posts twice."""
MIXES: Mapping[str, Faults] = {"none": NONE, "chaos": CHAOS, "everything": EVERYTHING}
