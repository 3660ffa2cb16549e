"""The key of an effect as the other system gets it: whole, or short enough for a field of theirs.

A key is made of run, position, target and arguments (``Crossing.key``): every retry of an effect carries
the same one, and people of the other system find it in the record it made.
"""

from __future__ import annotations

from bridgehead.declare.model import ActionRule

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that a key can be read out and typed."""
PREFIX = "BH"
GROUPED = 22
"""Characters of the grouped form ``BH-XXXX-XXXX-XXXX-XXXX``: 80 bits, so that a million effects collide
with a chance below 1 in a million million."""


def as_sent(rule: ActionRule, key: str) -> str:
    """Return the key in the form this action's argument can hold; the same one at every attempt."""
    if rule.key_length >= len(key):
        return key
    symbols = _symbols(key)
    if rule.key_length < GROUPED:
        return PREFIX + symbols[: rule.key_length - len(PREFIX)]
    return "-".join([PREFIX, *(symbols[place : place + 4] for place in range(0, 16, 4))])


def _symbols(key: str) -> str:
    """Return the hexadecimal digest as base 32, most significant bits first."""
    number, bits = int(key, 16), 4 * len(key)
    return "".join(SYMBOLS[(number >> (bits - 5 * place)) & 31] for place in range(1, bits // 5 + 1))
