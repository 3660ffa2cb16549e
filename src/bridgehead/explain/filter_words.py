"""A row filter of the charter as a person says it: ``region = :region`` is "region is the person's region".

What has no plain words is left to its SQL: half a sentence would say another thing than is enforced.
"""

from __future__ import annotations

from sqlglot import exp

from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rights import ALL_ROWS, Dialect
from bridgehead.enforce.sql.substitute import read_filter

_COMPARED: dict[type[exp.Expr], str] = {
    exp.EQ: "is",
    exp.NEQ: "is not",
    exp.GT: "is more than",
    exp.GTE: "is at least",
    exp.LT: "is less than",
    exp.LTE: "is at most",
}
_SAID = frozenset({"this", "expression", "expressions", "low", "high", "negate"})
"""What of a part is said here; anything more, such as SYMMETRIC, would change its meaning."""

_JOINED: dict[type[exp.Expr], str] = {exp.And: "and", exp.Or: "or"}


class _NoWords(Exception):
    """A part of a filter that has no plain words."""


def in_words(rows: str, dialect: Dialect) -> str:
    """Return a row filter in words, or the empty string where it has none."""
    if rows == ALL_ROWS:
        return "all rows"
    try:
        return f"rows where {_condition(read_filter(rows, dialect))}"
    except (SqlRefused, _NoWords):
        return ""


def _condition(node: exp.Expr) -> str:
    if any(value for key, value in node.args.items() if key not in _SAID):
        raise _NoWords
    match node:
        case exp.And() | exp.Or():
            return f"{_side(node.left, node)} {_JOINED[type(node)]} {_side(node.right, node)}"
        case exp.Paren():
            return f"({_condition(node.this)})"
        case exp.Not(this=exp.In() as inner):
            return _listed(inner, "is none of")
        case exp.Not(this=exp.Is() as inner):
            return _is(inner, True)
        case exp.Is():
            return _is(node, bool(node.args.get("negate")))
        case exp.In():
            return _listed(node, "is one of")
        case exp.Between():
            low, high = _value(node.args["low"]), _value(node.args["high"])
            return f"{_value(node.this)} is from {low} to {high}"
    words = _COMPARED.get(type(node))
    if words is None or not isinstance(node, exp.Binary):
        raise _NoWords
    return f"{_value(node.left)} {words} {_value(node.right)}"


def _side(node: exp.Expr, around: exp.Expr) -> str:
    """AND binds closer than OR; people read from left to right."""
    said = _condition(node)
    return f"({said})" if isinstance(node, exp.And | exp.Or) and type(node) is not type(around) else said


def _is(node: exp.Is, negated: bool) -> str:
    negated ^= bool(node.args.get("negate")) and isinstance(node.parent, exp.Not)
    if isinstance(node.expression, exp.Null):
        return f"{_value(node.this)} is {'known' if negated else 'not known'}"
    if isinstance(node.expression, exp.Boolean):
        return f"{_value(node.this)} is {'not ' if negated else ''}{_value(node.expression)}"
    raise _NoWords


def _listed(node: exp.In, words: str) -> str:
    listed = node.expressions
    if not listed:
        raise _NoWords
    if len(listed) == 1 and isinstance(listed[0], exp.Placeholder):
        return f"{_value(node.this)} {words} {_attribute(str(listed[0].this))}"
    return f"{_value(node.this)} {words} {', '.join(_value(one) for one in listed)}"


def _value(node: exp.Expr) -> str:
    match node:
        case exp.Column():
            return str(node.name)
        case exp.Placeholder():
            return _attribute(str(node.this))
        case exp.Literal():
            return f"“{node.name}”" if node.is_string else str(node.name)
        case exp.Neg(this=exp.Literal() as inner) if not inner.is_string:
            return f"-{inner.name}"
        case exp.Boolean():
            return "true" if node.this else "false"
    raise _NoWords


def _attribute(name: str) -> str:
    return "whom the run serves" if name == "subject" else f"the person's {name.replace('_', ' ')}"
