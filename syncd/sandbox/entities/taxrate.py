"""TaxRate (API reference, TaxRate): made by TaxService, read here."""

from decimal import Decimal

from syncd.sandbox.entity import Entity
from syncd.sandbox.schema import Field
from syncd.sandbox.store import Company
from syncd.sandbox.taxtables import TABLES
from syncd.sandbox.wire import Json


def _seeds(company: Company) -> list[dict[str, Json]]:
    return [
        {
            "Name": name,
            "Description": name,
            "Active": True,
            "RateValue": Decimal(percent),
            "AgencyRef": {"value": "1"},
            "SpecialTaxType": "NONE",
            "DisplayType": "ReadOnly",
        }
        for name, percent in TABLES[company.profile.name].rates
    ]


ENTITY = Entity(
    name="TaxRate",
    space="TaxRates",
    name_list=True,
    writable=False,
    seeds=_seeds,
    fields=(
        Field("Name", "name", 100, query="sort", indexed=True),
        Field("Description", limit=100, query="sort"),
        Field("Active", "bool", query="sort"),
        Field("RateValue", "number", query="sort"),
        Field("AgencyRef", "ref", target="TaxAgency", query="filter"),
        Field("SpecialTaxType", query="filter"),
        Field("DisplayType", query="filter"),
    ),
)
