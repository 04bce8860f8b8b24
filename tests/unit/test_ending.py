"""A task that is told to end does, though it may not have heard the first time."""

from __future__ import annotations

import asyncio

from syncd.daemon.ending import end


def test_a_task_whose_cancellation_was_lost_is_cancelled_again() -> None:
    async def run() -> int:
        heard = 0

        async def goes_on() -> None:
            nonlocal heard
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    heard += 1
                    if heard > 1:
                        raise

        task = asyncio.create_task(goes_on())
        await asyncio.sleep(0)
        await asyncio.wait_for(end([task]), 10)
        assert task.cancelled()
        return heard

    assert asyncio.run(run()) == 2


def test_what_an_ending_task_raises_is_passed_over() -> None:
    async def fails() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise RuntimeError("at the end")

    async def run() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        await end([task])
        assert isinstance(task.exception(), RuntimeError)

    asyncio.run(run())


def test_nothing_to_end_is_no_error() -> None:
    asyncio.run(end([]))
