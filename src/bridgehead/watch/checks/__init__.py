"""A contract's clauses as checks: planned into few queries, run where the data live, judged purely."""
