"""Whether a table's values have moved: by how much first, then whether that can be chance.

In: profiles of a batch, of the accepted baseline, of the same weekday before. Out: findings with effect
sizes, and the next state. Never: a p-value of "not equal", an alarm below what its reader calls relevant.
"""

from bridgehead.watch.drift.effects import Effect, effects
from bridgehead.watch.drift.judging import Dated, Drift, DriftState, Relevance, judged

__all__ = ["Dated", "Drift", "DriftState", "Effect", "Relevance", "effects", "judged"]
