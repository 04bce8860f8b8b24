"""Everything one sandbox server holds."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncd.sandbox.clock import Clock
from syncd.sandbox.entities import discover
from syncd.sandbox.inject import Injector
from syncd.sandbox.journal import Journal
from syncd.sandbox.profiles import PROFILES
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.replay import ReplayMemory
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.throttle import Limits, Throttle
from syncd.sandbox.tokens import Tokens

FIRST_REALM = 4620816365000000000


class World:
    """The state of a server: companies, tokens, limits, quirks and the journal."""

    def __init__(self, client_id: str, client_secret: str, *, latency: float = 0.0) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.latency = latency
        self.clock = Clock()
        self.quirks = Quirks()
        self.limits = Limits()
        self.throttle = Throttle()
        self.replay = ReplayMemory()
        self.injector = Injector()
        self.journal = Journal()
        self.tokens = Tokens()
        self.entities = discover()
        self.paths = {entity.name.lower(): entity for entity in self.entities.values()}
        self.companies: dict[str, Company] = {}
        self.names_busy: set[str] = set()
        """Realms in which a name-list write is being answered."""

    def add_company(
        self,
        profile: str,
        *,
        realm_id: str = "",
        name: str = "",
        timezone: str = "",
        payroll: bool = False,
        multicurrency: bool | None = None,
        limits: Limits | None = None,
    ) -> Company:
        """Make a company; ValueError says what is wrong."""
        chosen = PROFILES.get(profile)
        if chosen is None:
            raise ValueError(f"There is no profile {profile!r}; choose one of {', '.join(PROFILES)}.")
        realm_id = realm_id or str(FIRST_REALM + len(self.companies) + 1)
        if not (realm_id.isascii() and realm_id.isdigit()) or realm_id in self.companies:
            raise ValueError(f"A realm_id is a number not in use yet, not {realm_id!r}.")
        zone = timezone or chosen.timezone
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"There is no time zone {zone!r}; give an IANA name.") from None
        company = Company(
            realm_id=realm_id,
            name=name or f"Sandbox Company {realm_id[-4:]}",
            profile=chosen,
            timezone=zone,
            payroll=payroll,
            multicurrency=chosen.multicurrency if multicurrency is None else multicurrency,
            created=self.clock.now(),
            limits=limits,
        )
        made = company.created
        for entity in self.entities.values():
            for body in entity.seeds(company) if entity.seeds else ():
                identifier = str(body.pop("Id", "")) or company.next_id(entity.space)
                company.put(Stored(entity.name, identifier, 0, made, made, body), entity.indexed)
        self.companies[realm_id] = company
        return company
