"""Data contracts in the Open Data Contract Standard, version 3."""

from bridgehead.watch.contract.model import (
    Clause,
    Column,
    Condition,
    Contract,
    Freshness,
    Library,
    Logical,
    Options,
    Query,
    Reference,
    Scalar,
    Table,
    Threshold,
    Unchecked,
)
from bridgehead.watch.contract.ours import Cadence, ControlTotals, NeedBy, Ours, Responses

__all__ = [
    "Cadence",
    "Clause",
    "Column",
    "Condition",
    "Contract",
    "ControlTotals",
    "Freshness",
    "Library",
    "Logical",
    "NeedBy",
    "Options",
    "Ours",
    "Query",
    "Reference",
    "Responses",
    "Scalar",
    "Table",
    "Threshold",
    "Unchecked",
]
