"""The console: pages for approvers, owners, engineers, auditors and executives.

In: houses from ``assemble``. Out: an ASGI application, and one-time sign-in links.
Never: decides, keeps a rule of its own, sends anything to a third party.
"""

from bridgehead.doors.console.app import console
from bridgehead.doors.console.signin import make_link

__all__ = ["console", "make_link"]
