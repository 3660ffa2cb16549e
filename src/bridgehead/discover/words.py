"""The words by which interfaces are named, as an engineer reads them: verbs, and what arguments are called.

General knowledge of naming; no server is in here. A word that is not known says nothing, and nothing known
means the careful choice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


READS = words_of(
    """
    browse calculate check compare compute count describe diff display estimate examine explain fetch
    find get head inspect list look lookup peek ping preview query read retrieve search select show stat
    status suggest summarize tail tree validate view whoami
    """
)
"""Verbs (and nouns used as such) that only look, where nothing else is said."""

CHANGES = words_of(
    """
    accept acknowledge acquire activate add allocate alter append apply approve archive arm assign
    attach authorize ban block book borrow buy call cancel change charge checkout claim clear click
    clone close commit complete configure confirm connect consume convert copy create credit
    deactivate debit decline delete deny deploy dequeue destroy disable discard disconnect dismiss
    dispatch drag drop edit email empty enable end enqueue enrol enroll erase eval evaluate exchange
    exec execute expire export extend fill finish flag fork format forward generate grant hide hire
    hold import increment init insert install invite invoke issue join kick kill launch leave link
    lock login logout mark merge message migrate modify move mute notify occupy open order overwrite
    pause pay persist pin place play pop post press provision publish pull purchase purge push put
    queue react rebase reboot record redeem refresh refund register reject release remove rename
    render rent reopen reorder replace reply report request reschedule reserve reset resolve restart
    restore resume retry return revert review revoke rotate run save schedule send set share ship
    sign star start stop store stream submit subscribe swap sync tag take terminate toggle touch
    transfer trigger truncate type unarchive unassign unban unblock unlink unlock unmute unpin
    unregister unstar unsubscribe update upgrade upload upsert use void vote wipe withdraw write
    """
)
"""Verbs that change something, at the head of a name."""

ALWAYS_CHANGES = words_of(
    """
    acquire add append cancel clear consume create delete dequeue destroy drop edit erase eval exec
    execute insert invite modify overwrite purchase purge refund remove rename replace reschedule
    reset revoke send submit truncate unsubscribe update upload upsert wipe write
    """
)
"""Verbs that change something wherever they stand in a name: nobody uses them as nouns."""

DESTROYS = words_of(
    """
    archive ban block cancel clear close delete destroy disable drop erase kill purge remove reset
    revoke terminate truncate unsubscribe wipe
    """
)
"""Verbs whose target must be named by the user, and by nothing else."""

TAKES = words_of(
    "acquire allocate assign borrow claim consume dequeue lock mark occupy pop rent reserve take"
)
"""Verbs by which a read is one no more when its description says them."""

LOCAL = words_of(
    """
    add append clear close copy create delete edit erase increment insert lock mark modify move open
    overwrite pin purge remove rename reorder replace reset restore set star tag touch truncate unlock
    unpin unstar update upsert wipe write
    """
)
"""Verbs that change what the system itself holds, and send nobody anything."""

JOINS = words_of("and or then with also")
"""Words after which a name says a second thing: ``find_or_create``."""

CODE = words_of("sql statement command cmd code script shell program query mutation")
"""Arguments that are programs: what they do is written in them and nowhere else."""

QUERIES = words_of("query sql statement")
"""Those of them in a language that can be held to looking."""

FREE = words_of("body caption comment content description message note notes reply subject summary text")
"""Arguments with prose, where they are plain text."""

WHO = words_of(
    """
    account address assignee assignees attendee attendees bcc cc channel chat destination email emails
    endpoint group guest guests host iban invitee invitees member members owner participant participants
    payee phone recipient recipients repo repository reviewer reviewers target to url uri user username
    users webhook
    """
)
"""Arguments that say who or where."""

MUCH = words_of("amount balance budget cost credit fee limit price quantity quota sum total value")
"""Arguments that say how much."""

PLACES = words_of("endpoint host hostname domain link url urls uri webhook website")
"""Arguments that are addresses of other systems."""

WEB = words_of("http internet online url web webpage website")
"""Words in a name that say that a question leaves the house."""

_BREAK = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def tokens(name: str) -> tuple[str, ...]:
    """Return the words of a name, whatever the style: ``getUserById``, ``get_user``, ``users.get``."""
    return tuple(part.lower() for part in _BREAK.split(name) if part)


def shared(names: Sequence[tuple[str, ...]]) -> int:
    """Return how many first words all names have in common: a prefix such as ``slack_`` says nothing."""
    if len(names) < 2:
        return 0
    for length, column in enumerate(zip(*names, strict=False)):
        if len(set(column)) > 1 or column[0] in READS | CHANGES:
            return length
    return 0


def plain(text: object, most: int) -> str:
    """Return another system's words on one line, with nothing that moves a cursor or looks like our marks."""
    shown = "".join(
        letter if unicodedata.category(letter)[0] not in "CZ" else " " for letter in str(text)[: most * 8]
    )
    line = " ".join(re.sub(r"#(?=\s|$)", " ", shown).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def third(verbs: Iterable[str]) -> frozenset[str]:
    """Return the forms of verbs in ``it ...s``: sends, fetches, modifies."""
    return frozenset(_third(verb) for verb in verbs)


def _third(verb: str) -> str:
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "z")) else f"{verb}s"


def gerund(verb: str) -> str:
    """Return the ``...ing`` of a verb: sending, removing, submitting."""
    if verb.endswith("e"):
        return f"{verb[:-1]}ing"
    doubled = verb in _DOUBLED or re.fullmatch(r"[^aeiou]+[aeiou][bdgmnpt]", verb)
    return f"{verb}{verb[-1]}ing" if doubled else f"{verb}ing"


_DOUBLED = words_of("reset submit")
