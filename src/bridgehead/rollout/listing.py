"""Compare with what the other system itself says it did for us: where it keeps our keys and can list them.

Both ways: a key that only the ledger has is an effect that is not there; a key that only the other system
has is one the ledger does not know of, and somebody must look at it. That a key is there says that the effect
happened, and not how its record stands now: it never takes the place of a look at the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from sqlalchemy import select

from bridgehead.enforce.boundary import Crossing, RunState
from bridgehead.enforce.keys import as_sent
from bridgehead.enforce.rows import BEGUN
from bridgehead.kernel.action import Action
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.outcome import Done
from bridgehead.rollout.look import as_in
from bridgehead.rollout.plan import Seen
from bridgehead.rollout.population import Known
from bridgehead.run.journal import cross
from bridgehead.store import tables as t


@dataclass(slots=True, kw_only=True)
class Listed:
    """What the lists say: of effects by name, where it is not what the ledger says, and keys that the ledger
    has not."""

    seen: dict[str, Seen] = field(default_factory=dict)
    only_there: list[str] = field(default_factory=list)


async def compare(run: RunState, known: Mapping[str, Known]) -> Listed:
    """Read every list that the charter declares for these effects, once for each set of bindings."""
    found = Listed()
    places: dict[tuple[str, str], list[Known]] = {}
    for one in known.values():
        rule = one.ground.charter.actions.get(one.effect.target)
        if rule is not None and rule.listing is not None and rule.key_argument:
            places.setdefault((one.effect.target, digest(dict(one.bindings))), []).append(one)
    for (target, _), effects in places.items():
        keys = await _keys(run, target, effects[0])
        if keys is None:
            continue
        for one in effects:
            there, done = _sent(one, one.effect.key) in keys, one.effect.fate == "done"
            if there != done:
                found.seen[one.effect.name] = Seen(sight="there" if there else "gone")
        found.only_there += sorted(keys - _ours(effects[0], keys))
    return found


async def _keys(run: RunState, target: str, known: Known) -> set[str] | None:
    """Return the keys the other system lists; None where it cannot be read."""
    boundary = known.ground
    listing = boundary.charter.actions[target].listing
    assert listing is not None
    rule = boundary.charter.actions[listing.action]
    action = Action(
        kind="act",
        target=listing.action,
        arguments={},
        effect=rule.effect,
        outward=rule.outward,
        purpose=f"to compare what {target} did with the ledger",
    )
    place = f"list.{target}.{digest(dict(known.bindings))[:12]}"
    answer = await cross(boundary, Crossing(run=as_in(run, known), position=place, action=action))
    if not isinstance(answer, Done):
        return None
    try:
        return {
            str(key)
            for key in boundary.function(listing.keys)(*deepcopy((dict(known.bindings), answer.value)))
        }
    except (Exception, SystemExit):  # a deployment's own code broke: nothing was learnt
        return None


def _ours(known: Known, keys: set[str]) -> set[str]:
    """Return those of the keys that the ledger has, of whatever run."""
    with known.ground.store.reading() as connection:
        sent = select(t.crossing.c.effect_key).where(t.crossing.c.target == known.effect.target, BEGUN)
        return {_sent(known, row.effect_key) for row in connection.execute(sent)} & keys


def _sent(known: Known, key: str) -> str:
    """Return a key as the other system got it: an argument too short for it carries a short form."""
    return as_sent(known.ground.charter.actions[known.effect.target], key)
