"""What the columns of a table look like beside what somebody accepted, and how far they have moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, Stopped
from bridgehead.doors.console.visit import Answer, Page, Visit
from bridgehead.explain.drift import Bar, ColumnDrift, Moment, column, drift
from bridgehead.explain.overview import owners
from bridgehead.explain.words import as_of

REFRESH = 30
WIDE, LEFT, TOP, HIGH = 360, 34, 10, 130
"""Of a drawing, in its own units: width, room for figures at the left, at the top, the height of a plot."""
ROW, WORD = 26, 116
"""Of a drawing of values: the height of a row, room for its name."""
MOST = 14
"""Values that are drawn; the table below has all."""
LETTERS = 16
HEADROOM = 1.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A bar: its corner, size, what it is of (a class of style), its words."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words in a drawing; ``end`` is True where they end at ``x``."""

    x: float
    y: float
    words: str
    end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A batch in the history: where, whether it was found to have moved, its words."""

    x: float
    y: float
    moved: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing; ``told`` says in a sentence what it shows. ``line`` is the height at which it matters,
    ``turn`` where the baseline was replaced (0: nowhere)."""

    width: float
    height: float
    told: str
    rects: tuple[Rect, ...] = ()
    texts: tuple[Text, ...] = ()
    dots: tuple[Dot, ...] = ()
    line: float = 0.0
    floor: float = 0.0
    turn: float = 0.0


def show_table(visit: Visit) -> Answer:
    """Every column of a table, the worst first."""
    house = visit.house()
    source, table = _place(visit)
    with house.store.reading() as connection:
        found = drift(connection, source, table, house.clock.now())
    title = f"Do the values of {source}.{table} move?"
    return _page(visit, house, template="columns.html", title=title, found=found)


def show_one(visit: Visit) -> Answer:
    """One column: what was accepted and the newest batch, and how far every batch lay from it."""
    house, name = visit.house(), visit.path["column"]
    source, table = _place(visit)
    with house.store.reading() as connection:
        found = column(connection, source, table, name, house.clock.now())
    if found is None:
        raise Stopped(NO_SUCH_PAGE)
    title = f"Has {name} of {source}.{table} moved?"
    drawings = {"drawing": drawn(found), "past": history(found.history)}
    return _page(visit, house, template="column.html", title=title, found=found, **drawings)


def _page(visit: Visit, house: House, *, template: str, title: str, **more: Any) -> Page:
    """Return a page about a table; ``more`` is what it shows beside which table that is, and who must act."""
    source, table = visit.path["source"], visit.path["table"]
    where = {
        "deployment": house.deployment.charter.name,
        "table": f"{source}.{table}",
        "source": source,
        "name": table,
        "owners": owners(house.deployment.charter),
    }
    return Page(template=template, title=title, data={**where, **more}, house=house, refresh=REFRESH)


def _place(visit: Visit) -> tuple[str, str]:
    source, table = visit.path["source"], visit.path["table"]
    declared = visit.house().deployment.charter.sources.get(source)
    if declared is None or table not in declared.tables:
        raise Stopped(NO_SUCH_PAGE)
    return source, table


def drawn(found: ColumnDrift) -> Drawing | None:
    """Return the drawing of a column: bins side by side, values below each other; None without either."""
    if not found.bars or found.line.counted == "missing only":
        return None
    most = max(max(bar.before, bar.now) for bar in found.bars) or 1.0
    if found.line.counted == "numbers":
        return _bins(found, most)
    return _values(found, most)


