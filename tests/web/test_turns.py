"""Questions about very much are answered a few at a time, in order, and beyond some that wait they are refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from affineur.core.decision import Refused
from affineur.core.rules.statistics import MOST_WAITING
from affineur.web.turns import Turns

T = TypeVar("T")


def run(asked: Coroutine[None, None, T]) -> T:
    """What comes of it, in a thread: the one of the tests may have the event loop of a browser running in it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asked).result()


def test_few_are_answered_at_once_and_too_many_that_wait_are_refused() -> None:
    going = threading.Event()
    lock, running, most = threading.Lock(), 0, 0

    def question(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        going.wait(60)
        with lock:
            running -= 1
        return number

    async def ask() -> list[int]:
        turns = Turns(2)
        asked = [asyncio.create_task(turns.take(question, number)) for number in range(MOST_WAITING + 2)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await turns.take(question, -1)
        assert refused.value.decision.rule == "statistics.busy"
        going.set()
        return await asyncio.gather(*asked)

    assert run(ask()) == list(range(MOST_WAITING + 2))
    assert most == 2


def test_a_question_that_fails_gives_its_turn_back() -> None:
    async def ask() -> list[object]:
        turns = Turns(1)
        return [*await asyncio.gather(*(turns.take(int, text) for text in ("x", "1")), return_exceptions=True)]

    failed, answer = run(ask())
    assert isinstance(failed, ValueError)
    assert answer == 1
