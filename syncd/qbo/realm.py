"""What QuickBooks tells of a company as a whole: CompanyInfo and Preferences, read at connect and now and then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncd.db.states import Region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncd.qbo.client import Access, Client
    from syncd.qbo.faults import Fault

# As CompanyInfo spells them: ISO 3166 with two and three letters, and names.
COUNTRIES = {
    **dict.fromkeys(("US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA"), Region.US),
    **dict.fromkeys(("CA", "CAN", "CANADA"), Region.CA),
}
CURRENCIES = {"US": "USD", "CA": "CAD", "GB": "GBP", "AU": "AUD", "NZ": "NZD", "IN": "INR", "IE": "EUR"}


class NotTold(Exception):
    """QuickBooks answered with a fault, or without what it was asked for (then `fault` is None)."""

    def __init__(self, what: str, fault: Fault | None) -> None:
        super().__init__(f"QuickBooks answered without a {what}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Realm:
    """A company of QuickBooks in its own words."""

    info: dict[str, Any]
    preferences: dict[str, Any]

    @property
    def name(self) -> str:
        """As its owner calls it."""
        return str(self.info.get("CompanyName") or "without a name")

    @property
    def country(self) -> str:
        """As QuickBooks spells it; "" if it does not say."""
        return country_of(self.info)

    @property
    def currency(self) -> str | None:
        """The home currency; by country where multicurrency has never been looked at."""
        home = _part(_part(self.preferences, "CurrencyPrefs"), "HomeCurrency").get("value")
        return str(home) if home else CURRENCIES.get(self.country.upper()[:2])

    @property
    def payroll(self) -> bool | None:
        """Whether Payroll is on; None if QuickBooks does not say."""
        for pair in self.info.get("NameValue") or []:
            if isinstance(pair, dict) and pair.get("Name") == "PayrollFeature":
                return str(pair.get("Value")).lower() == "true"
        return None


async def read_realm(client: Client, access: Access) -> Realm:
    """Ask QuickBooks, in two reads. Raises NotSent, Lost or NotTold."""
    info = await _read(client, access, f"companyinfo/{access.realm_id}", "CompanyInfo")
    return Realm(info, await _read(client, access, "preferences", "Preferences"))


def dumps(told: Any) -> str:
    """For the database; the numbers among it are no money."""
    return json.dumps(told, default=str)


def country_of(info: Mapping[str, Any]) -> str:
    """The country in a CompanyInfo; its address names it where the company does not."""
    for place in (info, _part(info, "CompanyAddr"), _part(info, "LegalAddr")):
        if place.get("Country"):
            return str(place["Country"]).strip()
    return ""


def region_of(country: str) -> Region:
    """The region whose way of taxing a country has."""
    return COUNTRIES.get(country.upper().rstrip("."), Region.GLOBAL)


async def _read(client: Client, access: Access, path: str, key: str) -> dict[str, Any]:
    answer = await client.read(access, path)
    found = _part(answer.body, key)
    if answer.fault is not None or not found:
        raise NotTold(key, answer.fault)
    return found


def _part(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}
