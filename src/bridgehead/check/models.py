"""Models and what they cost: where they run, what is paid, who answers in production."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.declare.model import amount
from bridgehead.kernel.finding import Finding

REGION = Rule(
    id="BH-CHK-030",
    severity="block",
    title="A model runs in a region that is not allowed",
    why="Every call to it would be refused: calls go only to the charter's `regions`.",
    fix="Use a model in an allowed region, or add the region to `regions` if that is really meant.",
)
NO_PRICE = Rule(
    id="BH-CHK-031",
    severity="warn",
    title="A model has no price",
    why="Without one nothing can be budgeted: `run_cost` and `day_cost` do not hold for it.",
    fix="Add `price` with `input_per_million` and `output_per_million`.",
)
CURRENCIES = Rule(
    id="BH-CHK-032",
    severity="block",
    title="Prices and budgets are in different currencies",
    why="Currencies are never converted, so the budget could not be kept.",
    fix="Write all prices and budgets in one currency.",
)
PLAIN_HTTP = Rule(
    id="BH-CHK-033",
    severity="block",
    title="A system is reached over plain http",
    why="Its key and everything said to it can be read on the way.",
    fix="Use https, or run it on this machine.",
)
STAND_IN_LIVE = Rule(
    id="BH-CHK-034",
    severity="block",
    title="A stand-in may answer in production",
    why="A script is not a model: what it does is not what was evaluated.",
    fix="Remove the stand-in, or set `stage: staging`.",
)
BUDGET_ORDER = Rule(
    id="BH-CHK-035",
    severity="warn",
    title="One run may spend more than a whole day",
    why="A single run can use up what all runs of a day share.",
    fix="Lower `budget.run_cost` or raise `budget.day_cost`.",
)
UNASKED = Rule(
    id="BH-CHK-036",
    severity="info",
    title="A model nobody may ask",
    why="No agent lists it and it plays no other model.",
    fix="Remove it, or list it under an agent's `models`.",
)

STAND_IN_REFUSED = Rule(
    id="BH-CHK-037",
    severity="warn",
    title="A stand-in may not be asked by the agent it plays a model for",
    why="Without an endpoint every question to that model would be refused.",
    fix="List the stand-in under the agent's `models`, next to the model it plays.",
)

_HERE = re.compile(r"^(localhost|127\.\d+\.\d+\.\d+|::1)$")


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with models, their addresses and their budget."""
    charter = d.charter
    asked = {model for agent in charter.agents.values() for model in agent.models}
    for name, model in charter.models.items():
        if model.region not in charter.regions:
            yield REGION.found(
                f"Model `{name}` runs in `{model.region}`; allowed are {', '.join(charter.regions)}.",
                d.where("models", name, "region"),
            )
        if model.driver == "openai" and model.price is None:
            yield NO_PRICE.found(f"Model `{name}` has no price.", d.where("models", name))
        if model.driver == "stand-in" and charter.stage == "production":
            yield STAND_IN_LIVE.found(f"`{name}` is a stand-in.", d.where("models", name, "driver"))
        if _exposed(model.endpoint):
            yield PLAIN_HTTP.found(
                f"Model `{name}` is reached at {model.endpoint}.", d.where("models", name, "endpoint")
            )
        if name not in asked and not model.instead_of:
            yield UNASKED.found(f"No agent may ask `{name}`.", d.where("models", name))
    for name, server in charter.servers.items():
        if _exposed(server.url):
            yield PLAIN_HTTP.found(
                f"Server `{name}` is reached at {server.url}.", d.where("servers", name, "url")
            )
    yield from _stand_ins(d)
    yield from _money(d)


def _stand_ins(d: Deployment) -> Iterator[Finding]:
    for name, model in d.charter.models.items():
        for agent_name, agent in d.charter.agents.items():
            if model.instead_of in agent.models and name not in agent.models:
                yield STAND_IN_REFUSED.found(
                    f"`{agent_name}` may ask `{model.instead_of}`, and not `{name}`, which plays it.",
                    d.where("agents", agent_name, "models"),
                )


def _exposed(address: str) -> bool:
    return address.lower().startswith("http://") and not _HERE.match(_host(address))


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _money(d: Deployment) -> Iterator[Finding]:
    run, run_currency = amount(d.charter.budget.run_cost)
    day, day_currency = amount(d.charter.budget.day_cost)
    if run_currency != day_currency:
        yield CURRENCIES.found(
            f"A run is budgeted in {run_currency}, a day in {day_currency}.", d.where("budget")
        )
    elif run > day:
        yield BUDGET_ORDER.found(f"A run may spend {run}, a day {day}.", d.where("budget", "run_cost"))
    for name, model in d.charter.models.items():
        if model.price is not None and model.price.currency != run_currency:
            yield CURRENCIES.found(
                f"Model `{name}` is priced in {model.price.currency}, the budget is in {run_currency}.",
                d.where("models", name, "price"),
            )


FAMILY = Family(
    "Models and money",
    (REGION, NO_PRICE, CURRENCIES, PLAIN_HTTP, STAND_IN_LIVE, BUDGET_ORDER, UNASKED, STAND_IN_REFUSED),
    look,
)
