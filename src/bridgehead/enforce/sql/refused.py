"""A statement that is not let through, and why, in words that tell nothing about data."""

from __future__ import annotations


class SqlRefused(Exception):
    """``rule`` names what refused (``sql.table``), ``words`` say it to whoever wrote the statement.

    The words name only what the statement itself names: a table that is not there and a table that may
    not be read are refused alike.
    """

    def __init__(self, rule: str, words: str) -> None:
        super().__init__(words)
        self.rule = rule
        self.words = words
