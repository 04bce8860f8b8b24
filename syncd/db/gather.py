"""Gathering: what several tasks ask for at the same time is asked in one statement.

Alone, a question goes out at once. In a burst, those that come while others are being answered wait for each other and
go together; so a statement whose cost is mostly its beginning is begun once for many.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Asked: TypeAlias = tuple[Question, asyncio.Future[Answer]]

AT_ONCE = 2  # statements: while one is answered, another may be asked
TOGETHER = 16  # questions in one


class Gathering(Generic[Question, Answer]):
    """Questions that `ask` answers together, in their order; an answer that is an exception is raised where its
    question came from. No two in one statement have the same `key`.

    What goes wrong may be the fault of another question, or of a lock that somebody has on one company: then it is
    asked again alone, and keeps nobody waiting. Not after one of the `final` errors, which it would get alone, too.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception]]],
        key: Callable[[Question], Hashable],
        final: tuple[type[Exception], ...],
    ) -> None:
        self._ask = ask
        self._key = key
        self._final = final
        self._waiting: list[Asked[Question, Answer]] = []
        self._at_once = 0  # tasks that ask, and how many of them wait for Postgres
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive

    async def __call__(self, question: Question) -> Answer:
        """The answer to one of them. A caller that is cancelled leaves its question to be answered."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._at_once < AT_ONCE:
            self._at_once += 1
            # It begins when all tasks that run now have had their turn: they may have questions too.
            self._start(self._answer_all())
        return await answer

    def _start(self, answering: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(answering)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_all(self) -> None:
        try:
            while asked := self._take():
                self._under_way += 1
                try:
                    answers = await self._answers(asked)
                finally:
                    self._under_way -= 1
                for one, answer in zip(asked, answers, strict=True):
                    if (
                        len(asked) > 1
                        and isinstance(answer, Exception)
                        and not isinstance(answer, self._final)
                    ):
                        self._start(self._answer(one))
                    else:
                        _give(one, answer)
        finally:
            # Nothing may come between the last take and this: whoever asks then would wait for ever.
            self._at_once -= 1

    async def _answer(self, one: Asked[Question, Answer]) -> None:
        [answer] = await self._answers([one])
        _give(one, answer)

    async def _answers(self, asked: Sequence[Asked[Question, Answer]]) -> Sequence[Answer | Exception]:
        try:
            return await self._ask([question for question, _ in asked])
        except Exception as error:
            return [error] * len(asked)

    def _take(self) -> list[Asked[Question, Answer]]:
        """The next ones that go together, shared out over the statements that may begin now: what is in one of them is
        one processor's work. Whoever asked may have gone away.
        """
        most = min(TOGETHER, math.ceil(len(self._waiting) / (AT_ONCE - self._under_way)))
        taken: dict[Hashable, Asked[Question, Answer]] = {}
        left = []
        for question, answer in self._waiting:
            key = self._key(question)
            if answer.done():
                continue
            if key in taken or len(taken) == most:
                left.append((question, answer))
            else:
                taken[key] = (question, answer)
        self._waiting = left
        return list(taken.values())


def _give(one: Asked[Question, Answer], answer: Answer | Exception) -> None:
    _, future = one
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
