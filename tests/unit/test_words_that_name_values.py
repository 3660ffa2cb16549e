"""The user's own words name a value whole, token by token, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.enforce.provenance import kinds
from bridgehead.enforce.provenance.links import links
from bridgehead.enforce.provenance.words import Words

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
