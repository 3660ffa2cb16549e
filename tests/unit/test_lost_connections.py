"""A connection whose answers no longer fit its questions counts as lost, whatever the driver calls it."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError

from bridgehead.store.faults import is_lost


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (InternalError("begin", None, psycopg.InternalError("got no result from the query")), True),
        (InterfaceError("begin", None, psycopg.InterfaceError("the connection is closed")), True),
        (InternalError("select", None, psycopg.InternalError("cache lookup failed")), False),
    ],
)
def test_what_the_driver_says_without_a_code(error: DBAPIError, lost: bool) -> None:
    assert is_lost(error) is lost
