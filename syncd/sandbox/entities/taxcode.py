"""TaxCode (API reference, TaxCode): made by TaxService, read here."""

from collections.abc import Sequence

from syncd.sandbox.entity import Entity
from syncd.sandbox.schema import Field
from syncd.sandbox.store import Company
from syncd.sandbox.taxtables import PSEUDO_CODES, TABLES
from syncd.sandbox.wire import Json


def body(name: str, rates: Sequence[str], *, group: bool = True) -> dict[str, Json]:
    """A tax code that taxes sales at the rates with these ids."""
    details: list[Json] = [
        {"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0} for rate in rates
    ]
    return {
        "Name": name,
        "Description": name,
        "Active": True,
        "Hidden": False,
        "Taxable": group or name != "NON",
        "TaxGroup": group,
        "SalesTaxRateList": {"TaxRateDetail": details},
        "PurchaseTaxRateList": {"TaxRateDetail": []},
    }


def _seeds(company: Company) -> list[dict[str, Json]]:
    table = TABLES[company.profile.name]
    numbers = {name: str(place) for place, (name, _) in enumerate(table.rates, 1)}
    codes = [body(name, [numbers[rate] for rate in rates]) for name, rates in table.codes]
    if company.profile.country == "US":
        codes += [{"Id": name, **body(name, (), group=False)} for name in PSEUDO_CODES]
    return codes


_RATE_LIST = (
    Field(
        "TaxRateDetail",
        "list",
        parts=(Field("TaxRateRef", "ref", target="TaxRate"), Field("TaxTypeApplicable"), Field("TaxOrder")),
    ),
)

ENTITY = Entity(
    name="TaxCode",
    space="TaxCodes",
    name_list=True,
    writable=False,
    seeds=_seeds,
    fields=(
        Field("Name", "name", 100, query="sort", indexed=True),
        Field("Description", limit=100, query="sort"),
        Field("Active", "bool", query="sort"),
        Field("Hidden", "bool"),
        Field("Taxable", "bool"),
        Field("TaxGroup", "bool"),
        Field("SalesTaxRateList", "group", parts=_RATE_LIST),
        Field("PurchaseTaxRateList", "group", parts=_RATE_LIST),
    ),
)
