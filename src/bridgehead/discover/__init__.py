"""What another system says of itself, read by somebody careful: drafts for people to look at.

In: the tools a server lists. Out: a draft of a charter in which every guess says what it was guessed from.
Never: calls a tool, believes a server about itself against the name it gave, widens a right.
"""

from bridgehead.discover.draft import Draft, draft
from bridgehead.discover.written import charter, policy, workflow

__all__ = ["Draft", "charter", "draft", "policy", "workflow"]
