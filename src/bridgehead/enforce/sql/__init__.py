"""What of a database a principal may see, whoever wrote the SQL: rights in, a rewritten statement out.

In: one statement as text, and the rights of a principal on a source. Out: the only text that is ever
executed, with its values, or ``SqlRefused``. It never touches a database, and never passes on a word of
the text it was given: what is executed is generated from the tree (``rewrite.py`` reads as the flow).
"""
