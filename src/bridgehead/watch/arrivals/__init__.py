"""Batches that come late, in part, twice, or not at all.

In: what a contract declares of a feed, its arrivals, the time, the state of the last look. Out: what is
noticed, and the next state. Never: reads a clock, forgets a slot because it was missed.
"""

from bridgehead.watch.arrivals.declared import Declared
from bridgehead.watch.arrivals.event import Arrival, Noticed, Total
from bridgehead.watch.arrivals.incidents import Incident, incidents
from bridgehead.watch.arrivals.pattern import EVERY_DAY, WEEKDAYS, Pattern
from bridgehead.watch.arrivals.slots import accept, look, next_look, write_off
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.arrivals.watching import accept_volume, observe

__all__ = [
    "EVERY_DAY",
    "WEEKDAYS",
    "Arrival",
    "Declared",
    "Feed",
    "Incident",
    "Noticed",
    "Pattern",
    "Total",
    "accept",
    "accept_volume",
    "incidents",
    "look",
    "next_look",
    "observe",
    "write_off",
]