def _bins(found: ColumnDrift, most: float) -> Drawing:
    pitch = (WIDE - LEFT) / len(found.bars)
    rects = [
        Rect(
            x=round(LEFT + pitch * number + (0 if tone == "accepted" else pitch * 0.45), 1),
            y=round(TOP + HIGH * (1 - share / most), 1),
            width=round(pitch * 0.42, 1),
            height=round(max(HIGH * share / most, 0.5), 1),
            tone=tone,
            words=_bar_words(bar),
        )
        for number, bar in enumerate(found.bars)
        for tone, share in (("accepted", bar.before), ("newest", bar.now))
    ]
    middle = len(found.bars) // 2
    texts = (
        Text(x=LEFT - 4, y=TOP + 10, words=f"{most:.0%}", end=True),
        Text(x=LEFT - 4, y=TOP + HIGH, words="0%", end=True),
        Text(x=LEFT, y=TOP + HIGH + 18, words=_short(found.bars[0].label)),
        Text(x=LEFT + pitch * middle, y=TOP + HIGH + 18, words=_short(found.bars[middle].label)),
        Text(x=WIDE, y=TOP + HIGH + 34, words=_short(found.bars[-1].label), end=True),
    )
    height = TOP + HIGH + 40
    return Drawing(
        width=WIDE, height=height, told=_told(found), rects=tuple(rects), texts=texts, floor=TOP + HIGH
    )


def _values(found: ColumnDrift, most: float) -> Drawing:
    shown = found.bars if len(found.bars) <= MOST else (*found.bars[: MOST - 1], found.bars[-1])
    rects, texts = list[Rect](), list[Text]()
    for number, bar in enumerate(shown):
        y = TOP + ROW * number
        texts.append(Text(x=0, y=y + 14, words=_short(bar.label)))
        for tone, share, down in (("accepted", bar.before, 2), ("newest", bar.now, 11)):
            width = round(max((WIDE - WORD) * share / most, 0.5), 1)
            rects.append(Rect(x=WORD, y=y + down, width=width, height=8, tone=tone, words=_bar_words(bar)))
    height = TOP + ROW * len(shown)
    return Drawing(width=WIDE, height=height, told=_told(found), rects=tuple(rects), texts=tuple(texts))


def history(moments: Sequence[Moment]) -> Drawing | None:
    """Return the drawing of how far each batch lay from the baseline, 1 being where it begins to matter."""
    if not moments:
        return None
    most = max(1.0, *(moment.times for moment in moments)) * HEADROOM
    pitch = (WIDE - LEFT - 12) / max(len(moments) - 1, 1)
    dots = tuple(
        Dot(
            x=round(LEFT + 6 + pitch * number, 1),
            y=round(TOP + HIGH * (1 - moment.times / most), 1),
            moved=moment.moved,
            words=f"{moment.part}: {moment.times:.2f} of what matters ({moment.measure})",
        )
        for number, moment in enumerate(moments)
    )
    older = sum(moment.older for moment in moments)
    told = f"{len(moments)} batches; {sum(moment.moved for moment in moments)} were found to have moved."
    if older:
        told += f" The first {older} were compared with what was accepted before."
    return Drawing(
        width=WIDE,
        height=TOP + HIGH + 24,
        told=told,
        turn=round(LEFT + 6 + pitch * (older - 0.5), 1) if older else 0.0,
        dots=dots,
        texts=tuple(_axis(moments, most)),
        line=round(TOP + HIGH * (1 - 1 / most), 1),
        floor=TOP + HIGH,
    )


def _axis(moments: Sequence[Moment], most: float) -> Iterator[Text]:
    yield Text(x=LEFT - 4, y=round(TOP + HIGH * (1 - 1 / most), 1) + 4, words="1", end=True)
    yield Text(x=LEFT - 4, y=TOP + HIGH, words="0", end=True)
    if most > 3:
        yield Text(x=LEFT - 4, y=TOP + 10, words=f"{most:.0f}", end=True)
    yield Text(x=LEFT, y=TOP + HIGH + 18, words=as_of(moments[0].day))
    if len(moments) > 1:
        yield Text(x=WIDE, y=TOP + HIGH + 18, words=as_of(moments[-1].day), end=True)


def _bar_words(bar: Bar) -> str:
    return f"{bar.label}: {bar.before:.1%} accepted, {bar.now:.1%} in the newest"


def _told(found: ColumnDrift) -> str:
    furthest = max(found.bars, key=lambda bar: abs(bar.now - bar.before))
    return (
        f"{len(found.bars)} {'ranges' if found.line.counted == 'numbers' else 'values'}. "
        f"The largest difference: {_bar_words(furthest)}."
    )


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
