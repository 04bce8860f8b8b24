"""What QuickBooks says of a company itself: read again when a record would be refused for it, at most once an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.qbo.realm import Realm, dumps

if TYPE_CHECKING:
    from syncd.daemon.question import Questions
    from syncd.db.queue import Hold, Queue


class Facts:
    """Of one lane's company."""

    def __init__(self, questions: Questions, queue: Queue, hold: Hold) -> None:
        self._questions = questions
        self._queue = queue
        self._hold = hold

    async def renewed(self) -> bool:
        """Read them if they are due; whether they were. Raises what `Questions` raises."""
        if not await self._queue.facts_due(self._hold):
            return False
        info = await self._questions.read(f"companyinfo/{self._questions.realm_id}", "CompanyInfo")
        preferences = await self._questions.read("preferences", "Preferences")
        if info is None or preferences is None:
            return False
        realm = Realm(info, preferences)
        await self._queue.keep_facts(
            self._hold, dumps(info), dumps(preferences), realm.currency, payroll=realm.payroll
        )
        return True
