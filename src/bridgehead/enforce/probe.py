"""Ask the other system whether an effect landed: a read, through ``perform`` like every other.

Called by ``settle`` and ``late``. Never: decides what the answer means (``found`` does).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bridgehead.declare.model import ActionRule, Probe
from bridgehead.enforce import arguments, keys
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.perform import perform
from bridgehead.kernel.action import Action
from bridgehead.kernel.outcome import Done, Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a probe answered: yes, no or how many, and the other system's own words beside it.

    ``landed`` is None where nothing was learnt; ``problem`` says why. ``silent``: the other system did not
    answer at all, so it may when it is asked again.
    """

    landed: bool | int | None
    value: Any = None
    problem: str = ""
    silent: bool = False


_SILENT = frozenset({"BH-CON-013", "BH-CON-015", "BH-CON-022", "BH-ENF-011"})
"""Faults of a system that is down or slow: no answer in time, connection gone, left alone for a while."""


async def ask(boundary: Boundary, crossing: Crossing, effect_key: str, position: str) -> Answer:
    """Ask about one effect, at a position of its own, and return what was learnt."""
    rule = crossing.rule(boundary)
    assert rule is not None and rule.probe is not None  # callers look before they ask
    outcome = await perform(boundary, question(boundary, crossing, rule, rule.probe, effect_key, position))
    if not isinstance(outcome, Done):
        silent = isinstance(outcome, Failed) and outcome.fault.code in _SILENT
        return Answer(landed=None, problem="the probe could not be made", silent=silent)
    return landed(boundary, rule.probe, crossing.action.arguments, outcome.value)


def landed(boundary: Boundary, probe: Probe, meant: Mapping[str, Any], value: Any) -> Answer:
    """Return what a deployment's own function makes of what the other system showed: ``meant`` are the
    effect's arguments. Whatever that code does, it ends no run and no worker."""
    try:
        found = boundary.function(probe.landed)(*deepcopy((dict(meant), value)))
    except (Exception, SystemExit) as error:
        return Answer(landed=None, value=value, problem=f"the probe broke ({type(error).__name__})")
    if not isinstance(found, int) or found < 0:
        problem = f"the probe answered {type(found).__name__}, not yes, no or how many"
        return Answer(landed=None, value=value, problem=problem)
    return Answer(landed=found, value=value)


def arguments_of(rule: ActionRule, probe: Probe, effect_key: str, meant: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the read that asks about an effect, ``meant`` being those of the effect."""
    return {
        name: keys.as_sent(rule, effect_key) if path == "key" else arguments.follow(path, arguments=meant)
        for name, path in probe.arguments.items()
    }


def question(
    boundary: Boundary, crossing: Crossing, rule: ActionRule, probe: Probe, effect_key: str, position: str
) -> Crossing:
    """Return the read that asks about an effect."""
    asked = boundary.charter.actions[probe.action]
    return Crossing(
        run=crossing.run,
        position=position,
        action=Action(
            kind="act",
            target=probe.action,
            arguments=arguments_of(rule, probe, effect_key, crossing.action.arguments),
            effect=asked.effect,
            outward=asked.outward,
            purpose=f"to settle {crossing.action.target}",
        ),
        evidence_of=crossing.position,
        settles=True,
    )
