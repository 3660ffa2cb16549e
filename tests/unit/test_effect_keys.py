"""The key of an effect, as the other system gets it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bridgehead.declare.model import ActionRule
from bridgehead.enforce.keys import SYMBOLS, as_sent

KEYS = some.binary(min_size=1, max_size=8).map(lambda raw: hashlib.sha256(raw).hexdigest())


def rule(length: int) -> ActionRule:
    return ActionRule(server="shop", title="Pay", effect="final", key_argument="reference", key_length=length)


@given(key=KEYS, length=some.integers(16, 64))
def test_it_fits_and_is_the_same_at_every_attempt(key: str, length: int) -> None:
    sent = as_sent(rule(length), key)
    assert len(sent) <= length
    assert sent == as_sent(rule(length), key)
    assert sent == key if length == 64 else set(sent) <= {*SYMBOLS, "B", "H", "-"}


@given(one=KEYS, other=KEYS, length=some.integers(16, 64))
def test_two_effects_never_share_one(one: str, other: str, length: int) -> None:
    assert (as_sent(rule(length), one) == as_sent(rule(length), other)) == (one == other)


def test_the_forms_people_read() -> None:
    key = hashlib.sha256(b"an effect").hexdigest()
    grouped, short = as_sent(rule(22), key), as_sent(rule(16), key)
    assert [len(part) for part in grouped.split("-")] == [2, 4, 4, 4, 4]
    assert grouped.startswith("BH-") and short.startswith("BH")
    assert short == "BH" + grouped.replace("-", "")[2:16]
    assert not set("ILOU") & set(short[2:])


def test_a_field_too_short_to_tell_effects_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 16"):
        rule(15)
