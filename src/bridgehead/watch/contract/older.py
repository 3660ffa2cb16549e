"""Clauses of version 3.0, in which ``rule`` was free text, as the metrics of 3.1.

What a word of 3.0 certainly means is mapped. Everything else becomes a clause for people, and is listed as
not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridgehead.watch.contract.shape import OPERATORS

METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
_MEANT = {
    "duplicatecount": "duplicateValues",
    "duplicatepercent": "duplicateValues",
    "validvalues": "invalidValues",
    "invalidcount": "invalidValues",
    "rowcount": "rowCount",
    "countcheck": "rowCount",
    "nullcheck": "nullValues",
    "nullcount": "nullValues",
    "uniquecheck": "duplicateValues",
    "unique": "duplicateValues",
} | {metric.lower(): metric for metric in METRICS}
_SAYS_ITSELF = ("nullcheck", "validvalues", "uniquecheck", "unique")
"""Rules that mean none at all when they come without an operator."""


def brought_up(value: Any) -> Any:
    """Return a contract's value in which each free-text ``rule`` has become a metric, or text for people."""
    if isinstance(value, list):
        return [brought_up(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    made = {key: brought_up(one) for key, one in value.items()}
    if isinstance(made.get("quality"), list):
        made["quality"] = [_clause(clause) for clause in made["quality"]]
    return made


def _clause(clause: Any) -> Any:
    if not isinstance(clause, Mapping) or "rule" not in clause or "metric" in clause:
        return clause
    if clause.get("type", "library") != "library" or not isinstance(clause["rule"], str):
        return clause
    rule = clause["rule"].replace("_", "").lower()
    rest = {
        key: one for key, one in clause.items() if key not in ("rule", "validValues", "values", "pattern")
    }
    metric = _MEANT.get(rule)
    says = any(operator in clause for operator in OPERATORS)
    if metric is None or not (says or rule in _SAYS_ITSELF):
        return _for_people(clause)
    if metric == "invalidValues":
        rest["arguments"] = _arguments(clause)
        if not rest["arguments"]:
            return _for_people(clause)
    if rule.endswith("percent"):
        rest["unit"] = "percent"
    return {**rest, "type": "library", "metric": metric, **({} if says else {"mustBe": 0})}


def _arguments(clause: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(clause.get("arguments") or {})
    values = clause.get("validValues", clause.get("values"))
    if values is not None:
        given["validValues"] = values
    if "pattern" in clause:
        given["pattern"] = clause["pattern"]
    return given


def _for_people(clause: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: clause[key] for key in ("id", "name", "dimension", "severity", "tags") if key in clause}
    words = f"rule: {clause['rule']}"
    if isinstance(clause.get("description"), str):
        words += f" ({clause['description']})"
    return {**kept, "type": "text", "description": words}
