"""Schedules: what they start exists, takes what they give, and is due by a clock somebody named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridgehead.declare.code import Function, Parameter
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.naming import fault, function, unknown
from bridgehead.declare.scheduling import Schedule
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-020, BH-CHA-064 and BH-CHA-093 to BH-CHA-096."""
    charter = deployment.charter
    for name, schedule in charter.schedules.items():
        place = ("schedules", name)
        if schedule.principal not in charter.people:
            yield unknown(
                deployment, "BH-CHA-020", schedule.principal, "people", charter.people, *place, "principal"
            )
        yield from _clock(deployment, name, schedule)
        if schedule.workflow not in charter.workflows:
            yield unknown(
                deployment,
                "BH-CHA-093",
                schedule.workflow,
                "workflows",
                charter.workflows,
                *(*place, "workflow"),
            )
        else:
            yield from _input(deployment, name, schedule)
            yield from _bindings(deployment, name, schedule)


def _clock(d: Deployment, name: str, schedule: Schedule) -> Iterator[CharterError]:
    calendars = d.charter.calendars
    if schedule.calendar is not None and schedule.calendar not in calendars:
        yield unknown(
            d, "BH-CHA-064", schedule.calendar, "calendars", calendars, "schedules", name, "calendar"
        )
    elif schedule.calendar is None and not schedule.timezone:
        yield fault(
            d,
            "BH-CHA-094",
            f"schedule `{name}` does not say by which clock",
            "Add `timezone:`, for example Europe/Berlin, or a `calendar:`, which has one.",
            *("schedules", name, "when"),
            means="Machines are in many places; `30 2` is another moment in each.",
        )


def _input(d: Deployment, name: str, schedule: Schedule) -> Iterator[CharterError]:
    """The schema of a workflow's input is the parameters of its function, as they are written."""
    reference = d.charter.workflows[schedule.workflow].function
    found = function(d, reference, "workflows", schedule.workflow, "function")
    if not isinstance(found, Function) or not found.parameters:
        return  # said once, where the workflow is declared
    taken = {each.name: each for each in found.named if each.name != found.parameters[0]}
    for key, value in schedule.input.items():
        if key not in taken and not found.takes_any:
            yield _misfit(d, name, f"`{reference}` takes no `{key}`", did_you_mean(key, taken), key)
        elif key in taken and (wrong := _wrong(taken[key], value)):
            yield _misfit(d, name, f"`{key}` of `{reference}` {wrong}", "Write a value of that type.", key)
    for each in taken.values():
        if each.required and each.name not in schedule.input:
            yield _misfit(d, name, f"`{reference}` needs `{each.name}`", f"Add `{each.name}:` to `input`.")


def _wrong(parameter: Parameter, value: Any) -> str:
    given = _type(value)
    if not parameter.types or given in parameter.types:
        return ""
    return f"is {' or '.join(sorted(parameter.types))}, and is given {given}"


def _type(value: Any) -> str:
    if value is None:
        return "nothing"
    named = {bool: "true or false", int: "whole number", float: "number", str: "text", list: "list"}
    return named.get(type(value), "object")


def _misfit(d: Deployment, name: str, what: str, fix: str, *key: str) -> CharterError:
    return fault(
        d, "BH-CHA-095", f"the input of schedule `{name}`: {what}", fix, "schedules", name, "input", *key
    )


def _bindings(d: Deployment, name: str, schedule: Schedule) -> Iterator[CharterError]:
    wanted, given = set(d.charter.workflows[schedule.workflow].bindings), set(schedule.bindings)
    if wanted != given:
        yield fault(
            d,
            "BH-CHA-096",
            f"workflow `{schedule.workflow}` wants the bindings {sorted(wanted)}, "
            f"schedule `{name}` gives {sorted(given)}",
            "Give each of them, and no other, under `bindings`.",
            *("schedules", name, "bindings"),
        )
