"""Something a check or a watch found, with the fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["block", "warn", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. ``block`` stops a release; ``where`` is ``file:line`` when there is one."""

    rule: str
    severity: Severity
    words: str
    fix: str
    where: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the finding as plain strings, for ``--json``."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "words": self.words,
            "fix": self.fix,
            "where": self.where,
        }
