"""What takes an action back, what asks whether it landed, and what is read before it is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridgehead.declare.actions import path_problem
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.model import ActionRule, FactRead
from bridgehead.declare.naming import fault, pure, unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield what does not hold in undo (BH-CHA-040 to 044), probe and facts (BH-CHA-050 to 052), and
    settlement (BH-CHA-021, BH-CHA-053)."""
    for name, rule in deployment.charter.actions.items():
        yield from _undo(deployment, name, rule)
        yield from _probe(deployment, name, rule)
        yield from _facts(deployment, name, rule)
        yield from _listing(deployment, name, rule)
        yield from _settlement(deployment, name, rule)


def _undo(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    place = ("actions", name)
    if rule.undo is None:
        if rule.effect == "write":
            yield fault(
                d,
                "BH-CHA-040",
                f"action `{name}` is a `write` and names no `undo`",
                "Name the action that takes it back, or declare `effect: final` if none does.",
                *(*place, "effect"),
                means="A `write` is something that can be taken back.",
            )
        if rule.undo_arguments:
            yield fault(
                d,
                "BH-CHA-043",
                f"action `{name}` has `undo_arguments` and no `undo`",
                "Name the action that takes it back.",
                *(*place, "undo_arguments"),
            )
        return
    other = d.charter.actions.get(rule.undo)
    if other is None:
        yield unknown(d, "BH-CHA-041", rule.undo, "actions", d.charter.actions, *place, "undo")
    elif problem := _undo_problem(name, rule, other):
        yield fault(d, "BH-CHA-042", problem[0], problem[1], *place, "undo")
    else:
        yield from _undo_arguments(d, name, rule, other)


def _undo_problem(name: str, rule: ActionRule, other: ActionRule) -> tuple[str, str] | None:
    if rule.effect != "write":
        fix = "Remove `undo`, or declare `effect: write` if it can really be taken back."
        return f"action `{name}` is `{rule.effect}` and names an undo", fix
    if other.effect == "read":
        fix = "Name an action that changes something."
        return f"the undo of `{name}` is `{rule.undo}`, which changes nothing", fix
    return None


def _undo_arguments(d: Deployment, name: str, rule: ActionRule, other: ActionRule) -> Iterator[CharterError]:
    place = ("actions", name, "undo_arguments")
    for argument in other.arguments:
        if argument not in rule.undo_arguments and argument not in other.optional:
            yield fault(
                d,
                "BH-CHA-043",
                f"the undo `{rule.undo}` needs `{argument}`; `undo_arguments` of `{name}` does not give it",
                f"Add `{argument}: arguments.X` or `{argument}: before.READ.FIELD`.",
                *place,
            )
    for argument, path in rule.undo_arguments.items():
        if argument not in other.arguments:
            yield fault(
                d,
                "BH-CHA-043",
                f"the undo `{rule.undo}` has no argument `{argument}`",
                did_you_mean(argument, other.arguments),
                *(*place, argument),
            )
        elif problem := _undo_path_problem(rule, path):
            what = f"`{argument}` of the undo of `{name}` is `{path}`: {problem[0]}"
            yield fault(d, "BH-CHA-044", what, problem[1], *place, argument)


def _undo_path_problem(rule: ActionRule, path: str) -> tuple[str, str] | None:
    if not path.startswith("before."):
        problem = path_problem(rule, path, ("arguments",))
        return problem and (problem[0], f"{problem[1]} Or `before.READ.FIELD`.")
    reads = rule.facts.reads if rule.facts else {}
    read, _, deeper = path.removeprefix("before.").partition(".")
    if read not in reads:
        return "no such read is made before", f"{did_you_mean(read, reads)} Reads are under `facts.reads`."
    return None if deeper else ("it names a read and no field of it", "Write `before.READ.FIELD`.")


def _probe(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    if rule.probe is None:
        return
    place = ("actions", name, "probe")
    yield from _read(d, rule.probe.action, rule.probe.arguments, *place)
    for argument, path in rule.probe.arguments.items():
        problem = None if path == "key" else path_problem(rule, path, ("arguments",))
        if problem:
            what = f"`{argument}` of the probe of `{name}` is `{path}`: {problem[0]}"
            yield fault(d, "BH-CHA-051", what, f"{problem[1]} Or `key`.", *place, "arguments", argument)
    problem_of_code = pure(d, rule.probe.landed, "arguments, answer", *place, "landed")
    if problem_of_code:
        yield problem_of_code


def _listing(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    if rule.listing is None:
        return
    place = ("actions", name, "listing")
    yield from _read(d, rule.listing.action, {}, *place)
    problem_of_code = pure(d, rule.listing.keys, "bindings, answer", *place, "keys")
    if problem_of_code:
        yield problem_of_code
    if not rule.key_argument:
        yield fault(
            d,
            "BH-CHA-051",
            f"`{name}` has a `listing` and no `key_argument`: the other side keeps no key of ours",
            "Add `key_argument`, or remove `listing`.",
            *place,
        )


def _settlement(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    place = ("actions", name)
    if rule.settled_by is not None and rule.settled_by not in d.charter.groups:
        yield unknown(d, "BH-CHA-021", rule.settled_by, "groups", d.charter.groups, *(*place, "settled_by"))
    for key in ("key_length", "repeats", "key_lifetime"):
        if key in rule.model_fields_set and not rule.key_argument:
            yield fault(
                d,
                "BH-CHA-053",
                f"action `{name}` says `{key}` and sends no key",
                "Name the argument that carries our key with `key_argument`, or remove it.",
                *(*place, key),
            )


def _facts(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    if rule.facts is None:
        return
    place = ("actions", name, "facts")
    problem_of_code = pure(d, rule.facts.function, "arguments, reads", *place, "function")
    if problem_of_code:
        yield problem_of_code
    for read_name, read in rule.facts.reads.items():
        where = (*place, "reads", read_name)
        yield from _read(d, read.action, read.arguments, *where)
        yield from _fact_paths(d, rule, read, *where)
        target = d.charter.actions.get(read.action)
        if target is not None and target.facts is not None and target.facts.reads:
            yield fault(
                d,
                "BH-CHA-050",
                f"`{read.action}` is read to decide `{name}`, and itself needs reads to be decided",
                "Read an action without `facts.reads`.",
                *(*where, "action"),
            )


def _fact_paths(d: Deployment, rule: ActionRule, read: FactRead, *place: str | int) -> Iterator[CharterError]:
    if read.for_each:
        problem = path_problem(rule, read.for_each, ("arguments",))
        if problem is None and not _is_list(rule, read.for_each):
            problem = ("that argument is not a list", "Name an argument with `type: array`.")
        if problem:
            what = f"`for_each` is `{read.for_each}`: {problem[0]}"
            yield fault(d, "BH-CHA-052", what, problem[1], *place, "for_each")
    for argument, path in read.arguments.items():
        if path == "each":
            problem = None if read.for_each else ("there is no `for_each`", "Add `for_each: arguments.X`.")
        elif path.startswith("reads."):
            problem = _earlier_problem(rule, str(place[-1]), path)
        else:
            problem = path_problem(rule, path, ("arguments",))
        if problem:
            what = f"`{argument}` is `{path}`: {problem[0]}"
            yield fault(d, "BH-CHA-052", what, problem[1], *place, "arguments", argument)


def _earlier_problem(rule: ActionRule, own: str, path: str) -> tuple[str, str] | None:
    """Return what is wrong with ``reads.READ.FIELD``: it must be a single read, made before this one."""
    reads = rule.facts.reads if rule.facts else {}
    earlier = [name for name in list(reads)[: list(reads).index(own)] if not reads[name].for_each]
    name, _, field = path.removeprefix("reads.").partition(".")
    if name not in earlier:
        return (
            "no such read is made before this one",
            f"{did_you_mean(name, earlier)} Reads are made in order.",
        )
    return None if field else ("it names a read and no field of it", "Write `reads.READ.FIELD`.")


def _is_list(rule: ActionRule, path: str) -> bool:
    _, _, name = path.partition(".")
    head, _, deeper = name.partition(".")
    return bool(deeper) or rule.arguments[head].get("type") in (None, "array")


def _read(
    d: Deployment, action: str, arguments: Mapping[str, str], *place: str | int
) -> Iterator[CharterError]:
    """Yield what is wrong with a read that decides or settles another action."""
    target = d.charter.actions.get(action)
    if target is None:
        yield unknown(d, "BH-CHA-022", action, "actions", d.charter.actions, *place, "action")
        return
    if target.effect != "read":
        yield fault(
            d,
            "BH-CHA-050",
            f"`{action}` is `{target.effect}`; only a `read` may be made to decide or to settle",
            "Name an action with `effect: read`.",
            *(*place, "action"),
        )
    needed = [name for name in target.arguments if name not in target.optional]
    for missing in (name for name in needed if name not in arguments):
        yield fault(
            d,
            "BH-CHA-051",
            f"`{action}` needs the argument `{missing}`",
            f"Add `{missing}: arguments.X`.",
            *(*place, "arguments"),
        )
    for extra in (name for name in arguments if name not in target.arguments):
        yield fault(
            d,
            "BH-CHA-051",
            f"`{action}` has no argument `{extra}`",
            did_you_mean(extra, target.arguments),
            *(*place, "arguments", extra),
        )
