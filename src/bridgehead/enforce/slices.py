"""Of a release's policies, those whose scope can match an action at all. The rest is not evaluated.

Called by ``policy`` with the text it validated whole. A policy is left out only where its scope names actions
and neither this one nor the group that every act is in is among them: Cedar would not have matched it either,
and its conditions would not have been looked at. Whatever is not understood stays in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import cedarpy

ACT = "act"
"""The group of actions that every action of the charter is in (``cedar.schema``)."""
_ACTION = "BH::Action"


class Slices:
    """The policies of one text, by action. Each keeps the name it has in the whole set."""

    def __init__(self, text: str) -> None:
        self._all: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(text))
        self._of: dict[str, cedarpy.PolicySet] = {}

    def of(self, action: str) -> cedarpy.PolicySet:
        """Return the policies that can match an action: parsed when it is first asked about."""
        found = self._of.get(action)
        if found is None:
            found = self._of[action] = cedarpy.PolicySet.from_json_str(json.dumps(self._sliced(action)))
        return found

    def _sliced(self, action: str) -> dict[str, Any]:
        policies = self._all["staticPolicies"]
        kept = {name: policy for name, policy in policies.items() if can_match(policy["action"], action)}
        return {**self._all, "staticPolicies": kept}


def can_match(scope: Mapping[str, Any], action: str) -> bool:
    """Say whether a policy with this action scope (Cedar's JSON form) may match an action."""
    named = [scope["entity"]] if "entity" in scope else scope.get("entities")
    if scope.get("op") not in ("==", "in") or not named:
        return True
    return any(one.get("type") != _ACTION or one.get("id") in (action, ACT) for one in named)
