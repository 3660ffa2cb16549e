"""What workflow code sees: the ``run`` object.

::

    async def handle(run, ticket):
        order = await run.act("get_order_details", order_id=ticket["order"])
        answer = await run.ask("support", messages=[...])
        done = await run.agent("support", instructions=..., input=..., tools=["cancel_pending_order"])

Every call is a crossing at a position of the run's journal. Positions are given when a method is
*called*, in program order; code that calls from free tasks, or differently on replay, is stopped.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.enforce.park import Park
from bridgehead.kernel.action import Action
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.errors import BridgeheadError, EngineError, Nondeterminism
from bridgehead.kernel.outcome import Done, Outcome
from bridgehead.run import journal, query_tools
from bridgehead.run.agent import loop, tool_schemas

MAX_POSITION = 200
"""Characters of a position: some seventy branches inside each other. What is asked beside a crossing gets a
position of its own behind it, and PostgreSQL's indexes take 2,700 bytes."""


class Seal:
    """Closed once a run has to wait or cannot be carried on: whatever is still called performs nothing.

    ``why`` is the ``Park`` or the fault. Code of a deployment may catch it; it is raised again.
    """

    def __init__(self) -> None:
        self.why: Park | BridgeheadError | None = None


class Run:
    """One case going through a workflow under one release."""

    def __init__(
        self, boundary: Boundary, state: RunState, *, prefix: str = "", seal: Seal | None = None
    ) -> None:
        self._boundary = boundary
        self._state = state
        self._prefix = prefix
        self._count = 0
        self._seal = seal or Seal()
        self._loop = ""
        self._task = asyncio.current_task()

    @property
    def id(self) -> str:
        """The run's id."""
        return self._state.id

    @property
    def subject(self) -> str:
        """Whom this run serves; empty until an identifying action has named somebody."""
        return self._state.told

    def act(self, action: str, /, **arguments: Any) -> Coroutine[Any, Any, Outcome]:
        """Take an action of the charter. Returns Done, Refused or Failed; never raises for those."""
        rule = self._boundary.charter.actions.get(action)
        return self._cross(
            Action(
                kind="act",
                target=action,
                arguments=arguments,
                # What the charter does not declare is final, and refused at step 2.
                effect=rule.effect if rule else "final",
                outward=rule.outward if rule else True,
            )
        )

    def not_offered(self, action: str, /, **arguments: Any) -> Coroutine[Any, Any, Outcome]:
        """Refuse, on the record, an action that a step did not offer to its model."""
        words = f"This step of the workflow does not offer {action}."
        refusal = Refuse(step=2, reasons=(Reason(rule="step.tools", words=words),))
        wanted = Action(kind="act", target=action, arguments=arguments, effect="final", outward=True)
        crossing = Crossing(run=self._state, position=self._next(), action=wanted)
        return self._sealing(journal.refuse(self._boundary, crossing, refusal))

    def ask(
        self,
        model: str,
        *,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        schema: Mapping[str, Any] | None = None,
    ) -> Coroutine[Any, Any, Outcome]:
        """Ask a model of the charter. ``Done.value`` has content, tool_calls, finish_reason, model."""
        model = self.model(model)
        declared = self._boundary.charter.models.get(model)
        arguments = {
            "messages": [dict(message) for message in messages],
            "tools": [dict(tool) for tool in tools],
            "schema": dict(schema) if schema is not None else None,
            "max_output_tokens": declared.max_output_tokens if declared else 0,
        }
        return self._cross(Action(kind="model", target=model, arguments=arguments, effect="read"))

    def query(self, name: str, sql: str | None = None, /, **parameters: Any) -> Coroutine[Any, Any, Outcome]:
        """Ask a source in SQL, or run a named query of the charter (``source.query``).

        ``run.query("sales", "SELECT ...")``: any SELECT, also one a model wrote, gives what the person whom
        the run serves may see. ``Done.value`` is a list of rows, ``Done.labels`` says of each column where it
        comes from.
        """
        arguments = parameters if sql is None else {"sql": sql}
        return self._cross(Action(kind="query", target=name, arguments=arguments, effect="read"))

    def decide(
        self, rule: str, *, question: str, evidence: Mapping[str, Any] | None = None
    ) -> Coroutine[Any, Any, Outcome]:
        """Let people decide, by an approval rule of the charter. Done means yes, Refused means no."""
        arguments = {"question": question, "evidence": dict(evidence or {})}
        return self._cross(Action(kind="act", target=f"decide:{rule}", arguments=arguments, effect="read"))

    def retrieve(self, collection: str, query: str, *, limit: int = 0) -> Coroutine[Any, Any, Outcome]:
        """Search a collection of documents for what the person whom the run serves may read.

        ``Done.value`` is ``{"passages": [...], "searched": ...}``, the best passage first, each with its
        ``text`` and where it stands: ``citation``, ``document``, ``title``, ``section``, ``page``, ``start``
        and ``end`` (characters), ``version`` and ``digest``. No passage is an answer too. ``limit`` is how
        many are wanted at most; 0: as many as the charter allows.
        """
        arguments: dict[str, Any] = {"query": query} | ({"limit": limit} if limit else {})
        return self._cross(Action(kind="retrieve", target=collection, arguments=arguments, effect="read"))

    def agent(
        self,
        model: str,
        *,
        instructions: str,
        input: str,
        tools: Sequence[str],
        sources: Sequence[str] = (),
        max_turns: int = 30,
        budget: str = "",
    ) -> Coroutine[Any, Any, Outcome]:
        """Let a model work with a list of actions until it answers in words.

        ``sources``: databases it may ask in SQL of its own, with the tool ``query_SOURCE``; it gets what the
        person may see whom the run serves, labelled. ``budget`` is a loop of the charter: how much this one
        may do. ``Done.value`` is ``{"text": ..., "turns": n, "stand_in": bool}``. Raises ``EngineError``:
        BH-RUN-023 for a source that has no tables, BH-RUN-047 for a loop that is not declared.
        """
        if budget and budget not in self._boundary.charter.loops:
            raise EngineError(
                "BH-RUN-047",
                f"no loop {budget!r} is declared in the charter",
                means="The model was not asked.",
                fix="Declare it under `loops`, or name one that is.",
            )
        queries = query_tools.named(sources, tools, self._boundary.charter)
        branch = self.branch()
        branch._loop = budget
        return loop(branch, model, instructions, input, tools, max_turns, queries)

    def branch(self) -> Run:
        """Return a sub-journal at the next position, for code that runs beside other code."""
        return Run(self._boundary, self._state, prefix=f"{self._next()}.", seal=self._seal)

    async def gather(self, *parts: Callable[[Run], Awaitable[Any]]) -> list[Any]:
        """Run parts side by side, each with a sub-journal of its own; return their results in order.

        When parts have to wait, the others are carried as far as they go before the run parks.
        """
        branches = [self.branch() for _ in parts]

        async def follow(part: Callable[[Run], Awaitable[Any]], branch: Run) -> Any:
            branch._task = asyncio.current_task()
            branch._seal = Seal()
            return await branch.carry(part(branch))

        results = await asyncio.gather(
            *(follow(part, branch) for part, branch in zip(parts, branches, strict=True)),
            return_exceptions=True,
        )
        self._raise_parks(results, [branch._seal.why for branch in branches])
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return list(results)

    async def carry(self, work: Awaitable[Any]) -> Any:
        """Return what a deployment's code returns, unless the run has to wait or cannot go on.

        No ``except`` and no ``finally: return`` of that code can swallow it.
        """
        try:
            result = await work
        except (asyncio.CancelledError, SystemExit) as error:
            # Either would take more than this run with it, or leave it neither ended nor waiting.
            if self._seal.why is None and not _told_to_leave():
                raise _raised(error) from error
        except Exception:
            if self._seal.why is None:
                raise
        if _told_to_leave():
            raise asyncio.CancelledError
        if self._seal.why is not None:
            raise self._seal.why
        return result

    def document(self, name: str) -> str:
        """Return a document of the charter, as it is in this run's release."""
        declared = self._boundary.charter.documents.get(name)
        if declared is None:
            raise EngineError("BH-RUN-010", f"no document {name!r} is declared in the charter")
        return self._boundary.deployment.document(name)

    async def now(self) -> datetime:
        """Return the time, recorded once: replay returns the same moment."""
        moment: datetime = await self._value("now", self._boundary.clock.now)
        return moment

    async def random(self) -> float:
        """Return a random number in [0, 1), recorded once: replay returns the same one."""
        number: float = await self._value("random", lambda: secrets.randbits(53) / 2**53)
        return number

    def model(self, name: str) -> str:
        """Return the model that stands behind a name here: itself, or its labelled stand-in."""
        # Chosen when the run started: an endpoint that appears later must not change a replay.
        return self._state.bindings.get(f"model:{name}", name)

    def tool_schemas(
        self, actions: Sequence[str], queries: Mapping[str, str] = MappingProxyType({})
    ) -> list[dict[str, Any]]:
        """Return the tools a model is shown for actions and sources, from the release's charter alone."""
        charter = self._boundary.charter
        shown = tool_schemas(charter, actions)
        return [*shown, *query_tools.schemas(charter, queries, self._state.principal)]

    def _cross(self, action: Action) -> Coroutine[Any, Any, Outcome]:
        position = self._next()
        return self._at(position, action)

    async def _at(self, position: str, action: Action) -> Outcome:
        crossing = Crossing(run=self._state, position=position, action=action, loop=self._loop)
        outcome: Outcome = await self._sealing(journal.cross(self._boundary, crossing))
        self._tell_subject(action, outcome)
        return outcome

    async def _sealing(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            self._in_line(work)
            return await work
        except (Park, BridgeheadError) as why:
            self._seal.why = why
            raise
        except asyncio.CancelledError as error:
            self._seal.why = _raised(error)
            raise

    def _tell_subject(self, action: Action, outcome: Outcome) -> None:
        """From here on this pass knows whom the run serves; a replay comes to know it at the same place."""
        rule = self._boundary.charter.actions.get(action.target) if action.kind == "act" else None
        confined = self._boundary.charter.workflows[self._state.workflow].subject
        if confined and rule is not None and rule.identifies and isinstance(outcome, Done):
            self._state.told = self._state.told or outcome.value

    async def _value(self, kind: str, make: Callable[[], Any]) -> Any:
        action = journal.of_the_run(kind)
        crossing = Crossing(run=self._state, position=self._next(), action=action)
        return await self._sealing(journal.value(self._boundary, crossing, make))

    def _next(self) -> str:
        if self._seal.why is not None:
            raise self._seal.why
        self._in_line()
        self._count += 1
        position = f"{self._prefix}{self._count}"
        if len(position) > MAX_POSITION:
            self._seal.why = _too_deep(position)
            raise self._seal.why
        return position

    def _in_line(self, work: Coroutine[Any, Any, Any] | None = None) -> None:
        """Refuse a call, or the ``work`` of one, that a task of the code's own makes."""
        if asyncio.current_task() is not self._task:
            if work is not None:
                work.close()
            position = f"{self._prefix}{self._count + (work is None)}"
            self._seal.why = Nondeterminism(position, "one line of work", "a call from a free task")
            raise self._seal.why

    def _raise_parks(self, results: Sequence[Any], sealed: Sequence[Park | BridgeheadError | None]) -> None:
        """Raise what stops the whole run: a fault before a wait."""
        faults = [why for why in sealed if isinstance(why, BridgeheadError)]
        if faults:
            self._seal.why = faults[0]
            raise faults[0]
        parks = [result for result in results if isinstance(result, Park)]
        if parks:
            times = [park.until for park in parks if park.until is not None]
            # A lifted stop wakes only who waits for it; an answer wakes its run whatever it waits for.
            stopped = [park.waiting_for for park in parks if park.waiting_for.startswith("stop:")]
            waiting_for = (stopped or [parks[0].waiting_for])[0]
            self._seal.why = Park(waiting_for, until=min(times) if times else None)
            raise self._seal.why


def _told_to_leave() -> bool:
    """Say whether the engine has cancelled this stretch of work: the run goes on at the next start."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _too_deep(position: str) -> EngineError:
    return EngineError(
        "BH-RUN-016",
        f"the workflow branches too deep: {position.count('.')} branches inside each other",
        means="The run was stopped there; what it did before stands.",
        fix="Let one branch work through a list, or start a run of its own for each part.",
    )


def _raised(error: BaseException) -> EngineError:
    """Return what stops a run whose code gave up a call before its answer, or wanted to end the process."""
    return EngineError("BH-RUN-012", f"the workflow raised {type(error).__name__}: {error}")
