"""What a charter says of a workflow's accuracy: its people must be there, and may not see the proxy."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.accuracy import Accuracy
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.naming import fault, unknown
from bridgehead.kernel.errors import CharterError

SURE = "Who sees how sure the workflow is agrees with it more often than it is right."


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-160 to BH-CHA-163."""
    charter = deployment.charter
    for name, workflow in charter.workflows.items():
        declared, place = workflow.accuracy, ("workflows", name, "accuracy")
        if declared is None:
            continue
        if declared.reviewers not in charter.groups:
            found = charter.groups
            yield unknown(deployment, "BH-CHA-160", declared.reviewers, "groups", found, *place, "reviewers")
        yield from _blind(deployment, declared, place)
        yield from _budget(deployment, declared, place)


def _blind(d: Deployment, declared: Accuracy, place: tuple[str, ...]) -> Iterator[CharterError]:
    for index, shown in enumerate(declared.shows):
        if declared.proxy and f"{declared.proxy}.".startswith(f"{shown}."):
            yield fault(
                d,
                "BH-CHA-161",
                f"`{shown}` shows reviewers the proxy, `{declared.proxy}`",
                "Name the fields they need one by one, without the proxy.",
                *place,
                "shows",
                index,
                means=SURE,
            )


def _budget(d: Deployment, declared: Accuracy, place: tuple[str, ...]) -> Iterator[CharterError]:
    if declared.audit.at_least > declared.audit.at_most:
        yield fault(
            d,
            "BH-CHA-162",
            f"`at_least` is {declared.audit.at_least}, `at_most` is {declared.audit.at_most}",
            "Write `at_least` no larger than `at_most`.",
            *place,
            "audit",
            "at_least",
        )
    if declared.features and not declared.proxy:
        yield fault(
            d,
            "BH-CHA-163",
            "`features` are named without a `proxy`",
            "Name the proxy that rests on them, or leave them out.",
            *place,
            "features",
        )
