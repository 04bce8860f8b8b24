"""What an entity module declares, and the write its rules look at."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from syncd.sandbox.ledger import Posting
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

    entities: Mapping[str, "Entity"]
    company: Company
    entity: "Entity"
    before: Stored | None
    given: dict[str, Json]
    draft: dict[str, Json]
    sparse: bool
    quirks: Quirks
    now: float

    def text(self, name: str) -> str:
        """A string attribute of the draft, "" if it is not there."""
        value = self.draft.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Change:
    """A write that has been stored; `after` is None for what was deleted."""

    entities: Mapping[str, "Entity"]
    company: Company
    before: Stored | None
    after: Stored | None
    quirks: Quirks
    now: float


def _no_rules(_write: Write) -> None:
    return None


def _no_effects(_change: Change) -> None:
    return None


def _as_stored(_company: Company, _stored: Stored, _shown: dict[str, Json], _quirks: Quirks) -> None:
    return None


@dataclass(frozen=True)
class Entity:
    """A kind of object QBO keeps.

    `space` is the id space it draws from, in the word QBO's faults use for it.
    `accepted` are further attributes of QBO's schema that have no effect here
    and are never returned. `rules` checks and completes a write; `effects` is
    what it does to other objects; `show` adds to or masks what a reader sees.
    `name_list` objects are made inactive, never deleted; queries leave the
    inactive out. `singleton` entities have the one object "1". `seeds` are the
    objects of a new company. `sparse_quirk` names the quirk that can turn a
    sparse update into a full one. `writable` is False where the API only reads.

    Transactions are `deletable`, unless `refuse_delete` objects; `void` makes a draft of what is left of one,
    and `void_by` says how a client asks for it ("operation" or "include").
    `postings` are its legs in the ledger, and `open_item` the name it belongs
    to with what is open of it.
    """

    name: str
    space: str
    fields: tuple[Field, ...]
    accepted: frozenset[str] = frozenset()
    rules: Callable[[Write], None] = _no_rules
    effects: Callable[[Change], None] = _no_effects
    show: Callable[[Company, Stored, dict[str, Json], Quirks], None] = _as_stored
    name_list: bool = False
    singleton: bool = False
    writable: bool = True
    deletable: bool = False
    sparse_quirk: str = ""
    seeds: Callable[[Company], Iterable[dict[str, Json]]] | None = None
    refuse_delete: Callable[[Write], None] = _no_rules
    void: Callable[[Write], None] | None = None
    void_by: str = "operation"
    postings: Callable[[Company, Stored], Iterable[Posting]] | None = None
    open_item: Callable[[Stored], tuple[str, Decimal]] | None = None

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The declared attributes by name."""
        return {entry.name: entry for entry in self.fields}

    @cached_property
    def indexed(self) -> tuple[str, ...]:
        """Names of the attributes objects can be found by without a scan."""
        return tuple(entry.name for entry in self.fields if entry.indexed)
