"""The charter: what a deployment declares. Unknown keys are refused; nothing has a silent default
that widens a right. ``docs/reference/charter.md`` is generated from the descriptions here."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from bridgehead.declare.asking import ApprovalRule as ApprovalRule
from bridgehead.declare.asking import Calendar as Calendar
from bridgehead.declare.collecting import Collection as Collection
from bridgehead.declare.labels import Endorser, InputPath, Returns
from bridgehead.declare.looping import Loop as Loop
from bridgehead.declare.part import Name, Part, Words, is_amount, is_duration
from bridgehead.declare.part import amount as amount
from bridgehead.declare.part import seconds as seconds
from bridgehead.declare.reading import Bucket as Bucket
from bridgehead.declare.reading import Column as Column
from bridgehead.declare.reading import Grant as Grant
from bridgehead.declare.reading import Source as Source
from bridgehead.declare.reading import SqlQuery as SqlQuery
from bridgehead.declare.reading import Table as Table
from bridgehead.declare.scheduling import Schedule as Schedule
from bridgehead.kernel.action import Effect


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


class Document(Part):
    """A text the deployment rests on, such as the company's policy; its bytes are part of the release."""

    path: str = Field(default="", description="File in this folder.")
    package: str = Field(default="", description="Or: an installed Python package that carries it.")
    resource: str = Field(default="", description="Path inside that package.")
    title: Words = Field(description="What people call it.")


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


class FactRead(Part):
    """A read made before deciding, so that the rules see the record as it is now."""

    action: Name = Field(description="A `read` action of this charter.")
    arguments: dict[str, str] = Field(
        description="Its arguments: `arguments.X` of the action decided on, `reads.READ.FIELD` of a read "
        "made before it, or `each` (see for_each)."
    )
    for_each: str = Field(default="", description="`arguments.X`, a list: one read for each item.")


class Facts(Part):
    """What the rules need to know beyond the arguments."""

    function: str = Field(
        description="`file.py:name` in this folder: a pure function (arguments, reads) -> facts."
    )
    reads: dict[Name, FactRead] = Field(default_factory=dict, description="The reads, made in this order.")
    gives: dict[Name, Literal["text", "integer", "boolean", "amount"]] = Field(
        description="Names and types of the facts, as policies see them."
    )


class Probe(Part):
    """How to ask whether an effect landed when its answer was lost."""

    action: Name = Field(description="A `read` action of this charter.")
    arguments: dict[str, str] = Field(description="Its arguments: `arguments.X` or `key`.")
    landed: str = Field(
        description="`file.py:name`: a pure function (arguments, answer) -> bool, or how many were found: "
        "more than one is a duplicate, and a person is told."
    )
    strength: Literal["strong", "weak"] = Field(description="`strong` if a no proves that it did not happen.")


class Listing(Part):
    """What the other system says it did for us, to compare with what the ledger says."""

    action: Name = Field(description="A `read` action of this charter without required arguments.")
    keys: str = Field(
        description="`file.py:name`: a pure function (bindings, answer) -> list of our keys found in it."
    )


