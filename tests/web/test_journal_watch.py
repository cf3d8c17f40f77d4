"""Waiting for the journal: who is woken, who is turned away, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import threading

from tests.coroutines import run

from affineur.web.watch import Watch


class Head:
    """A journal's newest serial, which knows how often it was asked and by how many at once."""

    def __init__(self) -> None:
        self.serial, self.asked = 0, 0
        self.fails = False

    def __call__(self) -> int:
        self.asked += 1
        if self.fails:
            raise ConnectionError("the database is away")
        return self.serial


async def for_ever() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    return None


def test_all_who_wait_are_woken_by_one_question() -> None:
    head = Head()
    watch = Watch(head)

    async def scene() -> list[int | None]:
        waiting = [asyncio.create_task(watch.after(0, 60, for_ever)) for _ in range(500)]
        await asyncio.sleep(0.6)
        assert watch.waiting == 500
        assert 1 <= head.asked < 50, "nobody asks for each of them"
        head.serial = 7
        return await asyncio.gather(*waiting)

    assert run(scene()) == [7] * 500
    assert watch.waiting == 0


def test_only_those_are_woken_for_whom_something_is_new() -> None:
    head = Head()
    head.serial = 5
    watch = Watch(head)

    async def scene() -> list[int | None]:
        return await asyncio.gather(watch.after(4, 60, for_ever), watch.after(5, 0.6, for_ever))

    assert run(scene()) == [5, 5], "the second after its time, with the serial it knew"


def test_whoever_is_too_many_or_gone_is_not_kept() -> None:
    watch = Watch(Head(), most=1)

    async def scene() -> None:
        first = asyncio.create_task(watch.after(0, 60, for_ever))
        while not watch.waiting:
            await asyncio.sleep(0.01)
        assert await watch.after(0, 60, for_ever) is None, "one too many"
        first.cancel()
        while watch.waiting:
            await asyncio.sleep(0.01)
        assert await watch.after(0, 60, at_once) is None, "a client that left"

    run(scene())
    assert watch.waiting == 0


def test_nothing_is_asked_while_nobody_waits() -> None:
    head = Head()
    watch = Watch(head)

    async def scene() -> None:
        await watch.after(0, 0.1, for_ever)
        while watch.is_asking:
            await asyncio.sleep(0.01)
        asked = head.asked
        await asyncio.sleep(0.6)
        assert head.asked == asked
        head.serial = 1
        assert await watch.after(0, 60, for_ever) == 1, "and it begins again"

    run(scene())


def test_a_process_that_ends_or_a_database_that_is_away_keeps_nobody() -> None:
    head = Head()
    assert run(Watch(head, is_ending=lambda: True).after(3, 60, for_ever)) == 0
    head.fails = True
    assert run(Watch(head).after(3, 60, for_ever)) == 3


def test_what_is_built_for_the_same_question_is_built_once() -> None:
    watch = Watch(Head())
    built: list[int] = []
    go = threading.Event()

    def build() -> int:
        go.wait(30)
        built.append(1)
        return len(built)

    async def scene() -> list[int]:
        asking = [asyncio.create_task(watch.together("a", build)) for _ in range(20)]
        await asyncio.sleep(0.05)
        go.set()
        return [*await asyncio.gather(*asking), await watch.together("a", build)]

    assert run(scene()) == [1] * 20 + [2]
