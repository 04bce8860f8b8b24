"""One company of a running world: what is written in SIP, what QuickBooks has then, and what people are told."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncd.qbo.realm import dumps
from tests.support.processes import until

if TYPE_CHECKING:
    from tests.flow.conftest import World

_numbers = itertools.count(1000)


class Company:
    """A company with a realm of its own. Ready (everything mapped, all switches on) unless `ready` is False."""

    def __init__(self, world: World, *, ready: bool = True, **profile: Any) -> None:
        # The daemon may use up the ten requests of a second; what a test does in QuickBooks by hand comes on top.
        profile = {"limits": {"per_second": 20}, **profile}
        self.id = str(next(_numbers))
        self.world = world
        self.realm = world.connect(self.id, ready=ready, on=False, **profile)
        self.sip = world.sip(self.id)
        self._seen = 0

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """What QuickBooks has of a kind, in the order of its making."""
        found = self.world.sandbox.objects(self.realm, kind)
        return sorted(found, key=lambda o: int(o["Id"]) if o["Id"].isdecimal() else 0)

    def one(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The one object of a kind that has these values."""
        [found] = [o for o in self.objects(kind) if all(o.get(key) == value for key, value in wanted.items())]
        return found

    def invoice(self, id_: str) -> dict[str, Any]:
        """QuickBooks' invoice of the number that an invoice of SIP has."""
        number = self.world.database.value("select number from sip.invoices where id = %s", (id_,))
        return self.one("Invoice", DocNumber=number)

    def payment(self, id_: str) -> dict[str, Any]:
        """QuickBooks' payment that a payment of SIP is linked to."""
        return self.one("Payment", Id=self.link("payment", id_))

    def link(self, entity: str, id_: str) -> str | None:
        """The id that a record of SIP has in the realm that is connected now."""
        found: str | None = self.world.database.value(
            "select qbo_id from syncd.linked where company_id = %s and entity_type = %s and sip_id = %s",
            (self.id, entity, id_),
        )
        return found

    def states(self, entity: str) -> list[str]:
        """The states of the jobs of a kind, in the order of their making."""
        found = self.world.database.rows(
            "select state::text from syncd.job where company_id = %s and entity_type = %s"
            " order by owed_since, entity_id",
            (self.id, entity),
        )
        return [state for (state,) in found]

    def written(self) -> list[str]:
        """The kinds that were written since the last `mark`, in order. A batch is called so."""
        return [r["entity"] for r in self._since() if r["method"] == "POST" and r["entity"] != "query"]

    def asked(self) -> list[str]:
        """Every request to the realm since the last `mark`, queries among them."""
        return [f"{r['method']} {r['path']}" for r in self._since()]

    def mark(self) -> None:
        """What comes from now on is what `written` and `asked` tell."""
        self._seen = max((r["seq"] for r in self._since()), default=self._seen)

    def _since(self) -> list[dict[str, Any]]:
        requests = self.world.sandbox.ask(f"requests?since={self._seen}&realm={self.realm}")["requests"]
        return [r for r in requests if r["entity"] not in ("", "token")]

    def log(self, label: str | None = None) -> list[tuple[Any, ...]]:
        """(Entity Type, Entity Name, Direction, Status, Error), oldest first, of one Entity Type or of all."""
        return self.world.database.rows(
            'select "Entity Type", "Entity Name", "Direction", "Status", "Error" from syncd.sync_log_view'
            ' where company_id = %s and (%s::text is null or "Entity Type" = %s) order by log_id',
            (self.id, label, label),
        )

    def problems(self) -> list[tuple[Any, ...]]:
        """The rows of the log that are no success."""
        return [row for row in self.log() if row[3] != "Success"]

    def errors(self) -> list[str]:
        """What the log says of each error, oldest first."""
        return [row[4] for row in self.log() if row[3] == "Error"]

    def notes(self) -> list[str]:
        """What the log adds to a success."""
        found = self.world.database.rows(
            "select note from syncd.sync_log where company_id = %s and note is not null order by log_id",
            (self.id,),
        )
        return [note for (note,) in found]

    def badge(self, entry: str) -> tuple[str | None, str | None]:
        """What SIP shows at an entry of a timesheet: the badge and the text below it."""
        found = self.world.database.rows(
            "select badge, error from syncd.entry_badges where company_id = %s and entry_id = %s",
            (self.id, entry),
        )
        return found[0] if found else (None, None)

    def switch(self, **settings: Any) -> None:
        """Change settings."""
        self.world.database.switch(self.id, **settings)

    def prefer(self, **preferences: Any) -> None:
        """Change the company's preferences in QuickBooks. syncd reads them again only when it has to."""
        self.world.sandbox.tell(f"edit/{self.realm}/Preferences/1", **preferences)

    def read_again(self) -> None:
        """What QuickBooks tells of the company, stored as at connect."""
        [preferences] = self.objects("Preferences")
        self.world.database.execute(
            "update syncd.company set preferences = %s where company_id = %s",
            (Jsonb(preferences, dumps=dumps), self.id),
        )

    def edit(self, kind: str, id_: str, **attributes: Any) -> None:
        """Change something as a person in QuickBooks does."""
        self.world.sandbox.tell(f"edit/{self.realm}/{kind}/{id_}", **attributes)

    def order(self, kind: str, **more: Any) -> int:
        """A fault for the realm's writes; its id."""
        ordered: int = self.world.sandbox.tell(
            "faults", kind=kind, realm_id=self.realm, method="POST", **more
        )["id"]
        return ordered

    def release(self, ordered: int) -> None:
        """Take one order back: what it held goes on."""
        self.world.sandbox.release(ordered)

    def settle(self) -> None:
        """Wait until nothing of this company is on its way."""
        until(
            lambda: self.world.database.value(
                "select not exists (select from syncd.outbox) and not exists (select from syncd.pending"
                " where company_id = %s and state <> 'waiting')",
                (self.id,),
            ),
            what="the company comes to rest",
        )

    def heard(self) -> None:
        """Wait until the daemon has looked at all that changed; what came of it may wait for a connection."""
        until(
            lambda: not self.world.database.value("select exists (select from syncd.outbox)"),
            what="all changes are looked at",
        )
