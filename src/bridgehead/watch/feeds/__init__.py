"""Batches of a table that come as files: written down, audited, then published.

In: a drop folder, the contract, what is remembered of the feed. Out: rows of ``batch``, ``snapshot`` and
``feed``, each with its ledger entry, and what the table's readers may do. Never: changes or removes what a
sender dropped, publishes what was not checked, or half of it.

    landing     complete files of a drop folder, copied where the sender cannot change them
    remembered  what the watch over arrivals knows of a feed, between two looks
    totals      the file of control totals beside each batch
    copied      a batch as its row and its copy have it
    judging     one copied batch against its contract and its feed
    columns     its columns beside those that readers know
    resent      the batches that were kept apart and that it holds all of
    repeated    the same bytes again, set aside
    afresh      what was here before and is put to people all the same
    intake      the flow of a look
    arriving    what is complete is written down as a batch, once
    queue       which batches wait for their verdict
    verdicts    what landed is judged; published, quarantined or set aside
    publishing  the snapshot that new runs read
    learning    what a batch teaches that waited, and is published now
    readable    whether queries can read a copy
    relation    the copies of a table as one relation, for queries
    view        the columns of it that queries see
    rechecking  what waited for its columns is judged again once people accepted them
    lost        copies of what is published that readers here cannot read
    standing    what all this does to the table's readers
    keeping     how long copies are kept
    deciding    people release or discard what is quarantined
"""
