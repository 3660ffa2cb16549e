"""A PostgreSQL server for a bench: the one the tests start, with durable commits, gone afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


@contextmanager
def databases() -> Iterator[Callable[[], str]]:
    """Yield a function that makes an empty database and returns its address."""
    from fixtures.postgres import running

    with running(fsync=True) as server:
        yield server.new_database
