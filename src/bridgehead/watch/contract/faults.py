"""Everything that is wrong with a contract at once, each with its file, its line and its fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bridgehead.declare.lines import Lines, Place
from bridgehead.kernel.errors import WatchError


class ContractErrors(WatchError):
    """A contract that cannot be used. ``errors`` holds one ``WatchError`` for each thing to repair.

    With one error its code, words and place are that error's own; with several the code is BH-WAT-020.
    """

    def __init__(self, errors: Iterable[WatchError]) -> None:
        self.errors: tuple[WatchError, ...] = tuple(sorted(errors, key=_by_place))
        first = self.errors[0]
        if len(self.errors) == 1:
            super().__init__(first.code, first.what, means=first.means, fix=first.fix, where=first.where)
        else:
            super().__init__(
                "BH-WAT-020",
                f"the contract has {len(self.errors)} errors",
                means="Nothing was checked; data it is for count as not checked.",
                fix="Repair each of them.",
            )

    def __str__(self) -> str:
        if len(self.errors) == 1:
            return super().__str__()
        return "\n".join([super().__str__(), *(str(error) for error in self.errors)])


@dataclass(slots=True)
class Found:
    """What is wrong so far, and how places become ``file:line``."""

    lines: Lines
    errors: list[WatchError] = field(default_factory=list)

    def wrong(self, code: str, what: str, *place: str | int, means: str = "", fix: str = "") -> None:
        """Note one error. Two of the same code at one place are one."""
        error = WatchError(code, what, means=means, fix=fix, where=self.where(*place))
        if all((one.code, one.what, one.where) != (code, what, error.where) for one in self.errors):
            self.errors.append(error)

    def where(self, *place: str | int) -> str:
        """Return ``file:line`` of a place."""
        return self.lines.where(*place)


def dotted(place: Place) -> str:
    """Return a place as people write it: ``schema[0].properties[2].required``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.lstrip(".") or "the contract"


def _by_place(error: WatchError) -> tuple[str, int, str]:
    file, _, line = error.where.rpartition(":")
    return (file or error.where, int(line) if line.isdecimal() else 0, error.code)
