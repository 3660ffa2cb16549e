"""What is not as it was: a question laid beside the one it takes the place of."""

from __future__ import annotations

from bridgehead.enforce.question import Change, Question
from bridgehead.enforce.wording import shown

NAMES = ("title", "amount", "subject", "requester", "effect", "outward", "can_be_undone", "who", "release")


def changes(was: Question, now: Question) -> tuple[Change, ...]:
    """Return what people must look at again, named as they read it."""
    before, after = _parts(was), _parts(now)
    return tuple(
        Change(name=name, was=before.get(name, "not shown"), now=after.get(name, "not shown"))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    )


def _parts(asked: Question) -> dict[str, str]:
    value = asked.as_value()
    found = {name.replace("_", " "): shown(value[name]) for name in NAMES}
    found |= {f"argument {name}": shown(each) for name, each in asked.arguments.items()}
    found |= {f"{fact.name.replace('_', ' ')}, as read": fact.value for fact in asked.facts}
    return found | {"rules": shown(list(asked.rules))}
