"""Take back what a run or a release did in other systems, and count it to the last effect.

In: a run or a release, and a person. Out: a plan, compensations made through ``perform``, a signed
certificate. Never: calls another system itself, or leaves an effect out of the count.
"""
