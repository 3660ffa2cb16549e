"""What the rules need to know beyond the arguments: facts, read through the boundary just before
the decision and computed by a pure function of the deployment's folder.

Every read is a crossing of its own, so it is decided, recorded and confined like any other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from bridgehead.declare.model import ActionRule, FactRead, Facts
from bridgehead.enforce import arguments, endorse
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.provenance.values import Value
from bridgehead.kernel.action import Action
from bridgehead.kernel.canonical import encode
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.outcome import Done, Failed, Outcome, Refused

Perform = Callable[[Boundary, Crossing], Awaitable[Outcome]]

STEP = 2
MAX_READS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Facts of one decision, and the records they were computed from.

    ``amount`` and ``currency`` are empty where the action moves no money. ``as_of`` is when the
    last record was read (RFC 3339). ``values`` are the arguments' values that need an origin, with the one
    each has; they follow from the arguments and the run's journal, so an approval binds to them by binding
    to the arguments. ``sick`` names the broken clauses that leave it to a person (``health``).
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    reads: Mapping[str, Any] = field(default_factory=dict)
    amount: Decimal | None = None
    currency: str = ""
    as_of: str = ""
    values: tuple[Value, ...] = ()
    sick: tuple[str, ...] = ()

    @property
    def unendorsed(self) -> tuple[Value, ...]:
        """Return the values of the arguments that nothing stands behind."""
        return tuple(value for value in self.values if not value.endorsed)

    @property
    def amount_text(self) -> str:
        """The amount as rows hold it: decimal text, or empty."""
        return "" if self.amount is None else f"{self.amount.normalize():f}"

    def for_digest(self) -> Any:
        """Return what an approval binds to: the facts and the amount, not when they were read; and what is
        sick of the data it rests on."""
        found = {"facts": dict(self.facts), "amount": self.amount, "currency": self.currency}
        return encode(found | {"sick": list(self.sick)} if self.sick else found)


async def gather(boundary: Boundary, crossing: Crossing, perform: Perform) -> Evidence | Refuse:
    """Read what the action's facts declare and compute them, or refuse in words."""
    rule = crossing.rule(boundary)
    if rule is None:
        return Evidence()
    misfit = arguments.problem(rule, crossing.action.arguments)
    if misfit:
        return _refuse(boundary, crossing, "arguments", f"The arguments do not fit: {misfit}.", "arguments")
    if rule.facts is None:
        return _traced(boundary, crossing, _with_amount(boundary, crossing, rule, {}, {}))
    reads = await _read(boundary, crossing, rule.facts, perform)
    if isinstance(reads, Refuse):
        return reads
    facts = _compute(boundary, crossing, rule.facts, reads)
    if isinstance(facts, Refuse):
        return facts
    return _traced(boundary, crossing, _with_amount(boundary, crossing, rule, facts, reads))


def _traced(boundary: Boundary, crossing: Crossing, found: Evidence | Refuse) -> Evidence | Refuse:
    if isinstance(found, Refuse):
        return found
    return replace(found, values=endorse.traced(boundary, crossing))


def without_looking(boundary: Boundary, crossing: Crossing) -> Evidence:
    """Return what the arguments alone say: the amount, where they name it. No facts."""
    rule = crossing.rule(boundary)
    if rule is None or arguments.problem(rule, crossing.action.arguments):
        return Evidence()
    found = _with_amount(boundary, crossing, rule, {}, {})
    return Evidence() if isinstance(found, Refuse) else found


async def _read(
    boundary: Boundary, crossing: Crossing, facts: Facts, perform: Perform
) -> dict[str, Any] | Refuse:
    found: dict[str, Any] = {}
    for name, read in facts.reads.items():
        items = _items(crossing, read)
        if len(items) > MAX_READS:
            return _refuse(
                boundary, crossing, "facts", f"{len(items)} records would have to be read.", "facts"
            )
        values = []
        for number, item in enumerate(items):
            outcome = await perform(
                boundary, _read_crossing(boundary, crossing, name, read, number, item, found)
            )
            if not isinstance(outcome, Done):
                words = f"It cannot be decided, because {name} could not be read: {_words(outcome)}"
                return _refuse(boundary, crossing, "facts", words, "facts", "reads", name)
            values.append(outcome.value)
        found[name] = values if read.for_each else values[0]
    return found


