"""Step 8: the call itself. Imported by ``perform`` only; nothing else may reach a driver.

One call, one deadline. It is repeated only where that is proven harmless: a read, or a call the
protocol proves was never sent. Anything unclear about an effect comes back as ``unknown``.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from bridgehead.declare.model import seconds
from bridgehead.enforce import budget, keys, stop
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.claim import Claimed, Granted
from bridgehead.enforce.documents import search
from bridgehead.enforce.documents.scope import Scope
from bridgehead.enforce.entitle import Narrowed
from bridgehead.enforce.sql.hints import hint
from bridgehead.kernel.errors import ConfigError, ConnectError, EffectState
from bridgehead.kernel.outcome import Done, Failed, Fault
from bridgehead.kernel.ports import SEARCH, STATEMENT, Driver, Reply, Request

TRIES = 3
GRACE = 2.0
"""Seconds a driver gets beyond its deadline to say itself that time is over."""


async def connect(boundary: Boundary, crossing: Crossing) -> None:
    """Reach the other side before an effect is claimed: from then on its time to be sent runs.

    What fails here fails again when it is called, and is told then.
    """
    if crossing.action.effect == "read" or crossing.rule(boundary) is None:
        return
    driver, request = _request(boundary, crossing)
    if driver is not None:
        with suppress(Exception):
            async with asyncio.timeout(request.deadline):
                await driver.open()


async def call(
    boundary: Boundary,
    crossing: Crossing,
    granted: Granted | None,
    claimed: Claimed,
    statement: Narrowed | None = None,
) -> Done | Failed:
    """Perform the action once and say how it ended. Never raises for what the other side does.

    A process that was paused after its claim, or a driver that was long in connecting, is too late to
    send: beyond the send budget somebody may have begun to settle the effect already.
    """
    if crossing.action.target.startswith("decide:"):
        by = list(granted.by) if granted else []
        return Done(value={"approved": True, "by": by, "reason": granted.reason if granted else ""})
    claimed_at = claimed.at
    driver, request = _request(boundary, crossing, statement, claimed)
    if driver is None:
        words = f"Nothing is connected for {crossing.action.label()}."
        return Failed(fault=Fault(code="BH-ENF-010", words=words, effect_state="none"))
    if crossing.action.effect != "read":
        request = replace(request, may_send=lambda: _too_late(boundary, crossing, claimed_at) is None)
    late = _too_late(boundary, crossing, claimed_at)
    if late is not None:
        return late
    for attempt in range(1, TRIES + 1):
        outcome, again = await _once(boundary, crossing, driver, request)
        if not again or attempt == TRIES:
            return outcome
        await asyncio.sleep(0.1 * 2**attempt)
        # The process may have been paused, or the deployment stopped, between two tries, too.
        if _too_late(boundary, crossing, claimed_at) is not None or _stopped(boundary, crossing):
            return outcome
    raise AssertionError("unreachable")


def _stopped(boundary: Boundary, crossing: Crossing) -> bool:
    with boundary.store.reading() as connection:
        return stop.in_force(connection) is not None and not crossing.settles


def _too_late(boundary: Boundary, crossing: Crossing, claimed_at: datetime) -> Failed | None:
    rule = crossing.rule(boundary)
    if rule is None or boundary.clock.now() - claimed_at <= timedelta(seconds=seconds(rule.send_budget)):
        return None
    words = f"It was not sent: more than {rule.send_budget} had passed since it was claimed."
    return Failed(fault=Fault(code="BH-ENF-015", words=words, effect_state="none"))


async def _once(
    boundary: Boundary, crossing: Crossing, driver: Driver, request: Request
) -> tuple[Done | Failed, bool]:
    """Call once; return how it ended and whether trying again is proven harmless."""
    harmless = crossing.action.effect == "read"
    repeatable = (
        harmless and crossing.action.kind != "model"
    )  # one answer is what its budget was set aside for
    try:
        async with asyncio.timeout(request.deadline + GRACE):
            reply = await driver.call(request)
    except ConnectError as error:
        state: EffectState = "none" if harmless else error.effect_state
        again = error.temporary and (repeatable or error.effect_state == "none")
        if error.effect_state == "none":
            fault = Fault(code=error.code, words=_words(crossing, error), effect_state=state)
            return Failed(fault=fault, private=error.private), again
        return _unheard(boundary, crossing, error.code, error.what, state), again
    except ConfigError as error:  # a setting is missing: there was nothing yet to send it with
        return Failed(fault=Fault(code=error.code, words=error.what, effect_state="none")), False
    except TimeoutError:
        words = f"No answer within {request.deadline:g} seconds."
        return _unheard(boundary, crossing, "BH-ENF-011", words, _unclear(harmless)), repeatable
    except Exception as error:  # INVARIANT: a driver's own fault never passes for an answer.
        words = f"The driver broke ({type(error).__name__})."
        return _unheard(boundary, crossing, "BH-ENF-012", words, _unclear(harmless)), False
    return _answered(boundary, crossing, reply), False


def _words(crossing: Crossing, error: ConnectError) -> str:
    """Return a fault for whoever asked: where its details are kept, and what they can do about their SQL."""
    words = error.what
    if error.private:
        words = f"{words}; what it said is in the ledger, at {crossing.run.id}/{crossing.position}"
    own = crossing.action.kind == "query" and "." not in crossing.action.target
    more = hint(error.code, shown="(`bridgehead entitle explain` names what is not there)") if own else ""
    return f"{words}; {more}" if more else words


def _unheard(boundary: Boundary, crossing: Crossing, code: str, words: str, state: EffectState) -> Failed:
    """Return the end of a call that may have been answered: a model's provider may charge for it."""
    usage, booked = budget.unheard(boundary, crossing)
    fault = Fault(code=code, words=" ".join(part for part in (words, booked) if part), effect_state=state)
    return Failed(fault=fault, usage=usage)


