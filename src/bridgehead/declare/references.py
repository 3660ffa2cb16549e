"""Does the charter hold together? Every name it uses must be declared, every file must be there.

Each part yields errors for what it knows: people, actions, what undoes and settles them, questions to
people, systems, collections, contracts of data, workflows and schedules. Types were checked before; whether
it is *wise* is for ``check`` to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare import (
    actions,
    audited,
    collected,
    origins,
    people,
    questions,
    schedules,
    settling,
    systems,
    tables,
    watched,
    workflows,
)
from bridgehead.declare.deployment import Deployment
from bridgehead.kernel.errors import CharterError

_PARTS = (
    people.errors,
    actions.errors,
    origins.errors,
    settling.errors,
    questions.errors,
    systems.errors,
    tables.errors,
    watched.errors,
    collected.errors,
    workflows.errors,
    audited.errors,
    schedules.errors,
)


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield every reference that leads nowhere, with file, line and fix."""
    for part in _PARTS:
        yield from part(deployment)
