"""Is the data what its readers were promised?

In: data contracts (ODCS v3), data where they live, numbers that were measured earlier, a time.
Out: verdicts and findings, each with the file and line of the clause it comes from.
Never: changes data, blocks anything by itself (``enforce`` reads what was found), calls a check that could
not be evaluated a pass, or shows an accuracy without labels as known.

    contract/   read a data contract, compare two of them
    checks/     a contract's clauses as data, the queries they become, their evaluation and judgement
"""
