"""Read models for people: what happened and what waits, as values that carry their proof.

In: a connection, the ledger, and who is looking. Out: frozen dataclasses; ``plain`` makes JSON of them.
Never: decides, writes, renders, or gives a figure without the entries or the named query behind it.
"""

from bridgehead.explain.effects import CaseView, EffectLine, Effects, case_view, list_effects
from bridgehead.explain.figures import Figure, plain
from bridgehead.explain.inbox import Inbox, Waiting, inbox
from bridgehead.explain.overview import Overview, overview
from bridgehead.explain.question import QuestionView, question
from bridgehead.explain.recorded import Book, Recorded, entry_at
from bridgehead.explain.runs import RunLine, RunPage, list_runs
from bridgehead.explain.schedules import ScheduleLine, list_schedules
from bridgehead.explain.story import Story, story
from bridgehead.explain.strip import Step, strip
from bridgehead.explain.viewer import Viewer
from bridgehead.explain.why import Sentence, why

__all__ = [
    "Book",
    "CaseView",
    "EffectLine",
    "Effects",
    "Figure",
    "Inbox",
    "Overview",
    "QuestionView",
    "Recorded",
    "RunLine",
    "RunPage",
    "ScheduleLine",
    "Sentence",
    "Step",
    "Story",
    "Viewer",
    "Waiting",
    "case_view",
    "entry_at",
    "inbox",
    "list_effects",
    "list_runs",
    "list_schedules",
    "overview",
    "plain",
    "question",
    "story",
    "strip",
    "why",
]
