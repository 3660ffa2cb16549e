"""A hostile peer: a small order-posting system that fails the way old business systems fail.

In: orders to post, over MCP (``/mcp``, streamable HTTP) or plain JSON (``/postings``), and how often which
fault shall happen. Out: postings in a file of its own, which is the judge: it says what really happened,
whatever the callers believe. Never: shares code or state with what is tested on it.

::

    with HostileErp.start(folder, faults="fails-before=8%,loses-reply=12%,applies-late=6%", seed=7) as erp:
        ...                                     # post orders to erp.mcp_url or erp.url
        erp.judge(["o-1", "o-2"])               # Judgement(once=2, twice=0, missing=0, ...)

From a terminal: ``python -m bridgehead.testing.hostile_erp --help``.
"""

from bridgehead.testing.hostile_erp.book import Book, Judgement, judge
from bridgehead.testing.hostile_erp.faults import CHAOS, NONE, Faults, Mischief
from bridgehead.testing.hostile_erp.process import HostileErp

__all__ = ["CHAOS", "NONE", "Book", "Faults", "HostileErp", "Judgement", "Mischief", "judge"]
