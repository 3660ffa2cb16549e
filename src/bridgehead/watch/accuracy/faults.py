"""Why an answer about a result does not count, in words: BH-WAT-073 to BH-WAT-082."""

from __future__ import annotations

from collections.abc import Collection

from bridgehead.kernel.errors import WatchError

NOT_COUNTED = "Nothing was written down."


def nothing_there(run: str) -> WatchError:
    """Return the error for a run nobody is to look at."""
    return WatchError(
        "BH-WAT-073",
        f"{run} is not a result that is to be looked at",
        means="It was not drawn, its workflow promises no accuracy, or it has come to no result. "
        + NOT_COUNTED,
        fix="`bridgehead audit list` lists what was drawn.",
    )


def not_yours(why: str, able: Collection[str]) -> WatchError:
    """Return the error for somebody who does not look at this one, ``why`` in words."""
    fix = f"These people can: {', '.join(sorted(able)) or 'nobody; tell the owner'}."
    return WatchError("BH-WAT-074", f"you do not look at this result: {why}", means=NOT_COUNTED, fix=fix)


def said_otherwise(run: str, who: str, before: str) -> WatchError:
    """Return the error for a second, other answer of the same person or system."""
    return WatchError(
        "BH-WAT-075",
        f"{who} has said {before!r} of {run} before",
        means=f"An answer is not replaced by a later one. {NOT_COUNTED}",
        fix="Tell the owner if the first one was a mistake; both stay on record.",
    )


def answered(run: str) -> WatchError:
    """Return the error for an answer that comes after all that were wanted."""
    return WatchError(
        "BH-WAT-076",
        f"others have answered about {run} meanwhile",
        means=f"No more answers are wanted for it. {NOT_COUNTED}",
        fix="Go on with the next one.",
    )


def without_reason(verdict: str) -> WatchError:
    """Return the error for an answer that says what is wrong with nothing."""
    return WatchError(
        "BH-WAT-077",
        f"no reason was given for {verdict!r}",
        means=f"Whoever has to mend it learns nothing from it. {NOT_COUNTED}",
        fix="Say in a sentence what is wrong, or why it cannot be told.",
    )


def not_raised(workflow: str) -> WatchError:
    """Return the error for clearing an alarm that is not there."""
    return WatchError(
        "BH-WAT-078",
        f"no alarm is raised about the accuracy of {workflow!r} under the active release",
        means="Nothing was changed.",
        fix="`bridgehead audit status` says how each workflow stands.",
    )


def not_the_owner(able: Collection[str]) -> WatchError:
    """Return the error for somebody who may not lift what an alarm does."""
    return WatchError(
        "BH-WAT-079",
        "only the owner or the deputy clears an alarm, with a reason",
        means="Nothing was changed.",
        fix=f"These people can: {', '.join(sorted(able))}.",
    )


def not_to_bring(able: Collection[str]) -> WatchError:
    """Return the error for somebody who brings in answers of another system and does not answer for it."""
    return WatchError(
        "BH-WAT-082",
        "only the owner or the deputy brings in answers of another system",
        means=NOT_COUNTED,
        fix=f"These people can: {', '.join(sorted(able))}.",
    )
