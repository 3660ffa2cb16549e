"""Every error of a charter at once, each with its file, its line and its fix.

::

    try:
        deployment = load(folder)
    except CharterErrors as broken:
        for error in broken.errors:
            print(error.where, error.what, error.fix)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from bridgehead.kernel.errors import CharterError


class CharterErrors(CharterError):
    """A charter that cannot be used. ``errors`` holds one ``CharterError`` for each thing to repair.

    With one error its code, words and place are that error's own; with several the code is BH-CHA-001.
    """

    def __init__(self, errors: Iterable[CharterError]) -> None:
        self.errors: tuple[CharterError, ...] = tuple(sorted(errors, key=_by_place))
        first = self.errors[0]
        if len(self.errors) == 1:
            super().__init__(first.code, first.what, means=first.means, fix=first.fix, where=first.where)
        else:
            super().__init__(
                "BH-CHA-001",
                f"the charter has {len(self.errors)} errors",
                means="The deployment is not loaded; nothing was run or changed.",
                fix="Repair each of them; `bridgehead check` lists them.",
            )

    def __str__(self) -> str:
        if len(self.errors) == 1:
            return super().__str__()
        return "\n".join([super().__str__(), *(str(error) for error in self.errors)])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``Did you mean `x`?`` for the nearest known word, or the words there are."""
    choices = sorted(known)
    near = get_close_matches(word, choices, n=1, cutoff=0.5)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"Known here: {_listed(choices)}." if choices else "None is declared here."


def _listed(choices: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(f"`{choice}`" for choice in choices[:most])
    return f"{shown} and {len(choices) - most} more" if len(choices) > most else shown


def _by_place(error: CharterError) -> tuple[str, int, str]:
    file, _, line = error.where.rpartition(":")
    return (file or error.where, int(line) if line.isdecimal() else 0, error.code)
