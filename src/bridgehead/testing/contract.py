"""What every driver keeps, as tests to subclass.

::

    class TestMyDriver(DriverContract):
        def new(self) -> Driver:
            return MyDriver(...)

        def good(self) -> Request:
            return Request(operation="get_order", arguments={"order_id": "#W1"}, key="k", deadline=10)

Needs pytest with pytest-asyncio in auto mode. Fixtures a driver needs go onto ``self`` from an
autouse fixture of the subclass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bridgehead.kernel.canonical import decoded, encoded_bytes
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Driver, Reply, Request

AT_ONCE = 8
MARGIN = 5.0
"""Seconds a driver may need on a busy machine to notice that a deadline has passed."""


class DriverContract:
    """Subclass, say how to make a driver and a good request; pytest runs the rest."""

    def new(self) -> Driver:
        """Return a fresh driver, not open."""
        raise NotImplementedError

    def good(self) -> Request:
        """Return a request that a fresh driver answers, any number of times."""
        raise NotImplementedError

    def slow(self) -> Request | None:
        """Return a request whose answer takes much longer than its deadline, if there is one."""
        return None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Driver]:
        """Hand out an open driver and close it again."""
        driver = self.new()
        await driver.open()
        try:
            yield driver
        finally:
            await driver.close()

    async def test_lists_operations_that_are_pinned(self) -> None:
        async with self.opened() as driver:
            first, second = await driver.operations(), await driver.operations()
        assert list(first) == list(second)
        names = [operation.name for operation in first]
        assert self.good().operation in names
        assert len(set(names)) == len(names)
        assert all(len(op.digest) == 64 and int(op.digest, 16) >= 0 for op in first)
        assert all(op.parameters.get("type") == "object" for op in first)

    async def test_answers_with_a_value_that_can_be_recorded(self) -> None:
        async with self.opened() as driver:
            reply = await driver.call(self.good())
        assert reply.refused == ""
        assert decoded(encoded_bytes(reply.value)) == reply.value

    async def test_answers_many_at_once(self) -> None:
        async with self.opened() as driver:
            replies = await asyncio.gather(*(driver.call(self.good()) for _ in range(AT_ONCE)))
        assert all(isinstance(reply, Reply) and not reply.refused for reply in replies)

    async def test_leaves_the_request_as_it_was(self) -> None:
        request = self.good()
        before = encoded_bytes({"arguments": dict(request.arguments), "bound": dict(request.bound)})
        async with self.opened() as driver:
            await driver.call(request)
        assert encoded_bytes({"arguments": dict(request.arguments), "bound": dict(request.bound)}) == before

    async def test_refuses_an_operation_nobody_offers(self) -> None:
        async with self.opened() as driver:
            error = await failure(driver, replace(self.good(), operation="no-such-operation"))
        assert error.effect_state == "none"
        assert not error.temporary

    async def test_never_lets_an_argument_override_what_is_bound(self) -> None:
        request = self.good()
        everything = {**request.bound, **request.arguments, "bound_by_the_deployment": "a"}
        async with self.opened() as driver:
            error = await failure(driver, replace(request, arguments=everything, bound=everything))
        assert error.effect_state == "none"

    async def test_refuses_calls_before_it_is_open(self) -> None:
        error = await failure(self.new(), self.good())
        assert error.effect_state == "none"

    async def test_refuses_calls_after_it_is_closed(self) -> None:
        async with self.opened() as driver:
            pass
        error = await failure(driver, self.good())
        assert error.effect_state == "none"

    async def test_closes_twice_and_unopened_without_a_word(self) -> None:
        driver = self.new()
        await driver.close()
        await driver.open()
        await driver.close()
        await driver.close()

    async def test_opens_again_after_closing(self) -> None:
        async with self.opened() as driver:
            pass
        await driver.open()
        try:
            assert (await driver.call(self.good())).refused == ""
        finally:
            await driver.close()

    async def test_does_not_outlive_its_deadline(self) -> None:
        request = self.slow()
        if request is None:
            return
        async with self.opened() as driver:
            async with asyncio.timeout(request.deadline + MARGIN):
                error = await failure(driver, request)
        assert error.temporary

    async def test_survives_a_caller_who_walks_away(self) -> None:
        request = self.slow() or self.good()
        async with self.opened() as driver:
            task = asyncio.create_task(driver.call(replace(request, deadline=60)))
            await self._under_way([task])
            task.cancel()
            await asyncio.wait([task], timeout=MARGIN)
            assert task.cancelled() or (task.done() and self.slow() is None)
            assert (await driver.call(self.good())).refused == ""

    async def test_answers_callers_when_it_is_closed_under_them(self) -> None:
        request = self.slow() or self.good()
        driver = self.new()
        await driver.open()
        calls = [asyncio.create_task(driver.call(replace(request, deadline=60))) for _ in range(2)]
        await self._under_way(calls)
        await driver.close()
        _, waiting = await asyncio.wait(calls, timeout=MARGIN)
        assert not waiting, "a caller still waits for a driver that was closed"
        for call in calls:
            outcome = call.exception()
            assert outcome is None or isinstance(outcome, ConnectError)

    async def _under_way(self, calls: list[asyncio.Task[Reply]]) -> None:
        """Let calls get as far as they can: a slow one waits for its answer by then."""
        slow = self.slow()
        await asyncio.wait(calls, timeout=slow.deadline if slow else 0)


async def failure(driver: Driver, request: Request) -> ConnectError:
    """Return the ``ConnectError`` that ``request`` ends in; fail if it does not, or without a code."""
    outcome: Any = None
    try:
        outcome = await driver.call(request)
    except ConnectError as error:
        assert error.code.startswith("BH-"), error
        assert error.what
        return error
    raise AssertionError(f"{request.operation} was answered: {outcome!r}")
