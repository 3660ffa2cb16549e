"""Take calls through the boundary one by one, as an agent would, and say how each was judged.

Called for recorded traffic (``bridgehead replay``) and by benches; the house it works in is thrown away.
Never: decides, or performs anything itself: every call is a crossing like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bridgehead.enforce import approve
from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.enforce.park import Park
from bridgehead.enforce.question import Question
from bridgehead.kernel.action import Action
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.outcome import Done, Refused
from bridgehead.kernel.principal import Principal
from bridgehead.run import journal, runs

Verdict = Literal["permitted", "asked", "refused", "held"]
"""``held``: neither yes nor no, a stop or a lane stood in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How one call was judged. ``rules`` are the ids that decided, ``why`` their words for people.

    ``value`` is what came back of a permitted call; ``question`` is what people would see of an asked one.
    """

    tool: str
    action: str
    verdict: Verdict
    rules: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    step: int = 0
    value: Any = None
    question: Question | None = None


@dataclass(slots=True)
class Rehearsal:
    """One run whose calls come from outside. ``begin`` makes one."""

    boundary: Boundary
    state: RunState
    count: int = 0
    tools: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, boundary: Boundary, *, workflow: str, said: str, on_behalf: str = "") -> Rehearsal:
        """Start a run of a workflow whose user said this; nothing of its own code is called."""
        declared = boundary.charter.workflows[workflow]
        started = runs.start(
            boundary,
            workflow=workflow,
            input=_input(declared.words, said),
            bindings=dict.fromkeys(declared.bindings, "rehearsal"),
            title="rehearsal",
            on_behalf=on_behalf,
        )
        row = boundary.store.look(lambda connection: runs.row_of(connection, started))
        state = RunState(
            id=started,
            release=row.release,
            workflow=workflow,
            principal=runs.principal_of(boundary.charter.people, row),
            bindings=dict.fromkeys(declared.bindings, "rehearsal"),
            segment=1,
            attempt=1,
        )
        return cls(boundary, state, tools=_tools(boundary))

    @property
    def next(self) -> str:
        """``run/position`` of the next call."""
        return f"{self.state.id}/{self.count + 1}"

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Judged:
        """Take one call through the boundary. One that waits for people is left waiting."""
        self.count += 1
        return await self._cross(tool, arguments)

    async def again(self, tool: str, arguments: Mapping[str, Any]) -> Judged:
        """Take the last call up again: people have answered."""
        return await self._cross(tool, arguments)

    def answer(self, question: Question, person: Principal, yes: bool) -> None:
        """Let a person answer what a call was asked about."""
        said: approve.Answer = "approve" if yes else "refuse"
        approve.vote(self.boundary, question.id, person, said, question.digest(), "rehearsal")

    async def _cross(self, tool: str, arguments: Mapping[str, Any]) -> Judged:
        name = self.tools.get(tool, tool)
        rule = self.boundary.charter.actions.get(name)
        action = Action(
            kind="act",
            target=name,
            arguments=arguments,
            effect=rule.effect if rule else "final",
            outward=rule.outward if rule else True,
        )
        crossing = Crossing(run=self.state, position=str(self.count), action=action)
        try:
            outcome = await journal.cross(self.boundary, crossing)
        except Park as park:
            return self._waits(tool, name, park)
        if isinstance(outcome, Refused):
            reasons = outcome.decision.reasons
            return Judged(
                tool=tool,
                action=name,
                verdict="refused",
                rules=tuple(reason.rule for reason in reasons),
                why=tuple(reason.words for reason in reasons),
                step=outcome.decision.step,
            )
        value = outcome.value if isinstance(outcome, Done) else None
        why = () if isinstance(outcome, Done) else (outcome.fault.words,)
        return Judged(tool=tool, action=name, verdict="permitted", why=why, value=value)

    def _waits(self, tool: str, name: str, park: Park) -> Judged:
        if not park.waiting_for.startswith("apr_"):
            return Judged(tool=tool, action=name, verdict="held", why=(park.waiting_for,))
        question = self.boundary.store.look(
            lambda connection: approve.question(self.boundary, connection, park.waiting_for)
        )
        return Judged(
            tool=tool,
            action=name,
            verdict="asked",
            rules=question.rules,
            why=question.reasons,
            step=5,
            question=question,
        )


def workflow_of(boundary: Boundary, who: str, named: str = "") -> tuple[str, str]:
    """Return the workflow a recorded run belongs to, and the person on whose behalf.

    ``who`` is an agent or a person of the charter. Raises ``EngineError`` (BH-RUN-046) where that leaves
    none, or more than one.
    """
    charter = boundary.charter
    person = who if who in charter.people else ""
    fitting = [
        name
        for name, workflow in charter.workflows.items()
        if named in ("", name) and (not who or person or workflow.agent == who)
    ]
    if len(fitting) == 1:
        return fitting[0], person
    what = (
        f"{who!r} acts in no workflow of the charter" if not fitting else "several workflows could be meant"
    )
    raise EngineError(
        "BH-RUN-046",
        f"a recorded run cannot be placed: {what}",
        means="Nothing of the file was judged.",
        fix="`as` is an agent or a person of the charter; --workflow names one of "
        f"{', '.join(charter.workflows)}.",
    )


def _input(words: Sequence[str], said: str) -> dict[str, Any]:
    """Return an input in which every text that is the user's own is this one."""
    found: dict[str, Any] = {}
    for path in words:
        inner = found
        *above, last = path.split(".")
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = said
    return found


def _tools(boundary: Boundary) -> dict[str, str]:
    """Return the action behind each tool name that belongs to one action only."""
    found: dict[str, list[str]] = {}
    for name, rule in boundary.charter.actions.items():
        found.setdefault(rule.tool or name, []).append(name)
    plain = {tool: names[0] for tool, names in found.items() if len(names) == 1}
    return plain | {name: name for name in boundary.charter.actions}
