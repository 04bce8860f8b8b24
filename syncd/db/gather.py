"""Gathering: what several tasks ask for at the same time is asked in one statement.

Alone, a question goes out at once. In a burst, those that come while others are being answered wait for each other and
go together; so a statement whose cost is mostly its beginning is begun once for many.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AT_ONCE = 2  # statements: while one is answered, another may be asked
TOGETHER = 16  # questions in one


class Gathering(Generic[Question, Answer]):
    """Questions that `ask` answers together, in their order; an answer that is an exception is raised where its
    question came from. What `ask` itself raises may be the fault of one: then each is asked alone, unless it is one of
    the `shared` errors, which all of them would get.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception]]],
        shared: tuple[type[Exception], ...],
    ) -> None:
        self._ask = ask
        self._shared = shared
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def __call__(self, question: Question) -> Answer:
        """The answer to one of them. A caller that is cancelled leaves its question to be answered."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if len(self._asking) < AT_ONCE:
            # It begins when all tasks that run now have had their turn: they may have questions too.
            task = asyncio.create_task(self._go())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return await answer

    async def _go(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            asked = [(question, answer) for question, answer in together if not answer.done()]
            answers = await self._answers([question for question, _ in asked])
            for (_, future), answer in zip(asked, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    async def _answers(self, questions: Sequence[Question]) -> Sequence[Answer | Exception]:
        if not questions:
            return []
        try:
            return await self._ask(questions)
        except Exception as error:
            if len(questions) == 1 or isinstance(error, self._shared):
                return [error] * len(questions)
        return [answer for question in questions for answer in await self._answers([question])]
