"""Are the data an AI is about to act on what their readers were promised?

In: contracts (ODCS v3), data where they live, arrivals, labels of people, a time. Out: verdicts, findings and
states, each with the clause it comes from; and rows that step 4 of ``perform`` reads.
Never: changes data, decides what an action may do (``enforce`` does), reads a clock of its own, calls a check
that could not be evaluated a pass, or shows an accuracy without labels as known.

    contract/       read a data contract, compare two of them
    checks/         a contract's clauses as data, the queries they become, their evaluation and judgement
    look, health    look at a deployment's sources; what is found becomes what their readers may do
    arrivals/       batches that are late, missing, short, or came twice
    drift/          how far a batch lies from the accepted one
    schema_change/  what changed in a schema, and whom it breaks
    accuracy/       which outputs people audit, an interval, an alarm against the floor
"""
