"""The one point every action passes: ``perform`` and the ten steps it calls.

In: an action a run wants. Out: Done, Refused or Failed, recorded either way.
Never: decides by a model, lets a fault permit, performs what has no durable intent.
"""
