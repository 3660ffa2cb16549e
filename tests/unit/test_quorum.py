"""How many of which groups must agree: the text, and the algebra of who stands for what."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.quorum import Need, Needs, assign, missing, parse, together, words

GROUPS = ("a", "b", "c", "d")
needs = st.dictionaries(st.sampled_from(GROUPS), st.integers(1, 3), min_size=1).map(
    lambda found: tuple(Need(group, people) for group, people in sorted(found.items()))
)
people = st.dictionaries(
    st.sampled_from([f"p{number}" for number in range(6)]), st.frozensets(st.sampled_from(GROUPS))
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("leads", (("leads", 1),)),
        ("2 of finance-leads and 1 of risk", (("finance-leads", 2), ("risk", 1))),
        ("risk and 2 of finance-leads", (("finance-leads", 2), ("risk", 1))),
        ("  3 of a_1  ", (("a_1", 3),)),
    ],
)
def test_what_a_text_means(text: str, meant: tuple[tuple[str, int], ...]) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is not `NUMBER of GROUP`"),
        ("2 of", "'2 of' is not"),
        ("two of leads", "'two of leads' is not"),
        ("leads or risk", "'leads or risk' is not"),
        ("leads and", "'leads and' is not"),
        ("leads and risk and and", "'and' is not"),
        ("0 of leads", "from 1 to 20"),
        ("999 of leads", "from 1 to 20"),
        ("1 of leads and 2 of leads", "'leads' stands in it twice"),
        ("Leads", "'Leads' is not"),
        ("1 of leads; drop", "is not `NUMBER of GROUP`"),
    ],
)
def test_what_a_text_cannot_mean(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"from 1 to 20|is not `NUMBER of GROUP`|twice") as fault:
        parse(text)
    assert told in str(fault.value)


@given(needs)
def test_written_down_and_read_back_it_is_the_same(wanted: Needs) -> None:
    assert parse(words(wanted)) == wanted


@given(st.lists(needs, max_size=4))
def test_several_together_ask_for_what_each_of_them_asks(each: list[Needs]) -> None:
    found = dict(together(each))
    assert found == {
        group: max(dict(one).get(group, 0) for one in each) for group in {g for one in each for g, _ in one}
    }


@given(needs, people)
def test_nobody_stands_for_two_groups_or_for_one_they_are_not_in(
    wanted: Needs, agreed: dict[str, frozenset[str]]
) -> None:
    seated = assign(wanted, agreed)
    everybody = [person for group in seated.values() for person in group]
    assert len(everybody) == len(set(everybody))
    for group, found in seated.items():
        assert len(found) <= dict(wanted)[group]
        assert all(group in agreed[person] for person in found)


@given(needs, people)
def test_as_few_are_missing_as_can_be(wanted: Needs, agreed: dict[str, frozenset[str]]) -> None:
    """The largest shortfall of any set of groups (Hall 1935): another way to count the same."""
    shortfalls = [
        sum(count for _, count in some)
        - sum(1 for theirs in agreed.values() if theirs & {group for group, _ in some})
        for size in range(1, len(wanted) + 1)
        for some in combinations(wanted, size)
    ]
    assert missing(wanted, agreed) == max(0, *shortfalls)


@given(needs, people, st.frozensets(st.sampled_from(GROUPS)))
def test_one_more_yes_never_makes_it_worse_and_counts_for_one_at_most(
    wanted: Needs, agreed: dict[str, frozenset[str]], theirs: frozenset[str]
) -> None:
    before = missing(wanted, agreed)
    assert before - 1 <= missing(wanted, {**agreed, "somebody": theirs}) <= before
