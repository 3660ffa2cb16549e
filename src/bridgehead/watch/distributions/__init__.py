"""What a table's columns look like, batch by batch, and whether they have moved from what was accepted.

In: a table where it lives, the baseline a person accepted. Out: figures of columns in the store; clauses
``drift.COLUMN`` that draw more results for people to look at, and hold nothing back. Never: a row, a value of
a personal column, a verdict where nobody accepted a baseline.

    personal            which columns are counted under hashes
    framing, measuring  one scan and narrow queries where the data live; only figures leave
    rows                what is kept in the store, and for how long
    judging             the verdict over a new batch, in the unit that writes the batch down
"""
