"""The user's own words name a value whole, token by token, or not at all."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from bridgehead.enforce.provenance import kinds
from bridgehead.enforce.provenance.links import links
from bridgehead.enforce.provenance.words import LONGEST, Words

SAID = Words(
    [
        "Please move my Dental check-up to 2024-05-20 at 10:00 and tell sarah.connor@gmail.com.",
        "I stay from January 11th to January 15th 2025. Pay GB29 NWBK 6016 1331 9268 19 12.00 USD, 1 time.",
        "See www.example.com/a. The title is 'Hotel: {hotel_name}'.",
    ]
)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("name", "dental  CHECK-UP"),
        ("email", "sarah.connor@GMAIL.com"),
        ("date", "2024-05-20 18:00"),
        ("date", "2025-01-11"),
        ("date-time", "2024-05-20 10:00"),
        ("iban", "gb29nwbk60161331926819"),
        ("amount", 12),
        ("uri", "https://www.example.com/a/"),
    ],
)
def test_what_was_said_is_named(kind: str, value: Any) -> None:
    assert SAID.name(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "s\u0430rah.connor@gmail.com"),  # a Cyrillic a
        ("email", "connor@gmail.com"),
        ("email", "sarah.connor@gmail.com.evil.example"),
        ("date", "2026-01-11"),
        ("date-time", "2024-05-20 11:00"),
        ("amount", 1),
        ("id", "1"),
        ("id", "20"),
        ("name", "the"),
        ("name", "ental"),
        ("name", "check-up please"),
        ("uri", "https://www.example.com/b"),
        ("uri", "https://www.example.com@evil.example/a"),
        ("iban", "GB29NWBK60161331926818"),
    ],
)
def test_what_was_not_said_is_not(kind: str, value: Any) -> None:
    assert not SAID.name(kind, value)


def test_a_text_with_places_is_filled_by_known_values_only() -> None:
    assert SAID.template("Hotel: Luxury Palace", {"Luxury Palace"}.__contains__)
    assert not SAID.template("Hotel: Luxury Palace and more", {"Luxury Palace"}.__contains__)


@pytest.mark.parametrize(
    "text", ["see https://bit.ly/x", "bit.ly/x", "<img src=//evil.example/a>", "mailto:a@b.cd"]
)
def test_every_address_in_a_text_is_found(text: str) -> None:
    assert list(links(text))


def test_full_width_letters_are_the_same_and_lookalikes_are_not() -> None:
    assert kinds.same("name", "ＡＮＡ") == kinds.same("name", "ana")
    assert kinds.same("name", "\u0430na") != kinds.same("name", "ana")


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("close issue #1043 please", 1043),
        ("close issue #1043 please", "1043"),
        ("close #12", "12"),
        ("order 1043 hasn't come", "1043"),
        ("Invoice no. 1043, please", 1043),
        ("orders 1043, 1044 and 1045", "1045"),
        ("the order number is 1043.", "1043"),
        ("where is #W1043?", "W1043"),
        ("where is #W1043?", "#W1043"),
        ("look at acme/ledger", "acme/ledger"),
        ("pay INV-2024/07.", "INV-2024/07"),
        ("item 4579334072 of my order", "4579334072"),
    ],
)
def test_an_id_is_named_where_the_words_call_it_one(said: str, value: Any) -> None:
    assert Words([said]).name("id", value, declared=True)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("pay 1043", "1043"),  # an amount, then: who may choose ids would choose this one
        ("pay 1043 EUR to Bob", "1043"),
        ("refund $1043 for the order", "1043"),
        ("order 1043 shirts", "1043"),
        ("order 1043 blue shirts", "1043"),
        ("issue 1043 euros", "1043"),
        ("order 1,043 of them", "1043"),
        ("order 1,043 of them", "043"),
        ("order 1043,500 of them", "1043"),
        ("order 1043.50", "1043"),
        ("order 1043-1050", "1043"),
        ("order 1043/2", "1043"),
        ("order 2 1043", "1043"),
        ("order 10 thousand", "10"),
        ("item 1043% off", "1043"),
        ("item 1043k", "1043"),
        ("since 2024 we wait", "2024"),
        ("the account GB29 NWBK 6016 1331 9268 19", "6016"),
        ("call customer 555 1043 22", "1043"),
        ("we are #1!", "1"),
        ("order 104", "104"),
        ("order 10431", "1043"),
        ("order W1043", "1043"),
        ("order acme#1043", "1043"),
        ("acme/ledger#1043", "1043"),
        ("look at acme/ledger", "ledger"),
        ("pay INV-2024/07.", "07"),
        ("pay INV-2024/07.", "INV-2024"),
        ("order 1043", 1043.0),
        ("order \u0661\u0660\u0664\u0663", "\u0661\u0660\u0664\u0663"),
        ("order 1043\u00b2", "1043"),
        ("order\n1043", "1043"),
        ("> order 1043\nsee above", "1043"),
        ("there are no 1043", "1043"),
        ("order 1043", "01043"),
    ],
)
def test_a_quantity_or_a_part_is_no_id(said: str, value: Any) -> None:
    assert not Words([said]).name("id", value, declared=True)


ASKED = [
    ("id", "DE12"),
    ("id", "1043"),
    ("name", "Abc"),
    ("amount", 5),
    ("phone", "+12345678"),
    ("date", "2024-05-01"),
]


def _work(text: str) -> int:
    """Count the calls that reading a text takes, whatever the machine."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        words = Words([text])
        for kind, value in ASKED:
            words.name(kind, value)
            words.name(kind, value, declared=True)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    "piece", ["DE12 ", "DE12 ABCD ", "Abc ", "order 1043, ", "#1043 ", "1 May ", "+1 (", "a@b."]
)
def test_twice_the_words_are_twice_the_work(piece: str) -> None:
    once, twice = (_work(piece * times) for times in (200, 400))
    assert twice < 2.2 * once


def test_so_many_characters_are_read_and_no_line_in_half() -> None:
    line = "nothing of it is meant here\n"
    begun = line * (LONGEST // len(line) - 1)
    told = Words([begun + "order 1043\norder 2043" + "0" * 40 + "\norder 3043"])
    assert told.name("id", "1043", declared=True)
    assert not any(told.name("id", each, declared=True) for each in ("2043", "3043"))
    assert not told.hold("3043")
    assert not Words(["order 1043 " * LONGEST]).name("id", "1043", declared=True)
    assert Words([begun + "order 1043", "order 3043"]).name("id", "3043", declared=True)
