"""Companies and their objects, in memory."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.sandbox.ledger import Ledger
from syncd.sandbox.profiles import Profile
from syncd.sandbox.throttle import Limits
from syncd.sandbox.wire import Json


@dataclass
class Stored:
    """One object: everything but `body` is kept by the store itself.

    `token` is the SyncToken, `created` and `updated` are epoch seconds.
    """

    entity: str
    id: str
    token: int
    created: float
    updated: float
    body: dict[str, Json]


def index_key(value: Json) -> str:
    """How an indexed value is looked up: references by id, text without case."""
    if isinstance(value, dict):
        value = value.get("value")
    return str(value).strip().casefold()


@dataclass
class Company:
    """A QBO company file: its settings and its objects.

    `limits` None means those of the server. Ids count up in each id space.
    """

    realm_id: str
    name: str
    profile: Profile
    timezone: str
    payroll: bool
    multicurrency: bool
    created: float
    limits: Limits | None = None
    objects: defaultdict[str, dict[str, Stored]] = field(default_factory=lambda: defaultdict(dict))
    ledger: Ledger = field(default_factory=Ledger)
    applied: defaultdict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))
    """By invoice: what each payment pays of it."""
    gone: dict[tuple[str, str], float] = field(default_factory=dict)
    """When each deleted object was deleted."""
    _hidden: set[tuple[str, str]] = field(default_factory=set)
    _ids: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _index: defaultdict[tuple[str, str], dict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def hide_new(self, entity: str, identifier: str) -> None:
        """Keep an object unknown to `get` until `show_new`, unless it was there before."""
        stored = self.objects[entity].get(identifier)
        if stored is not None and stored.token == 0:
            self._hidden.add((entity, identifier))

    def show_new(self) -> None:
        """End of `hide_new`."""
        self._hidden.clear()

    def next_id(self, space: str) -> str:
        """The next number of an id space."""
        self._ids[space] += 1
        return str(self._ids[space])

    def get(self, entity: str, identifier: str) -> Stored | None:
        """An object by id."""
        if self._hidden and (entity, identifier) in self._hidden:
            return None
        return self.objects[entity].get(identifier)

    def find(self, entity: str, attribute: str, value: Json) -> list[Stored]:
        """Objects by the stored value of an indexed attribute, ignoring case."""
        ids = self._index[entity, attribute].get(index_key(value), ())
        return [self.objects[entity][identifier] for identifier in ids]

    def put(self, stored: Stored, indexed: Iterable[str]) -> None:
        """Insert or replace an object and bring the index up to date."""
        self._forget(stored, indexed)
        for attribute in indexed:
            if attribute in stored.body:
                index = self._index[stored.entity, attribute]
                index.setdefault(index_key(stored.body[attribute]), set()).add(stored.id)
        self.objects[stored.entity][stored.id] = stored

    def remove(self, stored: Stored, indexed: Iterable[str], now: float) -> None:
        """Delete an object for good."""
        self._forget(stored, indexed)
        del self.objects[stored.entity][stored.id]
        self.gone[stored.entity, stored.id] = now

    def _forget(self, stored: Stored, indexed: Iterable[str]) -> None:
        old = self.objects[stored.entity].get(stored.id)
        for attribute in indexed:
            if old is not None and attribute in old.body:
                self._index[stored.entity, attribute][index_key(old.body[attribute])].discard(stored.id)

    def preference(self, group: str, name: str) -> Json:
        """One of the company's preferences, None if it is not set."""
        found = self.objects["Preferences"]["1"].body.get(group)
        return found.get(name) if isinstance(found, dict) else None

    def today(self, now: float) -> date:
        """The date where the company is."""
        return datetime.fromtimestamp(now, ZoneInfo(self.timezone)).date()

    def summary(self) -> dict[str, Json]:
        """The company as the control interface shows it."""
        return {
            "realm_id": self.realm_id,
            "name": self.name,
            "profile": self.profile.name,
            "country": self.profile.country,
            "currency": self.profile.currency,
            "timezone": self.timezone,
            "payroll": self.payroll,
            "multicurrency": self.multicurrency,
        }
