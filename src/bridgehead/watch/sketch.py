"""About how many different values there are, in two kilobytes: HyperLogLog, merged by the larger register.

Flajolet, Fusy, Gandouet, Meunier: HyperLogLog (2007); the standard error with 2,048 registers is 2.3 %.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b

_BITS = 11
_REGISTERS = 1 << _BITS
_EMPTY = bytes(_REGISTERS)
_DIGITS = 400  # more than any float has before or after its point


@dataclass(frozen=True, kw_only=True)  # no slots: the registers are unpacked once
class Distinct:
    """A count of different values; add two for the count of both. ``packed`` is empty for none."""

    packed: str = ""

    @classmethod
    def of(cls, values: Iterable[object], key: bytes = b"") -> Distinct:
        """Return the sketch of values; with a key, of their keyed hashes."""
        registers = bytearray(_REGISTERS)
        for value in set(values):
            digest = int.from_bytes(blake2b(_word(value).encode(), digest_size=8, key=key).digest())
            place, rest = digest >> (64 - _BITS), digest & ((1 << (64 - _BITS)) - 1)
            registers[place] = max(registers[place], 64 - _BITS - rest.bit_length() + 1)
        return _packed(bytes(registers))

    @cached_property
    def registers(self) -> bytes:
        """Return the registers."""
        return zlib.decompress(base64.b64decode(self.packed)) if self.packed else _EMPTY

    def __add__(self, other: Distinct) -> Distinct:
        return _packed(bytes(map(max, self.registers, other.registers)))

    def count(self) -> float:
        """Return about how many different values were seen."""
        alpha = 0.7213 / (1 + 1.079 / _REGISTERS)
        raw = alpha * _REGISTERS**2 / sum(2.0**-register for register in self.registers)
        zeros = self.registers.count(0)
        return _REGISTERS * math.log(_REGISTERS / zeros) if raw <= 2.5 * _REGISTERS and zeros else raw


def _word(value: object) -> str:
    """Return one text for values that are equal: 0 and 0.0 are one, whichever batch they came in."""
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > _DIGITS:
        return repr(value.normalize())  # no float equals it, and its digits would fill memory
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            return repr(float(value))
        over, under = value.as_integer_ratio()
        return repr(over) if under == 1 else f"{over}/{under}"
    return repr(value)


def _packed(registers: bytes) -> Distinct:
    if registers == _EMPTY:
        return Distinct()
    return Distinct(packed=base64.b64encode(zlib.compress(registers, 6)).decode())
