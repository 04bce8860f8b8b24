"""The demo's two businesses: what their bookkeepers have in QuickBooks, and what their admins choose there.

What SIP holds of them before the day begins is in sql/sip/plumbing.sql.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncd.demo.quickbooks import Realm

ACCOUNTS = {
    "income": "Services",
    "expenses": "Cost of Goods Sold",
    "discounts": "Discounts given",
    "undeposited-funds": "Undeposited Funds",
}
METHODS = {
    "card": "Credit Card",
    "ach": "ACH",
    "apple_pay": "Credit Card",
    "cash": "Cash",
    "check": "Check",
    "zelle": "Other",
    "other": "Other",
}
"""What SIP ships with; nobody changes it here."""

OWN_ITEM = "SIP Services"
"""What syncd makes in QuickBooks for lines and hours that have no service item."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A business as its admin describes it. The name is SIP's."""

    name: str
    region: str
    profile: str
    timezone: str
    currency: str
    employees: tuple[str, ...]
    """Members whom QuickBooks has as employees of the same name."""
    vendors: tuple[str, ...] = ()
    tax_codes: Mapping[str, str] = field(default_factory=dict)
    """By rate, or "untaxed"."""
    days_back: int = 0
    """How far before today the first timesheets lie that are to be sent."""

    @property
    def today(self) -> date:
        """The date there."""
        return datetime.now(ZoneInfo(self.timezone)).date()


VENDOR = "Harbor Street Supply"

CALIFORNIA = Kind(
    "Lee Plumbing",
    region="us",
    profile="us-automated-tax",
    timezone="America/Los_Angeles",
    currency="USD",
    employees=("Marcus Diaz", "Rosa Kim"),
    vendors=(VENDOR,),
    days_back=7,
)
CANADA = Kind(
    "Fraser Plumbing & Heating",
    region="ca",
    profile="canada",
    timezone="America/Vancouver",
    currency="CAD",
    employees=("Samir Singh",),
    tax_codes={"12": "GST/PST BC", "untaxed": "Exempt"},
)


@dataclass(frozen=True, slots=True)
class Business:
    """An organization of SIP and its company in QuickBooks."""

    company_id: str
    kind: Kind
    realm: Realm
    start_date: date
    """Timesheets before it are not sent."""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.kind.name


def first_day(kind: Kind) -> date:
    """From when on its timesheets are to be sent."""
    return kind.today - timedelta(days=kind.days_back)
