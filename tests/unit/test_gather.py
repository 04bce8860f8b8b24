"""Questions that come at the same time are asked together, and each gets its own answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.db.gather import AT_ONCE, TOGETHER, Gathering

if TYPE_CHECKING:
    from collections.abc import Sequence

Question = tuple[str, int]


class Final(Exception):
    """What each question would get alone, too."""


class Postgres:
    """Answers with the number of the question; keeps what was asked together."""

    def __init__(self, seconds: float = 0.001) -> None:
        self.seconds = seconds
        self.statements: list[list[Question]] = []
        self.at_once = self.most_at_once = 0
        self.gathering: Gathering[Question, int] = Gathering(self.ask, lambda asked: asked[0], (Final,))

    async def ask(self, asked: Sequence[Question]) -> list[int | Exception]:
        self.statements.append(list(asked))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        if ("broken", 0) in asked:
            raise ValueError("a row that nobody can read")
        if ("away", 0) in asked:
            raise Final
        # Beside others it is as if it were lost: somebody has it locked.
        return [KeyError(key) if key == "locked" and len(asked) > 1 else number for key, number in asked]

    async def all(self, *questions: Question) -> list[int | BaseException]:
        return await asyncio.gather(*map(self.gathering, questions), return_exceptions=True)


def test_questions_of_one_moment_go_together_and_get_their_own_answers() -> None:
    """In as many statements as may be under way, so that each has a processor of its own."""
    postgres = Postgres()
    assert asyncio.run(postgres.all(("a", 1), ("b", 2), ("c", 3), ("d", 4))) == [1, 2, 3, 4]
    assert postgres.statements == [[("a", 1), ("b", 2)], [("c", 3), ("d", 4)]]


def test_a_question_alone_waits_for_no_other() -> None:
    postgres = Postgres()

    async def one_after_the_other() -> None:
        for number in range(3):
            assert await postgres.gathering(("a", number)) == number

    asyncio.run(one_after_the_other())
    assert postgres.statements == [[("a", 0)], [("a", 1)], [("a", 2)]]


def test_those_that_come_while_others_are_answered_go_together() -> None:
    postgres = Postgres(seconds=0.1)

    async def run() -> None:
        first = [asyncio.create_task(postgres.all(("a", 1))), asyncio.create_task(postgres.all(("b", 2)))]
        await asyncio.sleep(0.01)
        await asyncio.gather(*first, *(postgres.all((key, 3)) for key in "cdef"))

    asyncio.run(run())
    assert [len(asked) for asked in postgres.statements] == [1, 1, 4]


def test_two_of_one_key_never_go_together() -> None:
    postgres = Postgres()
    assert asyncio.run(postgres.all(("a", 1), ("a", 2), ("b", 3), ("a", 4))) == [1, 2, 3, 4]
    assert all(len({key for key, _ in asked}) == len(asked) for asked in postgres.statements)


def test_one_that_fails_fails_alone() -> None:
    postgres = Postgres()
    answers = asyncio.run(postgres.all(("a", 1), ("broken", 0), ("b", 2), ("c", 3)))
    assert isinstance(answers[1], ValueError)
    assert (answers[0], *answers[2:]) == (1, 2, 3)
    assert [("a", 1), ("broken", 0)] in postgres.statements


def test_one_that_is_locked_is_asked_alone_and_keeps_nobody_waiting() -> None:
    postgres = Postgres()
    assert asyncio.run(postgres.all(("a", 1), ("locked", 5), ("b", 2))) == [1, 5, 2]
    assert postgres.statements == [[("a", 1), ("locked", 5)], [("b", 2)], [("locked", 5)]]


def test_a_final_error_is_everybody_s_and_asked_once() -> None:
    postgres = Postgres()
    answers = asyncio.run(postgres.all(("a", 1), ("away", 0), ("b", 2), ("c", 3)))
    assert [type(answer) for answer in answers] == [Final, Final, int, int]
    assert len(postgres.statements) == 2


def test_whoever_goes_away_takes_nobody_along() -> None:
    postgres = Postgres()

    async def run() -> None:
        leaving = [asyncio.create_task(postgres.gathering(("a", number))) for number in range(4)]
        staying = asyncio.create_task(postgres.gathering(("b", 7)))
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        assert await staying == 7
        with pytest.raises(asyncio.CancelledError):
            await leaving[0]

    asyncio.run(run())


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=3 * TOGETHER), max_size=6))
def test_every_question_is_answered_once_however_they_come(moments: list[list[str]]) -> None:
    """A moment is what tasks ask in one turn of the loop; between two of them some statements end."""
    postgres = Postgres()

    async def run() -> None:
        tasks: list[tuple[int, asyncio.Task[int]]] = []
        for moment in moments:
            for key in moment:
                question = (key, len(tasks))
                tasks.append((question[1], asyncio.create_task(postgres.gathering(question))))
            await asyncio.sleep(0.0005)
        async with asyncio.timeout(10):
            for number, task in tasks:
                assert await task == number

    asyncio.run(run())
    asked = [number for statement in postgres.statements for _, number in statement]
    assert sorted(asked) == list(range(sum(map(len, moments))))
    assert postgres.most_at_once <= AT_ONCE
    assert all(len(statement) <= TOGETHER for statement in postgres.statements)