def _answered(boundary: Boundary, crossing: Crossing, reply: Reply) -> Done | Failed:
    if not reply.refused:
        return Done(value=reply.value, usage=reply.usage)
    rule = crossing.rule(boundary)
    proven = rule is None or boundary.charter.servers[rule.server].refusals == "nothing-happened"
    harmless = crossing.action.effect == "read"
    state: EffectState = "none" if proven or harmless else "unknown"
    return Failed(fault=Fault(code="BH-ENF-013", words=reply.refused, effect_state=state))


def _request(
    boundary: Boundary,
    crossing: Crossing,
    statement: Narrowed | None = None,
    claimed: Claimed | None = None,
) -> tuple[Driver | None, Request]:
    action, charter, key = crossing.action, boundary.charter, crossing.key
    if action.kind == "act":
        rule = charter.actions[action.target]
        server = charter.servers[rule.server]
        bound = {name: crossing.run.bindings[binding] for name, binding in server.bound.items()}
        if rule.key_argument:
            key = bound[rule.key_argument] = keys.as_sent(rule, key)
        return boundary.drivers.get(f"server:{rule.server}"), Request(
            operation=rule.tool or action.target,
            arguments=action.arguments,
            bound=bound,
            key=key,
            deadline=seconds(rule.deadline or server.deadline),
        )
    if action.kind == "model":
        model = charter.models[action.target]
        return boundary.drivers.get(f"model:{action.target}"), Request(
            operation=action.target, arguments=action.arguments, key=key, deadline=seconds(model.deadline)
        )
    if isinstance(statement, Scope):
        asked = search.request(boundary, crossing, statement)
        deadline = seconds(charter.collections[action.target].deadline)
        return boundary.drivers.get(f"collection:{action.target}"), Request(
            operation=SEARCH, arguments=asked, key=key, deadline=deadline
        )
    source, _, query = action.target.partition(".")
    deadline = seconds(charter.sources[source].deadline)
    if statement is not None:  # INVARIANT: where tables are declared, the text that came in goes nowhere.
        asked = {
            "sql": statement.rewritten.sql,
            "values": list(statement.values),
            "claim": statement.claim,
        }
        if claimed is not None and claimed.folders:
            state = boundary.state
            asked["folders"] = {
                table: [str(state / each) for each in parts] for table, parts in claimed.folders.items()
            }
            asked["names"] = claimed.names
        request = Request(operation=STATEMENT, arguments=asked, key=key, deadline=deadline)
    else:
        request = Request(operation=query, arguments=action.arguments, key=key, deadline=deadline)
    return boundary.drivers.get(f"source:{source}"), request


def _unclear(harmless: bool) -> EffectState:
    return "none" if harmless else "unknown"
