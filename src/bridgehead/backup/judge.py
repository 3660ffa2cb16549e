"""Is this the ledger that was backed up, and is it the whole of what somebody else has seen?

Everything is decided by ``record.verify``; this tells a ledger that was changed from one that is merely older
than a checkpoint somebody holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridgehead.kernel.errors import ConfigError
from bridgehead.record.verify import Report, Unreadable, read_note, read_vkey

Verify = Callable[[str, Sequence[str]], Report]
"""Verifies the ledger of a backup with a verifier key and checkpoint notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What to judge a backup by: checkpoint notes kept elsewhere, the verifier key's text where the
    operator has one of their own, and whether a loss that is known is accepted."""

    kept: Sequence[str] = ()
    vkey: str = ""
    accept_loss: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A ledger that holds. ``lost`` is how many entries a checkpoint held elsewhere counts beyond it."""

    report: Report
    lost: int


def judge(verify: Verify, vkey: str, own: str, evidence: Evidence) -> Verdict:
    """Verify with the backup's ``own`` checkpoint and those kept elsewhere.

    Raises ``ConfigError``: BH-BAK-004 the ledger does not hold, BH-BAK-005 somebody holds a checkpoint of
    more entries than it has, and that was not accepted.
    """
    notes, key = [own, *evidence.kept], evidence.vkey or vkey
    try:
        report = verify(key, notes)
        newest = max(read_note(note, read_vkey(key)).size for note in notes)
        newer = [note for note in notes if read_note(note, None).size > report.size]
    except Unreadable as error:
        raise _does_not_hold(str(error)) from error
    beyond = [problem for problem in report.problems if problem.kind == "truncated"]
    if report.problem_count > len(beyond) or len(beyond) > len(newer):
        first = next((p for p in report.problems if p.kind != "truncated"), report.first)
        raise _does_not_hold(first.words if first else "unknown")
    lost = max(newest - report.size, 0)
    if lost and not evidence.accept_loss:
        raise ConfigError(
            "BH-BAK-005",
            f"somebody holds a checkpoint of {newest} entries; this backup ends after {report.size}",
            means=f"{lost} entries are not in it: effects since then are unknown, and its log will never "
            "again agree with that checkpoint. Nothing was restored.",
            fix="Look for a newer backup. If there is none: --accept-loss, and look at the other systems.",
        )
    return Verdict(report=report, lost=lost)


def _does_not_hold(words: str) -> ConfigError:
    return ConfigError(
        "BH-BAK-004",
        f"the ledger in this backup does not verify: {words}",
        means="Somebody or something changed it, or it belongs to another key. It is not restored.",
        fix="Use another backup, and keep this one as it is for the inquiry.",
    )
