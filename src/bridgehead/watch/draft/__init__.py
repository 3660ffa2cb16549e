"""A contract drafted from data alone: what each column seems to promise, how often it does, and where not.

In: files, a folder, a database. Out: the text of an ODCS v3 contract in which every clause is a proposal with
its support and its counter-examples. Nothing here decides: a person reads the draft, and accepts it or not.
"""
