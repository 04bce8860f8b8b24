"""What an entity module declares, and the write its rules look at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json


@dataclass
class Write:
    """A create or update that has passed the schema and is not yet committed.

    `given` holds the attributes the client sent, None for those it clears.
    `draft` is what will be stored; an entity's rules complete it or raise
    QboFaultError. Rules change nothing but the draft.
    """

    company: Company
    entity: "Entity"
    before: Stored | None
    given: dict[str, Json]
    draft: dict[str, Json]
    sparse: bool
    quirks: Quirks

    def text(self, name: str) -> str:
        """A string attribute of the draft, "" if it is not there."""
        value = self.draft.get(name)
        return value if isinstance(value, str) else ""


def _no_rules(_write: Write) -> None:
    return None


def _as_stored(_company: Company, _stored: Stored, _shown: dict[str, Json], _quirks: Quirks) -> None:
    return None


@dataclass(frozen=True)
class Entity:
    """A kind of object QBO keeps.

    `space` is the id space it draws from, in the word QBO's faults use for it.
    `accepted` are further attributes of QBO's schema that have no effect here
    and are never returned. `rules` checks and completes a write; `show` adds to
    or masks what a reader sees. `name_list` objects are made inactive, never
    deleted; queries leave the inactive out. `singleton` entities have the one
    object "1", which `seed` makes for each new company.
    """

    name: str
    space: str
    fields: tuple[Field, ...]
    accepted: frozenset[str] = frozenset()
    rules: Callable[[Write], None] = _no_rules
    show: Callable[[Company, Stored, dict[str, Json], Quirks], None] = _as_stored
    name_list: bool = False
    singleton: bool = False
    seed: Callable[[Company], dict[str, Json]] | None = field(default=None)

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The declared attributes by name."""
        return {entry.name: entry for entry in self.fields}

    @cached_property
    def indexed(self) -> tuple[str, ...]:
        """Names of the attributes objects can be found by without a scan."""
        return tuple(entry.name for entry in self.fields if entry.indexed)
