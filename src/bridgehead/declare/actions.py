"""Actions: the system they run on, their arguments, and every field that names one of them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Any

from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.model import ActionRule
from bridgehead.declare.naming import fault, unknown
from bridgehead.kernel.errors import CharterError

JSON_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})
_ARGUMENT = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_CURRENCY = re.compile(r"^[A-Z]{3}$")


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield what does not hold together in each action (BH-CHA-025, 045 to 049)."""
    for name, rule in deployment.charter.actions.items():
        yield from _server(deployment, name, rule)
        yield from _arguments(deployment, name, rule)
        yield from _names(deployment, name, rule)
        yield from _paths(deployment, name, rule)
        yield from _amount(deployment, name, rule)
        yield from _title(deployment, name, rule)


def _server(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    server = d.charter.servers.get(rule.server)
    if server is None:
        yield unknown(d, "BH-CHA-025", rule.server, "servers", d.charter.servers, "actions", name, "server")
        return
    tool = rule.tool or name
    if tool in server.hidden:
        yield fault(
            d,
            "BH-CHA-026",
            f"action `{name}` uses the tool `{tool}`, which server `{rule.server}` hides",
            f"Use another tool, or take `{tool}` out of `servers.{rule.server}.hidden`.",
            *("actions", name, "tool"),
        )
    for argument in sorted(set(rule.arguments) & set(server.bound)):
        yield fault(
            d,
            "BH-CHA-026",
            f"action `{name}` declares the argument `{argument}`, which server `{rule.server}` fills in",
            f"Remove `{argument}` here: the agent must never see it.",
            *("actions", name, "arguments", argument),
        )


def _arguments(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    for argument, schema in rule.arguments.items():
        place = ("actions", name, "arguments", argument)
        if not _ARGUMENT.match(argument):
            yield fault(
                d,
                "BH-CHA-049",
                f"`{argument}` cannot be the name of an argument",
                "Use letters, digits, - and _; policies and titles must be able to name it.",
                *place,
            )
        problem = _schema_problem(schema)
        if problem:
            yield fault(
                d,
                "BH-CHA-049",
                f"argument `{argument}` of `{name}` has no valid JSON Schema: {problem}",
                "Write for example `{type: string}` or `{type: number, minimum: 0}`.",
                *place,
            )


def _schema_problem(schema: dict[str, Any]) -> str:
    """Return what is wrong with an argument's schema, or the empty string."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind] if kind is not None else []
    for one in kinds:
        if one not in JSON_TYPES:
            return f"`{one}` is no type; {did_you_mean(str(one), JSON_TYPES)}"
    if _refers(schema):
        return "`$ref` would be fetched from elsewhere"
    # Imported here: only charters with arguments pay for it.
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return str(error.message)
    return ""


def _refers(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in ("$ref", "$dynamicRef", "$id") or _refers(item) for key, item in value.items())
    return isinstance(value, list) and any(_refers(item) for item in value)


def _names(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    for key, listed in (("optional", rule.optional), ("sensitive", rule.sensitive)):
        for index, argument in enumerate(listed):
            if argument not in rule.arguments:
                yield fault(
                    d,
                    "BH-CHA-046",
                    f"`{key}` of action `{name}` names `{argument}`, which is not among its arguments",
                    f"{did_you_mean(argument, rule.arguments)}",
                    *("actions", name, key, index),
                )
    if rule.key_argument and rule.key_argument in rule.arguments:
        yield fault(
            d,
            "BH-CHA-046",
            f"`{rule.key_argument}` of action `{name}` carries our key, so the agent must not give it",
            "Remove it from `arguments`.",
            *("actions", name, "key_argument"),
        )


def _paths(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    roots = ("arguments", "facts", "result") if rule.effect == "read" else ("arguments", "facts")
    for key, path, allowed in (
        ("subject", rule.subject, roots),
        ("record", rule.record, ("arguments", "facts")),
    ):
        if path and (problem := path_problem(rule, path, allowed)):
            yield fault(
                d,
                "BH-CHA-046",
                f"`{key}` of action `{name}` is `{path}`: {problem[0]}",
                problem[1],
                *("actions", name, key),
            )


def path_problem(rule: ActionRule, path: str, roots: tuple[str, ...]) -> tuple[str, str] | None:
    """Return (what is wrong, fix) with a path such as ``arguments.X``, or None where it leads somewhere."""
    root, _, rest = path.partition(".")
    choices = " or ".join(f"`{choice}.X`" for choice in roots)
    if root not in roots or not rest:
        return f"it is not {choices}", f"Write {choices}."
    if root == "arguments" and rest.partition(".")[0] not in rule.arguments:
        return "no such argument is declared", did_you_mean(rest, rule.arguments)
    gives = rule.facts.gives if rule.facts else {}
    if root == "facts" and rest not in gives:
        return "no such fact is given", f"{did_you_mean(rest, gives)} Facts are declared under `facts.gives`."
    return None


def _amount(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    if rule.currency and not _CURRENCY.match(rule.currency):
        yield fault(
            d,
            "BH-CHA-047",
            f"`{rule.currency}` is not a currency",
            "Write three capital letters, for example USD.",
            *("actions", name, "currency"),
        )
    if not rule.amount:
        return
    place = ("actions", name, "amount")
    if problem := path_problem(rule, rule.amount, ("arguments", "facts")):
        what = f"the amount of action `{name}` is `{rule.amount}`: {problem[0]}"
        yield fault(d, "BH-CHA-045", what, problem[1], *place)
    elif not _is_number(rule):
        yield fault(
            d,
            "BH-CHA-045",
            f"the amount of action `{name}` is `{rule.amount}`, which is not declared as a number",
            "Declare the argument as `number`, `integer` or `string`, the fact as `amount` or `integer`.",
            *place,
        )
    if not rule.currency:
        yield fault(
            d,
            "BH-CHA-047",
            f"action `{name}` moves money, and its currency is not written",
            "Add `currency: USD` (or what it is): amounts without one cannot be compared.",
            *place,
        )


def _is_number(rule: ActionRule) -> bool:
    root, _, name = rule.amount.partition(".")
    if root == "facts":
        return rule.facts is not None and rule.facts.gives[name] in ("amount", "integer")
    head, _, deeper = name.partition(".")
    return bool(deeper) or rule.arguments[head].get("type") in (None, "number", "integer", "string")


def _title(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    known = {*rule.arguments, *(rule.facts.gives if rule.facts else ())}
    place = ("actions", name, "title")
    try:
        names = [field for _, field, _, _ in string.Formatter().parse(rule.title) if field is not None]
    except ValueError as error:
        yield fault(
            d,
            "BH-CHA-048",
            f"the title of action `{name}` has a stray bracket: {error}",
            "Write places as `{argument}`, a bracket itself as `{{`.",
            *place,
        )
        return
    for field in names:
        if field not in known:
            yield fault(
                d,
                "BH-CHA-048",
                f"the title of action `{name}` has the place `{{{field}}}`, which is no argument or fact",
                f"{did_you_mean(field, known)}",
                *place,
            )
