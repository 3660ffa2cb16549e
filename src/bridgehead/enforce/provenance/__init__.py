"""Where values come from, and which origin may stand behind which argument. Pure: values in, values out.

In: a run's own words, the results it has seen, what people endorsed, one action's arguments.
Out: for each argument its origin, or why nothing endorses it. Never: a model, a guess, substring search in
documents. What matches nothing is unendorsed.
"""
