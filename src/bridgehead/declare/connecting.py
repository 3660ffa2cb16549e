"""The systems and the models a deployment reaches, and how much of each it may use at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from bridgehead.declare.part import Part, is_duration, seconds


def per(rate: str) -> tuple[int, float]:
    """Return the number and the seconds in a rate such as ``60/1m``."""
    number, _, duration = rate.partition("/")
    if not number.isascii() or not number.isdigit() or int(number) < 1:
        raise ValueError(f"{rate!r} is not a rate; write for example 60/1m or 5/1s")
    length = seconds(duration)
    if length <= 0:
        raise ValueError(f"{rate!r} is not a rate: its time is nothing")
    return int(number), length


def _is_rate(value: str) -> str:
    if value:
        per(value)
    return value


class Lanes(Part):
    """How many calls a system takes, over all workers together; what is too much waits its turn."""

    concurrency: int = Field(default=0, ge=0, le=10_000, description="Calls at the same time; 0: any number.")
    rate: str = Field(
        default="", description="Calls in a stretch of time, such as `60/1m`; empty: any number."
    )

    _rate = field_validator("rate")(_is_rate)


HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,62}$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,4000}$")]


class McpServer(Part):
    """A system reached through the Model Context Protocol: started over stdio or reached by URL."""

    command: list[str] = Field(
        default_factory=list,
        description="Program and arguments to start (stdio). `{python}` is this interpreter, "
        "`{state}` the deployment's state folder.",
    )
    url: str = Field(default="", description="Address of a streamable HTTP endpoint.")
    env: dict[str, str] = Field(
        default_factory=dict,
        description="Environment of the program; `{state}` as above, `${NAME}` from ours.",
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict,
        description="For `url`: headers of every request, such as `Authorization: Bearer ${TOKEN}`; "
        "`${NAME}` from ours, never the secret itself.",
    )
    region: str = Field(description="Where it runs, for example `eu` or `local`.")
    bound: dict[str, str] = Field(
        default_factory=dict,
        description="Arguments the deployment fills in and the agent never sees: tool argument -> "
        "name of the run's binding.",
    )
    hidden: list[str] = Field(
        default_factory=list, description="Tools of the server that no action may ever name."
    )
    refusals: Literal["nothing-happened", "unclear"] = Field(
        default="unclear",
        description="What an error answer of a tool proves: `nothing-happened` only where the system "
        "documents that it changes nothing when it answers with an error.",
    )
    result: str = Field(
        default="",
        description="Field of the structured answer that is the answer; the rest is the server's own "
        "bookkeeping and is dropped. Empty: the whole answer.",
    )
    deadline: str = Field(default="30s", description="How long one call may take.")
    lanes: Lanes | None = Field(
        default=None,
        description="How many calls it takes at once and in a stretch of time; none: any number.",
    )

    _deadline = field_validator("deadline")(is_duration)


class Price(Part):
    """What a model costs."""

    input_per_million: Decimal = Field(ge=0, description="Price of a million input tokens.")
    output_per_million: Decimal = Field(ge=0, description="Price of a million output tokens.")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        default="USD", description="Currency of both prices."
    )


class Model(Part):
    """A model and where it runs."""

    driver: Literal["openai", "stand-in"] = Field(
        description="`openai`: any OpenAI-compatible chat endpoint. `stand-in`: a labelled script, no model."
    )
    endpoint: str = Field(
        default="", description="Base URL; empty means the environment variable OPENAI_BASE_URL."
    )
    key_from: str = Field(
        default="OPENAI_API_KEY", description="Environment variable that holds the key; never the key itself."
    )
    model: str = Field(
        default="", description="Name the endpoint knows it by; `${NAME}` from the environment."
    )
    script: str = Field(default="", description="For `stand-in`: `file.py:function` in this folder.")
    instead_of: str = Field(
        default="",
        description="For `stand-in`: the model it replaces when no endpoint is set.",
    )
    region: str = Field(description="Where it runs, e.g. `eu`. `local` never leaves this machine.")
    price: Price | None = Field(
        default=None, description="What it costs; without it nothing can be budgeted."
    )
    max_output_tokens: int = Field(default=2048, ge=1, description="Tokens one answer may have.")
    deadline: str = Field(default="120s", description="How long one answer may take.")

    _deadline = field_validator("deadline")(is_duration)
