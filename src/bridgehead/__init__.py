"""Bridgehead: the deployment of an AI system as a product.

One folder in git declares what the system may do; Bridgehead checks it, runs it, enforces it at
one point, records it in a ledger a stranger can verify and explains it to people who are not
engineers. Rooms are named by the verb of the flow; ``docs/concepts/house.md`` is the map.
"""

__version__ = "0.1.0"
