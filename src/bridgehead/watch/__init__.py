"""Are the data an AI is about to act on what their readers were promised?

In: contracts (ODCS v3), data where they live, arrivals, labels of people, a time. Out: verdicts, findings and
states, each with the clause it comes from; and rows that step 4 of ``perform`` reads.
Never: changes data, decides what an action may do (``enforce`` does), reads a clock of its own, calls a check
that could not be evaluated a pass, or shows an accuracy without labels as known.

Of data anywhere, in figures and words alone:

    contract/       read a data contract, compare two of them
    checks/         a contract's clauses as data, the queries they become, their evaluation and judgement
    draft/          a contract proposed from data
    arrivals/       batches that are late, missing, short, or came twice
    distributions/  every batch counted column by column, beside what a person accepted
    drift/          how far a batch lies from the accepted one (profile, sketch: what it looks like)
    schema_change/  what changed in a schema, and whom it breaks
    accuracy/       which outputs people audit, an interval, an alarm against the floor

Of a deployment's sources, written down for step 4:

    look, breach, health       look at a source; what is found becomes what its readers may do
    feeds/                     batches that come as files: copied, checked, published or kept apart
    awaited, overdue, upstream what did not come becomes broken clauses, and one incident for each cause
    cadence, promised          what the contract says of a table's batches; where that contract is
    kept, stored, new_rows     what is remembered of a feed; new rows of a database
    accepting, schema_accepting  what a person says of batches, and of a schema that changed
"""
