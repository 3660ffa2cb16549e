"""Why DuckDB could not read what it was given, without what it says: its messages quote the data.

Of a CSV file that breaks off, the line and the kind of the fault are told: numbers and our own words.
"""

from __future__ import annotations

import re
from pathlib import PurePath

TO_UTF8 = "write it as UTF-8 (`iconv -f WINDOWS-1252 -t UTF-8`, if that is what it is)"

_BY_KIND = {
    "BinderException": "a name or a type in the query does not fit the data",
    "CatalogException": "the query names what is not there",
    "ConversionException": "a value cannot be read as the type that is asked for",
    "InvalidInputException": "the data cannot be read as what they are named",
    "IOException": "the file cannot be read",
    "OutOfMemoryException": "the memory that a check may take was up",
    "OutOfRangeException": "a value is too large for the figure that is asked for",
}
_CSV_LINE = re.compile(r"(?:Invalid Input Error: )?CSV Error on Line: (\d+)\n")
_FIELDS = re.compile(r"^Expected Number of Columns: (\d+) Found: (\d+)$", re.MULTILINE)
_NOT_UTF8 = re.compile(r"(?i)not utf-8 encoded|invalid unicode|byte sequence mismatch")
_FILE = re.compile(r"^  file = (.+)$", re.MULTILINE)


def why(error: Exception, *, one_of_many: bool = False) -> str:
    """Return why there is no answer; of ``one_of_many`` files, which one, as far as it is known."""
    kind = type(error).__name__
    words = _BY_KIND.get(kind, "the query gave no answer")
    if _NOT_UTF8.search(str(error)):
        words = f"it is not UTF-8 text: {TO_UTF8}"
    return _of_csv(str(error), one_of_many) or f"{words} (DuckDB: {kind})"


def _of_csv(said: str, one_of_many: bool) -> str:
    line = _CSV_LINE.match(said)
    if line is None:
        return ""
    files = _FILE.findall(said)
    where = f"line {int(line[1]):,}" + (f" of {PurePath(files[-1]).name}" if files and one_of_many else "")
    if "Value with unterminated quote found" in said:
        return f"{where} opens a quote that nothing closes"
    if "not utf-8 encoded" in said:
        return f"{where} is not UTF-8 text: {TO_UTF8}"
    fields = _FIELDS.findall(said)
    if fields:
        expected, found = (int(one) for one in fields[-1])
        less_or_more, cut = ("more", "") if found > expected else ("fewer", ": it may be cut off there")
        return f"{where} has {less_or_more} fields than its header, which has {expected}{cut}"
    return f"{where} is not CSV as its header is"
