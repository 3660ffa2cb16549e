"""Collections of documents: read, cut into passages, indexed beside the store, searched.

In: a collection of the charter, its folder and texts, the state folder. Out: a driver that finds passages
among what ``enforce`` permits, and for the operator what was read and what was refused. Never: decides who
may read what; lets what may not be read take part in a search, not even as a number.

The index is a copy that can be made again: each machine has its own, and a backup leaves it out.
"""
