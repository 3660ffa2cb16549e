"""How often a workflow must be right, and who looks: what a charter says of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from bridgehead.declare.part import Name, Part, Words, is_duration

OutputPath = Annotated[
    str, StringConstraints(pattern=r"^(?:input\.[A-Za-z0-9_-]+|result)(?:\.[A-Za-z0-9_-]+)*$")
]
"""What a run was given or came to: ``input.application.income``, ``result.decision``, ``result``."""


class AuditBudget(Part):
    """How many results people look at again."""

    share: float = Field(default=0.02, gt=0, le=1, description="The share of results that are drawn.")
    at_least: int = Field(default=20, ge=0, description="So many a week, where there are as many.")
    at_most: int = Field(
        default=100, ge=1, description="So many a week on average; four times as many where data drift."
    )
    within: str = Field(
        default="7d", description="How long an answer may take; later, it counts as not answered."
    )

    _durations = field_validator("within")(is_duration)


class Accuracy(Part):
    """The least share of results that must be right, and the people who look at a drawn few."""

    floor: float = Field(gt=0, lt=1, description="The least share of results that must be right: `0.90`.")
    question: Words = Field(default="Was this decision right?", description="What reviewers are asked.")
    reviewers: Name = Field(description="The group whose members look at drawn results: under `groups`.")
    shows: list[OutputPath] = Field(
        min_length=1,
        description="What reviewers see of a run, `input.application` or `result.decision`; nothing else.",
    )
    alpha: float = Field(
        default=0.01, gt=0, le=0.1, description="How often the alarm may be wrong, ever, under one release."
    )
    audit: AuditBudget = Field(default=AuditBudget(), description="How many results are drawn.")
    proxy: OutputPath | Literal[""] = Field(
        default="",
        description="Where the workflow says how likely it thinks its result is right, 0 to 1. Narrows the "
        "interval as far as it goes with the answers; reviewers never see it.",
    )
    segment: OutputPath | Literal[""] = Field(
        default="",
        description="Where a result's group stands (a country, a product): small groups are drawn more "
        "often. Stored as it is: nothing personal.",
    )
    amount: OutputPath | Literal[""] = Field(
        default="", description="Where its amount stands: the largest tenth is drawn more often."
    )
    features: list[OutputPath] = Field(
        default_factory=list,
        description="What the proxy rests on: where it comes to look unlike before, nothing is estimated "
        "from the proxy.",
    )
    key: OutputPath | Literal[""] = Field(
        default="",
        description="Where the number of the case stands by which other systems know it: answers that come "
        "later are joined by it.",
    )
    below_floor: Literal["toPerson", "rollBack"] = Field(
        default="toPerson",
        description="Once it is proved to be right too seldom, what it does is left to a person "
        "(`sick_data`). `rollBack`: the owner is also told to take the release back.",
    )
