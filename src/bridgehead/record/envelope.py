"""The envelope: the bytes of an entry that are hashed, built from an allow-list.

A block-list leaks as soon as someone adds a field, so every field has its shape here and anything
else is refused. Personal, secret or long content belongs into the body. Fields are described in
``docs/reference/ledger.md``.
"""

from __future__ import annotations

import re
from typing import Any, Final, get_args

from bridgehead.kernel.canonical import SAFE_INTEGER, profiled_bytes
from bridgehead.kernel.entry import Draft, EntryKind
from bridgehead.kernel.errors import LedgerError

VERSION = 1
MAX_BYTES = 65_535
"""C2SP tlog-tiles prefixes each entry with its length in 16 bits."""

MAX_TEXT = 256
"""Longest string of a field, in characters. Longer is prose, and prose belongs into the body."""

_KINDS = frozenset(get_args(EntryKind))
_RUN = re.compile(r"[A-Za-z0-9_.:-]{0,40}")

_TEXT: Final = "text"
_COUNT: Final = "integer"
_FLAG: Final = "boolean"
_TEXTS: Final = "text or list of texts"

_Shape = Any
"""One of the words above, or an ``Allowed`` object."""


class Allowed(dict[str, _Shape]):
    """The members an object may have, by name. ``texts`` are those that may be strings."""

    def __init__(self, **members: _Shape) -> None:
        super().__init__(members)
        self.texts = frozenset(name for name, shape in members.items() if shape in (_TEXT, _TEXTS))


FIELDS: Final = Allowed(
    release=_TEXT,
    position=_TEXT,
    segment=_COUNT,
    attempt=_COUNT,
    step=_COUNT,
    note=_TEXT,
    refs=_TEXTS,
    action=Allowed(
        kind=_TEXT, target=_TEXT, effect=_TEXT, outward=_FLAG, args=_TEXT, key=_TEXT, digest=_TEXT
    ),
    model=Allowed(id=_TEXT, digest=_TEXT, region=_TEXT),
    decision=Allowed(engine=_TEXT, policies=_TEXT, result=_TEXT, rules=_TEXTS),
    approval=Allowed(
        id=_TEXT,
        digest=_TEXT,
        by=_TEXTS,
        rules=_TEXTS,
        who=_TEXT,
        quorum=_COUNT,
        due_at=_TEXT,
        answer=_TEXT,
        state=_TEXT,
        kind=_TEXT,
        rung=_COUNT,
        supersedes=_TEXT,
    ),
    delegation=Allowed(id=_TEXT, delegate=_TEXT, rules=_TEXTS, starts_at=_TEXT, ends_at=_TEXT),
    outcome=Allowed(
        state=_TEXT,
        effect_state=_TEXT,
        usage=Allowed(input_tokens=_COUNT, output_tokens=_COUNT, cost=_TEXT),
    ),
    finding=Allowed(rule=_TEXT, severity=_TEXT),
    collection=Allowed(
        name=_TEXT, added=_COUNT, changed=_COUNT, deleted=_COUNT, refused=_COUNT, digest=_TEXT
    ),
    retrieval=Allowed(passages=_TEXTS, searched=_TEXT),
    undo=Allowed(
        id=_TEXT,
        scope=_TEXT,
        target=_TEXT,
        state=_TEXT,
        plan=_TEXT,
        certificate=_TEXT,
        effect=_TEXT,
        group=_TEXT,
        effects=_COUNT,
        undone=_COUNT,
    ),
    schedule=Allowed(name=_TEXT, at=_TEXT, last_at=_TEXT, count=_COUNT),
    erased=Allowed(kid=_TEXT, index=_COUNT, leaf=_TEXT, basis=_TEXT),
    trace=Allowed(trace_id=_TEXT, span_id=_TEXT),
)

_PRINCIPALS: Final = Allowed(actor=_TEXT, on_behalf=_TEXT)


def build(draft: Draft, *, time: str, origin: str, seq: int, prev: str, body: dict[str, Any] | None) -> bytes:
    """Return the canonical bytes of an entry.

    Raises ``LedgerError``: BH-REC-003 a field that is not on the list or has another shape,
    BH-REC-004 too large, BH-REC-001 no canonical form.
    """
    if draft.kind not in _KINDS or not _RUN.fullmatch(draft.run):
        raise _not_allowed(f"kind ({draft.kind!r}) and run ({draft.run!r})", "a known kind and a run id")
    _check("principals", {"actor": draft.actor, "on_behalf": draft.on_behalf}, _PRINCIPALS)
    _check("fields", draft.fields, FIELDS)
    envelope = {
        **draft.fields,
        "v": VERSION,
        "kind": draft.kind,
        "time": time,
        "origin": origin,
        "run": draft.run,
        "seq": seq,
        "prev": prev,
        "actor": draft.actor,
    }
    if draft.on_behalf:
        envelope["on_behalf"] = draft.on_behalf
    if body is not None:
        envelope["body"] = body
    return _sized(profiled_bytes(envelope), draft.kind)


def _check(path: str, value: object, allowed: Allowed) -> None:
    """Refuse what is not listed. INVARIANT: what passes lies inside the canonical profile."""
    if type(value) is not dict:
        raise _not_allowed(path, "an object")
    texts = allowed.texts
    for name, item in value.items():
        if type(item) is str:
            if name not in texts or len(item) > MAX_TEXT:
                raise _not_allowed(f"{path}.{name}", allowed.get(name))
        elif type(item) is dict and type(allowed.get(name)) is Allowed:
            _check(name, item, allowed[name])
        elif not _fits(item, allowed.get(name)):
            raise _not_allowed(f"{path}.{name}", allowed.get(name))


def _fits(value: object, wanted: _Shape) -> bool:
    if wanted == _FLAG:
        return type(value) is bool
    if wanted == _COUNT:
        return type(value) is int and abs(value) <= SAFE_INTEGER
    return (
        wanted == _TEXTS
        and type(value) is list
        and all(type(item) is str and len(item) <= MAX_TEXT for item in value)
    )


def _sized(data: bytes, kind: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise LedgerError(
            "BH-REC-004",
            f"the envelope of {kind} has {len(data)} bytes; at most {MAX_BYTES} are allowed",
            means="It was not recorded, so the action it belongs to does not happen.",
            fix="Move long content into the body.",
        )
    return data


def _not_allowed(path: str, wanted: _Shape) -> LedgerError:
    expected = "left out" if wanted is None else "an object" if type(wanted) is Allowed else wanted
    return LedgerError(
        "BH-REC-003",
        f"an entry's {path} must be {expected}",
        means="Envelopes hold listed fields only, so nothing personal can slip into what is kept forever.",
        fix=f"Put it into the body, or shorten it to {MAX_TEXT} characters.",
    )
