"""Control totals: what the sender says a batch holds against what was counted. No statistics."""

from __future__ import annotations

from collections.abc import Sequence

from bridgehead.watch.arrivals.event import Arrival, Noticed, Total


def wrong(totals: Sequence[Total]) -> tuple[Total, ...]:
    """Return the totals that do not agree: any difference is one."""
    return tuple(each for each in totals if each.said != each.counted)


def totals(arrival: Arrival) -> tuple[Noticed, ...]:
    """Say of a batch that it does not hold what its sender says it holds."""
    if not (found := wrong(arrival.totals)):
        return ()
    listed = "; ".join(f"{each.name}: {each.said} said, {each.counted} counted" for each in found)
    return (
        Noticed(
            kind="totals",
            feed=arrival.feed,
            at=arrival.at,
            day=max(arrival.about, default=None),
            words=f"Batch {arrival.batch} does not hold what its sender says: {listed}.",
            fix="Have it sent again; nothing of it was used.",
            numbers=tuple((each.name, float(each.counted - each.said)) for each in found),
        ),
    )
