"""A value inside a cell carries the tags of its column, whatever it is called in there."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.enforce.provenance.leaves import Seen, taken_apart

TAGS = {"profile": frozenset({"private"}), "id": frozenset({"internal"}), "name": frozenset[str]()}


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"profile": {"salary": 73412}}, {"private"}),
        ({"profile": {"name": "Bob", "more": [{"id": 7}]}}, {"private"}),  # inner keys that are columns, too
        ({"profile": [73412, [1]]}, {"private"}),
        ({"name": {"id": "x", "profile": "y"}}, set()),
        ({"id": 7}, {"internal"}),
    ],
)
def test_a_value_in_a_cell_has_the_tags_of_its_column(row: dict[str, Any], wanted: set[str]) -> None:
    leaves, _ = taken_apart(Seen(kind="query", target="sales", position="1", value=[row], tags=TAGS))
    assert leaves and all(leaf.tags == wanted for leaf in leaves)
