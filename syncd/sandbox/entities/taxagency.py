"""TaxAgency (API reference, TaxAgency)."""

from syncd.sandbox import faults
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company
from syncd.sandbox.taxtables import TABLES
from syncd.sandbox.wire import Json


def _rules(write: Write) -> None:
    name = write.text("DisplayName")
    if not name:
        raise faults.required("DisplayName")
    others = write.company.find("TaxAgency", "DisplayName", name)
    if any(write.before is None or other.id != write.before.id for other in others):
        raise faults.duplicate_list_name("tax agency")


def _seeds(company: Company) -> list[dict[str, Json]]:
    name = TABLES[company.profile.name].agency
    return [{"DisplayName": name, "TaxTrackedOnSales": True, "TaxTrackedOnPurchases": False}]


ENTITY = Entity(
    name="TaxAgency",
    space="TaxAgencies",
    rules=_rules,
    seeds=_seeds,
    fields=(
        Field("DisplayName", "name", 100, keep=True, query="sort", indexed=True),
        Field("TaxTrackedOnSales", "bool", default=True),
        Field("TaxTrackedOnPurchases", "bool", default=False),
        Field("TaxRegistrationNumber", limit=30),
    ),
    accepted=words("LastFileDate TaxAgencyConfig IntuitId CustomField AttachableRef status"),
)
