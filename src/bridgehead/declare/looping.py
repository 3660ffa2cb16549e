"""What a charter may say of a loop: how much one conversation of a model with its actions may do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator

from bridgehead.declare.part import Name, Part, amount, is_amount


class Loop(Part):
    """How much one `run.agent(..., budget=NAME)` may do. What is refused or failed undone does not count."""

    actions: dict[Name, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="Action -> how often; an action that is not named is not counted."
    )
    effects: int | None = Field(
        default=None, ge=0, description="Effects (write or final) of all its actions together."
    )
    amounts: list[str] = Field(
        default_factory=list,
        description="Money its actions may move together, one amount for each currency, e.g. `500 USD`; "
        "where there is any, no other currency.",
    )

    @field_validator("amounts")
    @classmethod
    def _amounts(cls, value: list[str]) -> list[str]:
        twice = [currency for currency, times in Counter(_currencies(value)).items() if times > 1]
        if twice:
            raise ValueError(f"{twice[0]} has two amounts; write one for each currency")
        return value


def _currencies(value: list[str]) -> Iterator[str]:
    for each in value:
        is_amount(each)
        yield amount(each)[1]
