"""Settings, a charter and drivers become a running house.

::

    house = House.open(folder)              # read, vote, stop: no driver is touched
    house.activate(by=person)               # the folder as it is now becomes the active release
    async with house.at_work() as engine:   # drivers are reachable, runs are carried forward
        await engine.work()

In: a deployment's folder, the address of its store. Out: a ``House``. Never: holds a rule.
"""

from bridgehead.assemble.house import House

__all__ = ["House"]
