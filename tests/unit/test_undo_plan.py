"""The plan of an undo, for any population: nothing left out or twice, last first, later changes kept."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from bridgehead.kernel.undoing import GROUPS, OUTCOMES, TAKEN_BACK, outcome
from bridgehead.rollout.plan import Compensation, Effect, Plan, Seen, plan

BACK = st.builds(
    Compensation,
    action=st.just("put_back"),
    arguments=st.just("0" * 64),
    effect=st.sampled_from(["write", "final"]),
    outward=st.booleans(),
    above_limit=st.booleans(),
)
PARTS = st.fixed_dictionaries(
    {
        "fate": st.sampled_from(["done", "done", "done", "unclear", "none"]),
        "effect": st.sampled_from(["write", "final"]),
        "outward": st.booleans(),
        "record": st.sampled_from(["", "a", "b", "c"]),
        "amount": st.sampled_from(["", "20"]),
        "compensation": st.one_of(st.none(), BACK),
        "taken_back": st.sampled_from(["", "", "", "run_earlier"]),
    }
)
SIGHTS = st.sampled_from(["there", "there", "changed", "gone", "unreadable", "unasked"])


def effect(number: int, parts: dict[str, Any]) -> Effect:
    return Effect(
        run=f"run_{number % 3}",
        position=str(number),
        key=f"{number:064x}",
        target="change",
        currency="USD" if parts["amount"] else "",
        entry=10 * number,
        **parts,
    )


@st.composite
def populations(draw: st.DrawFn) -> tuple[list[Effect], dict[str, Seen], dict[str, list[tuple[int, str]]]]:
    """Effects, what was seen of them, and what stands on their records: also effects of others."""
    effects = [effect(n, parts) for n, parts in enumerate(draw(st.lists(PARTS, max_size=12)), 1)]
    seen = {one.name: Seen(sight=draw(SIGHTS)) for one in effects}
    later: dict[str, list[tuple[int, str]]] = {}
    for one in effects:
        if one.record and one.fate != "none" and not one.taken_back:
            later.setdefault(one.record, []).append((one.entry, one.name))
    for record in ("a", "b"):
        if draw(st.booleans()):
            entry = 10 * draw(st.integers(0, 12)) + 5
            later.setdefault(record, []).append((entry, f"run_other/{entry}"))
    return effects, seen, later


def made(population: Any) -> Plan:
    effects, seen, later = population
    return plan("release", "d" * 64, effects, seen, later)


@given(populations())
def test_every_effect_is_in_exactly_one_group_and_the_counts_add_up(population: Any) -> None:
    found = made(population)
    names = sorted(one.name for one in population[0])
    assert sorted(item.effect.name for item in found.items) == names
    assert all(item.group in GROUPS for item in found.items)
    assert sum(found.counts().values()) == len(names)


@given(populations())
def test_the_last_effect_comes_first(population: Any) -> None:
    items = made(population).items
    entries = [item.effect.entry for item in items]
    assert entries == sorted(entries, reverse=True)
    assert [item.number for item in items] == list(range(1, len(items) + 1))


@given(populations())
def test_what_stands_later_on_a_record_is_taken_back_before_or_the_record_is_left(population: Any) -> None:
    found, later = made(population), population[2]
    by_name = {item.effect.name: item for item in found.items}
    for item in found.items:
        if item.group not in TAKEN_BACK:
            assert item.after == 0
            continue
        above = [n for e, n in later.get(item.effect.record, []) if e > item.effect.entry]
        above = above if item.effect.record else []
        assert all(name in by_name and by_name[name].group in TAKEN_BACK for name in above)
        assert bool(item.after) == bool(above)
        if item.after:
            first = found.items[item.after - 1]
            assert first.group in TAKEN_BACK and first.number < item.number
            assert first.effect.record == item.effect.record


@given(populations())
def test_only_what_happened_and_is_as_it_was_left_is_taken_back(population: Any) -> None:
    found, seen = made(population), population[1]
    for item in found.items:
        if item.group in TAKEN_BACK:
            one = item.effect
            assert one.fate == "done" and one.compensation is not None and not one.taken_back
            assert item.after or seen[one.name].sight in ("there", "unasked")
        if item.group == "automatic":
            back = item.effect.compensation
            assert back is not None and back.effect != "final" and not back.outward and not back.above_limit


@given(populations(), st.randoms(use_true_random=False))
def test_the_digest_is_that_of_the_list_whatever_order_it_was_read_in(population: Any, random: Any) -> None:
    effects, seen, later = population
    shuffled = list(effects)
    random.shuffle(shuffled)
    mixed = {record: random.sample(above, len(above)) for record, above in later.items()}
    again = plan("release", "d" * 64, shuffled, seen, mixed)
    assert again.digest() == made(population).digest()
    if effects:
        assert plan("release", "d" * 64, effects[1:], seen, later).digest() != again.digest()


@given(
    st.sampled_from(GROUPS),
    st.sampled_from(["planned", "waiting", "undone", "refused", "skipped", "person"]),
    st.sampled_from(["running", "ended", "refused"]),
)
def test_every_item_has_one_outcome_whatever_became_of_it(group: str, item: str, undo: str) -> None:
    if group not in TAKEN_BACK:
        assume(item in ("planned", "person", "nothing"))  # nothing is done about it; something may be learnt
    found = outcome(group, item, undo)
    assert found in OUTCOMES
    assert found != "undone" or (group in TAKEN_BACK and item == "undone")
