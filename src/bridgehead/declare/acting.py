"""An action: what it does to the world, who stands behind its values, and how it is settled and undone."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from bridgehead.declare.labels import Endorser, Returns
from bridgehead.declare.part import Name, Part, Words, is_duration
from bridgehead.kernel.action import Effect


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
