"""A search that is not made, and why, in words that tell nothing about documents."""

from __future__ import annotations


class RightsRefused(Exception):
    """``rule`` names what refused (``documents.stale``), ``words`` say it, ``place`` is in the collection.

    The words name no document: one that is not there and one that may not be read are alike.
    """

    def __init__(self, rule: str, words: str, *place: str) -> None:
        super().__init__(words)
        self.rule = rule
        self.words = words
        self.place = place