class ActionRule(Part):
    """One action: what it does to the world and how it is settled."""

    server: Name = Field(description="The system that performs it: an id under `servers`.")
    tool: str = Field(default="", description="Its tool there; empty means the same name.")
    title: Words = Field(
        description="The action in words, with `{argument}` and `{fact}` places: "
        '"Cancel order {order_id}". Shown to approvers.'
    )
    effect: Effect = Field(
        description="`read`: nothing. `write`: can be taken back, names its `undo`. `final`: cannot."
    )
    outward: bool = Field(default=False, description="True if it leaves the company.")
    arguments: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="JSON Schema of each argument. All are required unless `optional`."
    )
    optional: list[str] = Field(default_factory=list, description="Arguments that may be left out.")
    sensitive: list[str] = Field(
        default_factory=list, description="Arguments through which harm is done (who, where, how much)."
    )
    endorsed_by: dict[str, list[Endorser]] = Field(
        default_factory=dict,
        description="Argument -> which origins may stand behind it: `user` (their own words name it), "
        "`charter` (`allowed` lists it), `record:ACTION.FIELD` (equal to a field that `returns` calls a "
        "record), `named:ACTION.FIELD` (the same, in the one record the user named), "
        "`found:ACTION.FIELD` (in the one record a look-up by the user's words gave). "
        "Not declared: user and charter.",
    )
    allowed: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Argument -> values that are always endorsed, such as `*@example.com`.",
    )
    inside: list[str] = Field(
        default_factory=list,
        description="Arguments with free text that stays in the company, and may say anything.",
    )
    egress: list[str] = Field(
        default_factory=list,
        description="Arguments with text that leaves: its links must be endorsed, and confidential values "
        "may only go to who may have them (`readers`).",
    )
    destination: list[str] = Field(
        default_factory=list, description="Arguments that say who receives what `egress` carries."
    )
    returns: Returns | None = Field(
        default=None, description="What its result is worth; not declared: untrusted."
    )
    unendorsed: Name | None = Field(
        default=None,
        description="Approval rule asked about what nothing endorses; empty: the charter's `unendorsed`.",
    )
    editable: list[str] = Field(
        default_factory=list,
        description="Arguments that somebody who is asked may change; others then decide about the changed "
        "action.",
    )
    subject: str = Field(
        default="",
        description="Whose record it touches: `arguments.X`, `facts.X` or, for reads, `result.X`. A run "
        "opened for one subject may not touch another's.",
    )
    identifies: bool = Field(default=False, description="True if its result is the id of the run's subject.")
    record: str = Field(
        default="",
        description="The business record it changes: `arguments.X` or `facts.X`; an action that names none "
        "is refused. Changes are counted per record.",
    )
    amount: str = Field(default="", description="The money it moves: `arguments.X` or `facts.X`.")
    currency: str = Field(default="", description="Currency of `amount` where it is a plain number.")
    facts: Facts | None = None
    undo: Name | None = Field(default=None, description="For `write`: the action that takes it back.")
    undo_arguments: dict[str, str] = Field(
        default_factory=dict, description="Arguments of the undo: `arguments.X` or `before.READ.FIELD`."
    )
    probe: Probe | None = None
    listing: Listing | None = Field(
        default=None,
        description="Where the other system keeps our keys: the action that lists them. An undo compares "
        "them with the ledger, both ways.",
    )
    key_argument: str = Field(
        default="",
        description="Argument that carries our key, where people of the other system see it; `repeats` "
        "says what that system does with a second call.",
    )
    key_length: int = Field(
        default=64,
        ge=16,
        le=64,
        description="Longest key that argument takes. Below 64 a short form is sent that people can read "
        "out, such as `BH-7K3M-9QXD-4TPA-W2NE`.",
    )
    repeats: Literal["dropped", "kept"] = Field(
        default="dropped",
        description="What the other side does with a second call with the same key. `dropped`: an unclear "
        "call is sent again. `kept`: the key is a reference only, and nothing is repeated on its strength.",
    )
    key_lifetime: str = Field(
        default="",
        description="How long the other side remembers a key, e.g. `24h`; empty: for ever. After it an "
        "unclear call is asked about, or left to a person.",
    )
    settled_by: Name | None = Field(
        default=None,
        description="Group that says what became of an effect when nothing can be asked; empty: owner or "
        "deputy. Never whoever asked for it, or whom it is about.",
    )
    late: bool = Field(
        default=True,
        description="Ask the probe once more, ten times `settle` after the end: what failed and happened "
        "after all, is gone, or is there twice becomes an incident.",
    )
    send_budget: str = Field(default="10s", description="Give up before sending when older than this.")
    settle: str = Field(default="30s", description="How late the other system may still apply a call.")
    deadline: str = Field(default="", description="How long one call may take; empty: the server's.")

    _durations = field_validator("send_budget", "settle")(is_duration)

    @field_validator("key_lifetime")
    @classmethod
    def _lifetime(cls, value: str) -> str:
        return is_duration(value) if value else value


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
    words: list[InputPath] = Field(
        default_factory=list,
        description="Inputs that are the user's own words, `question` or `ticket.text`: the only free text "
        "that endorses. What they quote there (`>` lines, forwarded mail, fenced text) is not their own.",
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
