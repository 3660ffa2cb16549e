"""A tool is guessed to be a read only where nothing in its name, its words or its arguments says more."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.discover.effect import guess
from bridgehead.discover.words import gerund, tokens

CHANGES: list[tuple[str, str, tuple[str, ...]]] = [
    ("select_seat", "Select a seat for the booking", ()),
    ("select_shipping_option", "", ()),
    ("get_lock", "Acquire a lock", ()),
    ("get_lock", "", ()),
    ("fetch_job", "Reserves a job for this worker", ()),
    ("get_next_ticket", "Get the next ticket, removing it from the queue", ()),
    ("get_message", "Get a message and mark it as read", ()),
    ("get_coupon", "Fetch a coupon code while consuming one use", ()),
    ("find_driver", "Find a driver nearby, then assign them to the ride", ()),
    ("list_item", "List an item for sale", ()),
    ("list_item", "", ()),
    ("list_products_for_sale", "Lists a product for sale on the marketplace", ()),
    ("show_notification", "Show a notification on the screen", ()),
    ("search_eval", "", ("code",)),
    ("search_index", "Search with a small program", ("code",)),
    ("find_files", "", ("script",)),
    ("list_results", "", ("python_code",)),
    ("check_stock", "Book the last one if there is any. Allocate a slot.", ()),
    ("view_lead", "Buy a lead", ()),
]
READS: list[tuple[str, str, tuple[str, ...]]] = [
    ("select_rows", "Select rows of a table", ("sql",)),
    ("read_query", "Run a SELECT query", ("sql",)),
    ("list_directory", "Get a detailed listing of all files in a path", ()),
    ("list_directory", "List the contents of a directory", ()),
    ("list_events", "", ()),
    ("get_booking", "Get a booking by its id", ()),
    ("get_lock_status", "Get the status of a lock", ()),
    ("list_cities", "List cities of a country", ("country_code",)),
    ("search_flights", "Search for flights. Takes an airport and returns what leaves there.", ()),
    ("get_policy", "Get the rules for cancelling, removing and reserving", ("topic",)),
    ("read_note", "Read a note without removing it or marking it", ()),
    ("list_orders", "List all orders, sorted by date", ()),
]


@pytest.mark.parametrize(("name", "description", "given"), CHANGES)
def test_what_may_change_something_is_final(name: str, description: str, given: tuple[str, ...]) -> None:
    assert _guess(name, description, given) == "final"


@pytest.mark.parametrize(("name", "description", "given"), READS)
def test_what_only_looks_is_still_a_read(name: str, description: str, given: tuple[str, ...]) -> None:
    assert _guess(name, description, given) == "read"


def _guess(name: str, description: str, given: tuple[str, ...]) -> str:
    arguments: dict[str, Any] = {argument: {} for argument in given}
    return guess(tokens(name), description, {}, arguments).effect


@pytest.mark.parametrize(
    ("verb", "doing"),
    [("remove", "removing"), ("drop", "dropping"), ("submit", "submitting"), ("add", "adding")],
)
def test_a_verb_is_known_in_its_other_form(verb: str, doing: str) -> None:
    assert gerund(verb) == doing
