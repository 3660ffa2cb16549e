"""What is not as it was: a question laid beside the one that took its place."""

from __future__ import annotations

from dataclasses import dataclass

from bridgehead.enforce.question import Question
from bridgehead.explain import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is not as it was when the question was first put."""

    name: str
    was: str
    now: str


def differences(was: Question | None, now: Question | None) -> tuple[Difference, ...]:
    """Return what differs between two questions, leaving out ids and times that always do."""
    if was is None or now is None:
        return ()
    before, after = _comparable(was), _comparable(now)
    return tuple(
        Difference(name=name, was=before.get(name, "not shown"), now=after.get(name, "not shown"))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _comparable(asked: Question) -> dict[str, str]:
    value = asked.as_value()
    left_out = {
        "id",
        "opened_at",
        "due_at",
        "facts",
        "arguments",
        "action_digest",
        "position",
        "run",
        "bound",
    }
    flat = {name.replace("_", " "): words.shown(item) for name, item in value.items() if name not in left_out}
    flat |= {f"argument {name}": words.shown(item) for name, item in value["arguments"].items()}
    return flat | {f"{fact.name.replace('_', ' ')}, as read": fact.value for fact in asked.facts}
