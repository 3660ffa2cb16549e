"""Which documents somebody may read: human ∩ agent ∩ charter ∩ the system the documents come from, now.

In: a collection of the charter, a person, an agent, and the rights that came with the documents. Out: a
``Scope``, which answers for one document at a time, with the reason. Never: reads a document, or a file.
"""
