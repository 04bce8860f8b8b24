"""A company connected to a realm of the sandbox, with real tokens, and that realm as its bookkeeper has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncd.qbo.oauth import Tokens
from syncd.qbo.vault import Vault
from tests.support.processes import VAULT_KEY

if TYPE_CHECKING:
    from tests.support.database import Database
    from tests.support.processes import Sandbox


class Realm:
    """A company of SIP that is connected to a new realm, and that realm as its bookkeeper has it."""

    def __init__(self, database: Database, sandbox: Sandbox, profile: str, rate: str, **company: Any) -> None:
        self._sandbox = sandbox
        self._database = database
        region = {"canada": "ca", "global": "global"}.get(profile, "us")
        database.execute(
            "insert into sip.organizations (id, name, default_tax_rate) values (1, 'Yard', %s)", (rate,)
        )
        database.execute(
            "insert into syncd.company (company_id, name, region, timezone) values ('1', 'Yard', %s, 'America/Denver')",
            (region,),
        )
        limits = {"limits": {"per_second": 0}, **company}  # tests make objects without asking for a turn
        self.realm = sandbox.tell("companies", profile=profile, **limits)["realm_id"]
        self.connect()

    def connect(self) -> None:
        """As `syncd company connect` does, without what it maps."""
        given = self._sandbox.tell("tokens", realm_id=self.realm)
        now = datetime.now(UTC)
        self._token = given["access_token"]
        tokens = Tokens(
            given["access_token"], given["refresh_token"], now + timedelta(hours=1), now + timedelta(9)
        )
        preferences = self._sandbox.ask(f"objects/{self.realm}/Preferences")["objects"][0]
        self._database.connection.execute(
            "select syncd.connect_company('1', 'sandbox', %s, %s, %s, %s, '{}', %s, %s, false)",
            (
                self.realm,
                Vault([VAULT_KEY]).encrypt(tokens.to_json()),
                tokens.access_expires_at,
                tokens.refresh_expires_at,
                Jsonb(preferences),
                preferences["CurrencyPrefs"]["HomeCurrency"]["value"],
            ),
        )

    def add(self, kind: str, **body: Any) -> str:
        """An object made in QuickBooks; its id."""
        answer = self._sandbox.http.post(
            f"/v3/company/{self.realm}/{kind.lower()}?minorversion=75",
            json=body,
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
        )
        return str(answer.raise_for_status().json()[kind]["Id"])

    def id_of(self, kind: str, name: str) -> str:
        """The id of an object that a new company has."""
        return next(str(o["Id"]) for o in self._sandbox.objects(self.realm, kind) if o["Name"] == name)

    def deactivate(self, kind: str, id_: str) -> None:
        """Make an object inactive."""
        self._sandbox.tell(f"edit/{self.realm}/{kind}/{id_}", Active=False)

    def member(self, name: str, email: str, *, active: bool = True) -> str:
        """A member in SIP; the id."""
        return str(
            self._database.value(
                "insert into sip.members (organization_id, name, email, active) values (1, %s, %s, %s) returning id",
                (name, email, active),
            )
        )
