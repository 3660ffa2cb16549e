"""The charter: what a deployment declares. Unknown keys are refused; nothing has a silent default
that widens a right. ``docs/reference/charter.md`` is generated from the descriptions here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from bridgehead.declare.accuracy import Accuracy as Accuracy
from bridgehead.declare.accuracy import AuditBudget as AuditBudget
from bridgehead.declare.acting import ActionRule as ActionRule
from bridgehead.declare.acting import FactRead as FactRead
from bridgehead.declare.acting import Facts as Facts
from bridgehead.declare.acting import Probe as Probe
from bridgehead.declare.asking import ApprovalRule as ApprovalRule
from bridgehead.declare.asking import Calendar as Calendar
from bridgehead.declare.collecting import Collection as Collection
from bridgehead.declare.connecting import Lanes as Lanes
from bridgehead.declare.connecting import McpServer as McpServer
from bridgehead.declare.connecting import Model as Model
from bridgehead.declare.connecting import Price as Price
from bridgehead.declare.connecting import per as per
from bridgehead.declare.labels import InputPath
from bridgehead.declare.looping import Loop as Loop
from bridgehead.declare.part import Name, Part, Words, is_amount, is_duration
from bridgehead.declare.part import amount as amount
from bridgehead.declare.part import seconds as seconds
from bridgehead.declare.reading import Bucket as Bucket
from bridgehead.declare.reading import Column as Column
from bridgehead.declare.reading import Feed as Feed
from bridgehead.declare.reading import Grant as Grant
from bridgehead.declare.reading import Source as Source
from bridgehead.declare.reading import SqlQuery as SqlQuery
from bridgehead.declare.reading import Table as Table
from bridgehead.declare.scheduling import Schedule as Schedule


class PromisedOutcome(Part):
    """What the business was promised, so that it can be measured."""

    metric: Words = Field(description="What is measured, in words the business uses.")
    baseline: Words = Field(description="The figure before this deployment.")
    target: Words = Field(description="The figure promised.")
    kill: str = Field(default="", description="When to switch it off for good.")


class Ownership(Part):
    """Who answers for the deployment."""

    person: Name = Field(description="The accountable owner: an id under `people`.")
    deputy: Name = Field(description="Who answers when the owner cannot: another id under `people`.")
    escalation: list[Name] = Field(
        default_factory=list, description="Whom to reach next, in order: ids under `people`."
    )


class Person(Part):
    """A human who takes part."""

    name: Words = Field(description="Name as shown to other people.")
    email: str = Field(default="", description="Where questions are sent.")
    groups: list[Name] = Field(default_factory=list, description="Groups the person belongs to.")
    roles: list[Literal["fde", "approver", "owner", "executive", "auditor"]] = Field(
        default_factory=list, description="What the person sees in the console."
    )
    attributes: dict[Name, str | int | list[str] | list[int]] = Field(
        default_factory=dict,
        description="What row filters ask about the person, such as `region: eu`; a list stands in "
        "`column in (:regions)`.",
    )
    active: bool = Field(default=True, description="False stops everything done by or for this person.")


class Group(Part):
    """People who decide together."""

    description: Words = Field(description="What the group answers for.")


class Agent(Part):
    """A program that acts on behalf of a human."""

    sponsor: Name = Field(description="The human on whose behalf it acts when nobody is online.")
    actions: list[Name] = Field(description="Actions it may take. Anything not listed is refused.")
    models: list[Name] = Field(default_factory=list, description="Models it may ask.")
    queries: list[str] = Field(
        default_factory=list, description="Named queries it may run, written `source.query`."
    )
    tables: list[str] = Field(
        default_factory=list,
        description="Tables it may read with SQL of its own, written `source.table`; of them no more than "
        "the human it acts for.",
    )
    collections: list[Name] = Field(
        default_factory=list,
        description="Collections it may search, for no more than the human it acts for may read.",
    )
    tags: list[Name] = Field(
        default_factory=list,
        description="Tags it is cleared for: a column or a document with any other tag is not there for it.",
    )
    active: bool = Field(default=True, description="False refuses everything the agent asks for.")


class Document(Part):
    """A text the deployment rests on, such as the company's policy; its bytes are part of the release."""

    path: str = Field(default="", description="File in this folder.")
    package: str = Field(default="", description="Or: an installed Python package that carries it.")
    resource: str = Field(default="", description="Path inside that package.")
    title: Words = Field(description="What people call it.")


class Hazard(Part):
    """A failure the business calls unacceptable."""

    description: Words = Field(description="What must never happen.")
    detector: Words = Field(description="What shows that it happened.")
    response: Literal["stop", "ask", "tell"] = Field(
        description="`stop` the deployment, `ask` people before going on, or `tell` the owner."
    )
    drill: Words = Field(description="How it is rehearsed in staging.")


class Objective(Part):
    """A service level objective."""

    metric: Words = Field(description="What is measured.")
    target: Words = Field(description="The figure to keep.")
    window: Words = Field(description="Over which time.")


