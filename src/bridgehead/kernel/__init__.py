"""The nouns, pure: principals, actions, decisions, outcomes, entries, findings.

In: nothing. Out: frozen values, the canonical form, the ports drivers implement.
Never: imports a third party, reads a file, a clock (outside ``clock``) or a database.
"""
