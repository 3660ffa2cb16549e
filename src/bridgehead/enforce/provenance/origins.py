"""The origins of a run: which values it has seen, where, and what they are worth.

Built from the run's words and results in the order of its journal, by no clock and no chance: the same
journal gives the same index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bridgehead.enforce.provenance import kinds
from bridgehead.enforce.provenance.leaves import Integrity, Leaf, Record, Seen, tags_of, taken_apart
from bridgehead.enforce.provenance.words import SHORTEST, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What stands behind a value: the crossing at ``position``, and the ``path`` in its answer."""

    integrity: Integrity
    source: str
    position: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A value people were asked about in this run: as which argument, and of a text that leaves, to whom.

    ``action`` is what they were asked about; a yes is to the value, a no is to the value in that action.
    """

    action: str
    argument: str
    value: Any
    to: Any = None


class Origins:
    """Every value a run has seen.

    ``agreed`` are values a person endorsed in this run, ``denied`` those people said no to, by question.
    """

    def __init__(
        self,
        words: Words,
        seen: Iterable[Seen],
        agreed: Sequence[Answered] = (),
        denied: Sequence[Sequence[Answered]] = (),
    ) -> None:
        self.words = words
        self._agreed = agreed
        self._denied = denied
        self._leaves: list[Leaf] = []
        self._records: list[Record] = []
        self._single: set[str] = set()
        self.tags: dict[str, str] = {}
        for result in seen:
            leaves, records = taken_apart(result)
            self._leaves += leaves
            self._records += records
            if self._asked_for(result) and _one(result.value):
                self._single.add(result.position)
            for tag in sorted(tags_of(result)):
                self.tags.setdefault(tag, result.target)
        self._by_kind: dict[str, dict[str, list[Leaf]]] = {}

    def agreed(self, argument: str, kind: str, value: Any, to: Any = None) -> bool:
        """Say whether a person endorsed a value in this run, as this argument; a text, to whom it goes."""
        wanted = kinds.same(kind, value)
        return wanted is not None and any(
            known.argument == argument and known.to == to and kinds.same(kind, known.value) == wanted
            for known in self._agreed
        )

    def denied(self, action: str, wanted: Sequence[tuple[str, Any]]) -> bool:
        """Say whether people have said no to these values of this action: to no less than all of them."""
        return bool(wanted) and any(
            all(
                any((no.action, no.argument) == (action, argument) and _alike(no.value, value) for no in noes)
                for argument, value in wanted
            )
            for noes in self._denied
        )

    def spelt(self, value: str) -> bool:
        """Say whether a text was seen exactly as it is written: said, in a record, or agreed to."""
        return (
            self.words.spell(value)
            or any(leaf.integrity == "record" and leaf.value == value for leaf in self._leaves)
            or any(known.value == value for known in self._agreed)
        )

    def like(self, value: str) -> str:
        """Return a trusted value of the same kind that a reader could take for this one, to tell people."""
        kind = next((kind for kind in ("uri", "iban") if kinds.same(kind, value)), "email")
        if kind == "email" and "@" not in value:
            return ""
        known = {str(leaf.value) for leaf in self._leaves if leaf.integrity == "record"} | self.words.known(
            kind
        )
        near = get_close_matches(value, sorted(text for text in known if text != value), n=1, cutoff=0.85)
        return near[0] if near else ""

    def record(self, kind: str, value: Any, field: str) -> Origin | None:
        """Return the record whose field equals a value: ``ACTION.FIELD``, ``ACTION`` or ``*``."""
        return next((_origin(leaf) for leaf in self._equal(kind, value) if _fits(leaf, field)), None)

    def named(self, kind: str, value: Any, field: str) -> Origin | None:
        """Return the record whose field equals a value, where the user named that record.

        Records of one name that differ there are a choice, and the choice would be the model's.
        """
        for leaf in self._equal(kind, value):
            if _fits(leaf, field) and self._one_choice(kind, leaf):
                return _origin(leaf)
        return None

    def found(self, kind: str, value: Any, field: str) -> Origin | None:
        """Return the record whose field equals a value, where a look-up by the user's words gave it alone."""
        return next(
            (
                _origin(leaf)
                for leaf in self._equal(kind, value)
                if _fits(leaf, field) and leaf.position in self._single and self._only(kind, leaf)
            ),
            None,
        )

    def confidential(self, text: str) -> Iterator[Leaf]:
        """Yield the tagged values a text carries as they are, spacing and case apart."""
        plain = _squeezed(text)
        for leaf in self._leaves:
            secret = _squeezed(str(leaf.value)) if leaf.tags else ""
            if len(secret) >= 4 and secret in plain:
                yield leaf

    def traced(self, value: Any) -> Origin | None:
        """Return where a value was seen, to tell people. It endorses nothing: text is searched here."""
        text = kinds.folded(str(value)).casefold()
        best = [leaf for leaf in self._leaves if kinds.folded(str(leaf.value)).casefold() == text]
        if len(text) >= SHORTEST:
            best += [leaf for leaf in self._leaves if text in kinds.folded(str(leaf.value)).casefold()]
        outside = [leaf for leaf in best if leaf.integrity != "model"]
        return _origin(outside[0]) if outside else None

    def _equal(self, kind: str, value: Any) -> Iterator[Leaf]:
        wanted = kinds.same(kind, value)
        if wanted is not None:
            yield from (leaf for leaf in self._of(kind).get(wanted, ()) if leaf.integrity == "record")

    def _of(self, kind: str) -> Mapping[str, list[Leaf]]:
        if kind not in self._by_kind:
            found: dict[str, list[Leaf]] = {}
            for leaf in self._leaves:
                form = kinds.same(kind, leaf.value)
                if form is not None:
                    found.setdefault(form, []).append(leaf)
            self._by_kind[kind] = found
        return self._by_kind[kind]

    def _asked_for(self, seen: Seen) -> bool:
        """Say whether the user's words name everything a look-up was made with."""
        given = [value for value in seen.arguments.values() if value not in (None, "", [], {})]
        return bool(given) and all(self.words.name(kinds.kind_of({}, value), value) for value in given)

    def _one_choice(self, kind: str, leaf: Leaf) -> bool:
        """Say whether the user named the record of a value, and all they named so have the same there."""
        return any(
            leaf.record in called and len({self._values(kind, record, leaf) for record in called}) == 1
            for called in self._called(leaf.target)
        )

    def _only(self, kind: str, like: Leaf) -> bool:
        """Say whether a result holds one value at the place of this one: of several, a model would choose."""
        return (
            len(
                {
                    kinds.same(kind, leaf.value)
                    for leaf in self._leaves
                    if (leaf.position, leaf.path) == (like.position, like.path)
                }
            )
            == 1
        )

    def _values(self, kind: str, record: str, like: Leaf) -> frozenset[str | None]:
        return frozenset(
            kinds.same(kind, leaf.value)
            for leaf in self._leaves
            if leaf.record == record and leaf.path == like.path
        )

    def _called(self, target: str) -> list[set[str]]:
        """Return the records of an action's results that the user named: a set for each name."""
        by_name: dict[str, set[str]] = {}
        for record in self._records:
            if record.target == target:
                for name in record.names:
                    if self.words.name("filename", name):
                        by_name.setdefault(kinds.folded(name).casefold(), set()).add(record.id)
        return list(by_name.values())


def _alike(one: Any, other: Any) -> bool:
    return kinds.folded(str(one)).casefold() == kinds.folded(str(other)).casefold()


def _one(value: Any) -> bool:
    """Say whether an answer is one record: an object, or a list with nothing else in it."""
    return isinstance(value, Mapping) or (isinstance(value, list | tuple) and len(value) == 1)


def _fits(leaf: Leaf, field: str) -> bool:
    return field in ("*", leaf.target, leaf.field)


def _origin(leaf: Leaf) -> Origin:
    return Origin(integrity=leaf.integrity, source=leaf.field, position=leaf.position, path=leaf.path)


def _squeezed(text: str) -> str:
    return "".join(letter for letter in kinds.folded(text).casefold() if letter.isalnum())