class Budget(Part):
    """What runs may spend on models, and how much they may do."""

    run_cost: str = Field(default="1 USD", description="Money one run may spend on models.")
    day_cost: str = Field(
        default="50 USD", description="Money the deployment may spend on models in a day (UTC)."
    )
    run_crossings: int = Field(default=200, ge=1, description="Crossings one run may make.")
    run_effects: int = Field(default=20, ge=0, description="Effects (write or final) one run may have.")
    run_questions: int = Field(
        default=20,
        ge=0,
        description="Questions to people about the actions of one run; what would be one more is refused, so "
        "that nobody is asked until they are tired.",
    )

    _amounts = field_validator("run_cost", "day_cost")(is_amount)


class Retention(Part):
    """How long things are kept."""

    entries: str = Field(
        default="3650d", description="How long the ledger's entries are kept: at least 183 days."
    )
    bodies: str = Field(default="365d", description="At least 183 days (AI Act Art. 19(1), 26(6)).")

    _durations = field_validator("entries", "bodies")(is_duration)


class Workflow(Part):
    """Code that is run for a case."""

    function: str = Field(description="`file.py:name`: an async function (run, **input).")
    agent: Name = Field(description="The agent it runs as.")
    bindings: list[Name] = Field(
        default_factory=list,
        description="Values given when a run starts and bound to servers' hidden arguments.",
    )
    subject: str = Field(
        default="", description="What a subject is, e.g. `customer`; set, a run is confined to one."
    )
    rests_on: list[str] = Field(
        default_factory=list,
        description="Tables, as `source.table`, that its effects depend on besides those it queries: what "
        "breaks their contract counts for each of them.",
    )
    needs: dict[str, dict[str, Words]] = Field(
        default_factory=dict,
        description="By table, as `source.table`: the columns it depends on, each with why it matters. Where "
        "an answer has no value there, or no row, what the run does is left to a person (`sick_data`).",
    )
    words: list[InputPath] = Field(
        default_factory=list,
        description="Inputs that are the user's own words, `question` or `ticket.text`: the only free text "
        "that endorses. What they quote there (`>` lines, forwarded mail, fenced text) is not their own.",
    )
    accuracy: Accuracy | None = Field(
        default=None, description="How often its results must be right, and who looks at a drawn few."
    )


class Charter(Part):
    """The declaration of a deployment."""

    bridgehead: Literal[1] = Field(description="Version of this format.")
    name: Name = Field(description="Name of the deployment.")
    organisation: Name = Field(description="With the name it makes the ledger's origin.")
    stage: Literal["staging", "production"] = Field(
        default="staging", description="`production` refuses what is only for trying out."
    )
    purpose: Words = Field(description="What it is for, and for whom.")
    outcome: PromisedOutcome
    owner: Ownership
    people: dict[Name, Person]
    groups: dict[Name, Group] = Field(default_factory=dict)
    agents: dict[Name, Agent]
    servers: dict[Name, McpServer] = Field(default_factory=dict)
    sources: dict[Name, Source] = Field(default_factory=dict)
    models: dict[Name, Model] = Field(default_factory=dict)
    regions: list[str] = Field(description="Regions model calls may go to.")
    actions: dict[Name, ActionRule] = Field(default_factory=dict)
    provenance: Literal["off", "enforced"] = Field(
        default="off",
        description="`enforced`: an argument of an effect, and of what is `outward`, needs an origin that "
        "may stand behind it; without one people are asked (`unendorsed`), or it is refused.",
    )
    unendorsed: Name | None = Field(
        default=None,
        description="Approval rule asked about arguments nothing endorses; empty: they are refused.",
    )
    sick_data: Name | None = Field(
        default=None,
        description="Approval rule asked about what rests on data that break their contract, where a "
        "person is to decide; empty: it is refused.",
    )
    readers: dict[Name, list[str]] = Field(
        default_factory=dict,
        description="Tag -> destinations that may have such values, e.g. `*@example.com`; nobody else may.",
    )
    approvals: dict[Name, ApprovalRule] = Field(default_factory=dict)
    calendars: dict[Name, Calendar] = Field(default_factory=dict)
    workflows: dict[Name, Workflow]
    loops: dict[Name, Loop] = Field(default_factory=dict)
    schedules: dict[Name, Schedule] = Field(default_factory=dict)
    documents: dict[Name, Document] = Field(default_factory=dict)
    collections: dict[Name, Collection] = Field(default_factory=dict)
    policies: list[str] = Field(default_factory=list, description="Cedar files in this folder.")
    hazards: dict[Name, Hazard] = Field(default_factory=dict)
    objectives: dict[Name, Objective] = Field(default_factory=dict)
    budget: Budget = Budget()
    retention: Retention = Retention()

    @property
    def origin(self) -> str:
        """Return the ledger's origin line (C2SP tlog-checkpoint): ``organisation/name``."""
        return f"{self.organisation}/{self.name}"
