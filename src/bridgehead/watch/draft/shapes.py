"""How the values of a column are written, as a regular expression: classes of characters and how many.

``35233`` is five digits, ``AL_PN-2`` capitals, ``_``, capitals, ``-``, digits. Values are told apart by their
runs of classes; the number of characters in a run is kept where it never differs.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bridgehead.watch.draft.sample import Sampled

MOST_SHAPES = 3
"""More kinds of writing than this are no pattern."""
LEAST_COVER = 0.9
"""Below it, what is left over is not the exception."""
RARE = 20
"""How many times rarer than the rarest kept shape what is left over must be, shape by shape."""
SAME_WORD = 20
"""So many values with one and the same word in a place, and the pattern names the word."""
MOST_RUNS = 12
LONGEST = 64

_CLASSES = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]", "L": "[A-Za-z]"}
_RUN = re.compile(r"[0-9]+|[A-Z]+|[a-z]+|[\s\S]")
_RUN_OF_LETTERS = re.compile(r"[0-9]+|[A-Za-z]+|[\s\S]")
_SPECIAL = set("\\^$.|?*+()[]{}/-")
Shape = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """``pattern`` covers ``support`` of the rows with a value; ``failing`` are places of other values."""

    pattern: str
    support: float
    failing: tuple[int, ...]


def written(column: Sampled, *, words: bool = True) -> Written | None:
    """Return the pattern most values keep; nothing where they are free text.

    Without ``words`` no letter of the data stands in it.
    """
    for run in (_RUN, _RUN_OF_LETTERS):
        found = _covering(column, run, words)
        if found is not None:
            return found
    return None


def _covering(column: Sampled, run: re.Pattern[str], words: bool) -> Written | None:
    by_shape: dict[Shape, list[int]] = defaultdict(list)
    for n, value in enumerate(column.values):
        by_shape[shape(value, run)].append(n)
    weight = Counter({one: int(column.counts[members].sum()) for one, members in by_shape.items()})
    ranked = weight.most_common()
    for most in range(1, MOST_SHAPES + 1):
        kept = [one for one, _ in ranked[:most]]
        covered = sum(weight[one] for one in kept)
        left = ranked[most][1] if len(ranked) > most else 0
        if covered >= LEAST_COVER * column.present and left * RARE <= ranked[most - 1][1]:
            if any(not one or len(one) > MOST_RUNS for one in kept) or not _says_something(kept):
                return None
            texts = [[column.values[n] for n in by_shape[one]] for one in kept]
            inside = {n for one in kept for n in by_shape[one]}
            failing = tuple(n for n in range(len(column.values)) if n not in inside)
            parts = [_expression(one, members, run, words) for one, members in zip(kept, texts, strict=True)]
            body = parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
            return Written(pattern=f"^{body}$", support=covered / column.present, failing=failing)
        if len(ranked) <= most:
            return None
    return None


def shape(text: str, run: re.Pattern[str] = _RUN) -> Shape:
    """Return the runs of a text: a class for digits and letters, anything else as itself."""
    if len(text) > LONGEST:
        return ()
    return tuple(_class(part, run) for part in run.findall(text))


def masked(text: str) -> str:
    """Return a text with every letter and digit hidden, so that only how it is written is left."""
    return "".join(
        "9" if one.isdigit() else "A" if one.isupper() else "a" if one.isalpha() else one for one in text
    )


def _class(part: str, run: re.Pattern[str]) -> str:
    first = part[0]
    if first.isascii() and first.isdigit():
        return "9"
    if first.isascii() and first.isalpha():
        return "L" if run is _RUN_OF_LETTERS else "A" if first.isupper() else "a"
    return "\x00" + first


def _says_something(kept: Sequence[Shape]) -> bool:
    """Say whether a pattern asks more than one word of letters would: a mark, digits, capitals only."""
    return any(len(one) > 1 or one[0] in ("9", "A") for one in kept) and not any(
        part.startswith("\x00") and not part[1].isascii() for one in kept for part in one
    )


def _expression(kind: Shape, members: Sequence[str], run: re.Pattern[str], words: bool) -> str:
    seen: list[set[str]] = [set() for _ in kind]
    for text in members:
        for n, part in enumerate(run.findall(text)):
            seen[n].add(part)
    least = SAME_WORD if words else len(members) + 1
    return "".join(_piece(part, texts, len(members), least) for part, texts in zip(kind, seen, strict=True))


def _piece(part: str, texts: set[str], members: int, least: int) -> str:
    if part.startswith("\x00"):
        letter = part[1]
        return f"\\{letter}" if letter in _SPECIAL else letter
    lengths = {len(one) for one in texts}
    if len(lengths) > 1 or members < 3:  # two values of one length say nothing about the third
        return _CLASSES[part] + "+"
    if len(texts) == 1 and members >= least and part != "9":
        return next(iter(texts))
    length = lengths.pop()
    return _CLASSES[part] + (f"{{{length}}}" if length > 1 else "")
