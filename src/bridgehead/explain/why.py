"""Why it came out as it did: plain sentences about a run or one crossing, each resolving to entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridgehead.explain import words
from bridgehead.explain.story import Story
from bridgehead.explain.told import Told
from bridgehead.kernel.decision import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One statement and the entries it rests on. A statement without entries cannot be built.

    ``source`` is the rule it speaks of, with file and line; empty where it speaks of none.
    """

    words: str
    entries: tuple[int, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if not self.entries:
            raise ValueError(f"the statement {self.words!r} resolves to no entry")


def why(told: Story, position: str = "") -> tuple[Sentence, ...]:
    """Return why a run, or its crossing at ``position``, came out as it did.

    Model text is never given as a cause; what is said here follows from entries alone. An unknown
    position gives no sentence.
    """
    if position:
        return tuple(s for item in told.crossings if item.position == position for s in _crossing(item))
    return tuple(_run(told))


def _run(told: Story) -> Iterator[Sentence]:
    ends = (told.first_entry, told.last_entry)
    yield Sentence(words=told.sentence, entries=ends)
    by = (
        f"{told.run.agent}, acting on behalf of {told.run.on_behalf}"
        if told.run.on_behalf
        else told.run.agent
    )
    yield Sentence(words=f"It was carried out by {by}.", entries=(told.first_entry,))
    if told.stand_ins:
        yield Sentence(words="The agent was a stand-in, not a model.", entries=(told.first_entry,))
    for item in told.crossings:
        if item.entries and (item.state != "done" or (item.kind == "act" and item.effect != "read")):
            yield from _crossing(item)


def _rule(reason: Reason) -> str:
    """Return the rule by its name, with the file and line it stands in."""
    return ", ".join(part for part in (reason.rule, reason.source or "built in") if part)


def _crossing(item: Told) -> Iterator[Sentence]:
    if not item.entries:
        return
    amount = f" ({item.amount_words})" if item.amount_words and item.amount_words not in item.words else ""
    yield Sentence(words=f"{item.words}{amount}: {_became(item)}.", entries=item.entries)
    for reason in item.reasons if item.state == "refused" or item.asking else ():
        yield Sentence(words=f"Because: {reason.words}", entries=item.entries, source=_rule(reason))
    for read in item.reads:
        yield Sentence(words=read.words, entries=(read.entry,), source=read.where)
    for data in item.as_of:
        yield Sentence(words=data.words, entries=(data.entry,))
    for asking in item.asking:
        yield Sentence(
            words=f"{asking.who} was asked: {asking.words}{_took(asking.took)}.", entries=(asking.entry,)
        )
        for answer in asking.answers:
            entry = answer.entry if answer.entry is not None else asking.entry
            said = f"{answer.name} {answer.answer} at {words.moment(answer.at)}."
            yield Sentence(words=said, entries=(entry,))
    for each in item.taken_back:
        late = "" if each.in_time else ", after it was used"
        why = f", because: {each.reason}" if each.reason else ""
        said = f"{each.name} took the yes back at {words.moment(each.at)}{late}{why}."
        yield Sentence(words=said, entries=(each.entry,))
    for settling in item.settlings:
        why = f", because: {settling.reason}" if settling.reason else ""
        yield Sentence(words=f"{settling.name} said: {settling.said}{why}.", entries=(settling.entry,))
    if item.state == "unknown":
        yield Sentence(
            words="No clear answer came back. It is probed, and a person settles it; it is never guessed.",
            entries=item.entries,
        )


def _became(item: Told) -> str:
    """Return what was decided and what came of it, once each."""
    return item.decision if item.state in ("refused", "asked") else f"{item.decision}, {item.state_words}"


def _took(took: str) -> str:
    return f" after {took}" if took else ""
