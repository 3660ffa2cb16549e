"""The boundary of one release: everything ``perform`` needs, handed in by ``assemble``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bridgehead.declare import Deployment
from bridgehead.declare.model import ActionRule, Charter
from bridgehead.enforce.in_the_air import InTheAir
from bridgehead.enforce.sql.rewriter import Rewriter
from bridgehead.kernel.access import AccessSource
from bridgehead.kernel.action import Action
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.decision import Reason
from bridgehead.kernel.ports import Driver
from bridgehead.kernel.principal import Principal
from bridgehead.record import Ledger
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import Store

if TYPE_CHECKING:
    from bridgehead.enforce.policy import CedarPolicy


class StepObserver(Protocol):
    """Told when a step of ``perform`` begins: for spans and for measuring."""

    def step(self, number: int) -> None:
        """Step ``number`` (1 to 10) begins; 0 means the crossing ended."""


class Unobserved:
    """Observes nothing."""

    def step(self, number: int) -> None:
        """Do nothing."""


class OwnWorkflow(Protocol):
    """A workflow of the house: it takes the run as it is, and returns what is recorded at its end."""

    def __call__(self, boundary: Boundary, run: RunState, /) -> Awaitable[Any]:
        """Carry the run as far as it goes; raise ``Park`` to wait."""


class AtEnd(Protocol):
    """What else is written down in the transaction that ends a run with a result."""

    def __call__(
        self, boundary: Boundary, run: RunState, case: Mapping[str, Any], result: Any, /
    ) -> UnitOfWork | None:
        """Return the unit, or None where there is nothing to write."""


def nothing_more(boundary: Boundary, run: RunState, case: Mapping[str, Any], result: Any) -> None:
    """Write nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """One release at work. ``drivers`` are keyed ``server:NAME``, ``model:NAME``, ``source:NAME``,
    ``collection:NAME``; ``access`` says, by collection, who may read its documents where they come from.

    ``directory`` gives the people and agents of the *active* release: a run keeps the rules of its own
    release, but a person switched off today is off for every run at once. ``function`` loads
    ``file.py:name`` from this release's snapshot. ``own`` are workflows of the house itself, by kind of run;
    ``at_end`` is told of every result; ``in_the_air`` is the engine's. ``rewriter`` remembers rewritten SQL;
    ``mask_secret`` keys the ``hash`` mask, ``wall_secret`` what a database with a second wall is told about
    its reader.
    ``distrusted`` are places (``run/position``) whose results are taken as untrusted, whatever the charter
    says of them: a recording that is played again may know better. ``home`` is the deployment folder as it
    lies here, which a release is a copy of; ``state`` its state folder.
    """

    deployment: Deployment
    store: Store
    ledger: Ledger
    clock: Clock
    policy: CedarPolicy
    drivers: Mapping[str, Driver]
    function: Callable[[str], Callable[..., Any]]
    directory: Callable[[], Charter]
    boot: str
    observer: StepObserver = field(default_factory=Unobserved)
    own: Mapping[str, OwnWorkflow] = field(default_factory=dict)
    at_end: AtEnd = nothing_more
    in_the_air: InTheAir = field(default_factory=InTheAir)
    rewriter: Rewriter = field(default_factory=Rewriter)
    mask_secret: str = field(default="", repr=False)
    wall_secret: str = field(default="", repr=False)
    distrusted: Set[str] = field(default_factory=set)
    access: Mapping[str, AccessSource] = field(default_factory=dict)
    home: Path = Path()
    state: Path = Path()

    @property
    def charter(self) -> Charter:
        """Return the charter of this release."""
        return self.deployment.charter

    def where(self, *path: str | int) -> str:
        """Return ``charter.yaml:LINE`` of a part of this release's charter."""
        return self.deployment.where(*path)

    def reason(self, rule: str, words: str, *path: str | int) -> Reason:
        """Return a reason that points into the charter."""
        return Reason(rule=rule, words=words, source=self.where(*path) if path else "")


RunKind = Literal["case", "undo"]
"""``case``: a workflow works on something. ``undo``: what other runs did is taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoes:
    """The effect that a compensation takes back: its place in the journal and its key.

    ``single``: people agree to this compensation by itself, whatever the policies say.
    """

    run: str
    position: str
    key: str
    single: bool = False

    @property
    def name(self) -> str:
        """``run/position``: what the journal's row of the compensation names."""
        return f"{self.run}/{self.position}"


@dataclass(slots=True, kw_only=True)
class RunState:
    """The run a crossing belongs to, as the current segment knows it.

    ``subject`` is set once, when the run identifies whom it serves; until then it is empty. ``told``
    is the subject as far as this pass of the workflow has come: a replay begins without it again.
    ``restored_at`` is set where the run was under way in a backup that was restored (``presumed``), and
    ``backup_at``, when that backup was taken.
    """

    id: str
    release: str
    workflow: str
    principal: Principal
    bindings: Mapping[str, str]
    segment: int
    attempt: int
    subject: str = ""
    told: str = ""
    backup_at: str = ""
    restored_at: str = ""
    kind: RunKind = "case"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a person changed about an action before others decide: who, and what the workflow asked for.

    ``in_place_of`` is who had delegated it to them, if anybody. ``question`` is the one it took the place of,
    ``rules`` those it was asked under; ``leaf`` is the leaf hash (hexadecimal) of the entry that records it,
    ``entry`` its index.
    """

    asked: Action
    by: str
    question: str
    rules: tuple[str, ...]
    in_place_of: tuple[str, ...] = ()
    leaf: str
    entry: int


@dataclass(frozen=True, kw_only=True)  # no slots: its digests are computed once and kept
class Crossing:
    """One action at one position of a run's journal.

    ``action`` is what would happen. Where a person edited it, ``edit`` holds what the workflow asked for.
    """

    run: RunState
    position: str
    action: Action
    evidence_of: str = ""  # set on the reads that only inform another crossing's decision
    edit: Edit | None = None
    settles: bool = False  # set on the read that asks whether an unclear effect landed: no stop holds it back
    undoes: Undoes | None = None  # set on a compensation
    loop: str = ""  # the charter's loop a model takes it in: what one such conversation may do

    @cached_property
    def action_digest(self) -> str:
        """What an approval binds to (``Action.digest``): the action that would happen."""
        return self.action.digest()

    @property
    def asked_digest(self) -> str:
        """What the journal binds to: the action the workflow asks for here, at every replay."""
        return self.action_digest if self.edit is None else self.edit.asked.digest()

    @cached_property
    def arguments_digest(self) -> str:
        """SHA-256 of the canonical arguments: all the envelope says about them."""
        return digest(dict(self.action.arguments))

    @cached_property
    def key(self) -> str:
        """The key of the effect: the run, the position, the target and the canonical arguments.

        Stable across retries, never random. That of a compensation comes from the effect it takes back,
        so that no second undo can send it again to a system that drops repeats.
        """
        if self.undoes is not None:
            return digest([self.undoes.key, "undo"])
        return digest([self.run.id, self.position, self.action.target, self.arguments_digest])

    def rule(self, boundary: Boundary) -> ActionRule | None:
        """Return the charter's declaration of this action, for kind ``act``."""
        return boundary.charter.actions.get(self.action.target) if self.action.kind == "act" else None
