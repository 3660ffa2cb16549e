"""Where people and programs come in: the command line, the console.

In: a request and who makes it. Out: pages, JSON, exit codes.
Never: holds a rule of its own; every right is asked of the rooms below.
"""