def _items(crossing: Crossing, read: FactRead) -> list[Any]:
    if not read.for_each:
        return [None]
    found = arguments.follow(read.for_each, arguments=crossing.action.arguments)
    return list(found) if isinstance(found, list | tuple) else []


def _read_crossing(
    boundary: Boundary,
    crossing: Crossing,
    name: str,
    read: FactRead,
    number: int,
    item: Any,
    earlier: Mapping[str, Any],
) -> Crossing:
    """Return the crossing of one read. Its position names the segment and attempt, so that a decision
    taken again after a wait rests on records read again."""
    run = crossing.run
    values = {
        key: item
        if path == "each"
        else arguments.follow(path, arguments=crossing.action.arguments, reads=earlier)
        for key, path in read.arguments.items()
    }
    rule = boundary.charter.actions[read.action]
    return Crossing(
        run=run,
        position=f"{crossing.position}.b{run.segment}-{run.attempt}.{name}.{number}",
        action=Action(
            kind="act",
            target=read.action,
            arguments=values,
            effect=rule.effect,
            outward=rule.outward,
            purpose=f"to decide {crossing.action.target}",
        ),
        evidence_of=crossing.position,
    )


def _compute(
    boundary: Boundary, crossing: Crossing, facts: Facts, reads: dict[str, Any]
) -> dict[str, Any] | Refuse:
    try:
        # Copies: what a deployment's code sorts or changes there must not reach what is sent or undone.
        found = boundary.function(facts.function)(*deepcopy((dict(crossing.action.arguments), reads)))
        return {name: _typed(name, kind, found[name]) for name, kind in facts.gives.items()}
    except LookupError as error:
        words = f"It cannot be decided: {error.args[0] if error.args else 'a fact is missing'}."
        return _refuse(boundary, crossing, "facts", words, "facts")
    except (Exception, SystemExit) as error:
        # INVARIANT: a fault in a deployment's own code refuses, never permits.
        words = f"The facts could not be computed ({type(error).__name__}: {error})."
        return _refuse(boundary, crossing, "facts.fault", words, "facts")


def _typed(name: str, kind: str, value: Any) -> Any:
    match kind:
        case "amount":
            return Decimal(str(value)).quantize(Decimal("0.0001"))
        case "text" if isinstance(value, str):
            return value
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "boolean" if isinstance(value, bool):
            return value
    raise LookupError(f"fact {name} is {value!r}, not {kind}")


def _with_amount(
    boundary: Boundary, crossing: Crossing, rule: ActionRule, facts: dict[str, Any], reads: dict[str, Any]
) -> Evidence | Refuse:
    number: Decimal | None = None
    if rule.amount:
        found = arguments.follow(rule.amount, arguments=crossing.action.arguments, facts=facts)
        try:
            number = Decimal(str(found)).quantize(Decimal("0.0001"))
        except InvalidOperation:
            return _refuse(boundary, crossing, "amount", f"The amount {found!r} is not a number.", "amount")
    return Evidence(
        facts=facts,
        reads=reads,
        amount=number,
        currency=rule.currency if rule.amount else "",
        as_of=stamp(boundary.clock.now()),
    )


def _words(outcome: Outcome) -> str:
    match outcome:
        case Refused(decision=decision):
            return decision.words()
        case Failed(fault=fault):
            return fault.words
        case Done():
            return "it was read"


def _refuse(boundary: Boundary, crossing: Crossing, rule: str, words: str, *path: str) -> Refuse:
    source = boundary.where("actions", crossing.action.target, *path)
    return Refuse(step=STEP, reasons=(Reason(rule=rule, words=words, source=source),))
