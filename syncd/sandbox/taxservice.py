"""TaxService: the one way to make tax codes and rates (API reference, TaxService).

Request and answer have no wrapper object around them.
"""

from syncd.sandbox import faults
from syncd.sandbox.entities import taxcode
from syncd.sandbox.money import number
from syncd.sandbox.schema import Field
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json
from syncd.sandbox.world import World

_REQUEST = Field(
    "TaxService",
    "group",
    parts=(
        Field("TaxCode", "name", 100),
        Field("TaxCodeId", read_only=True),
        Field("Id", read_only=True),
        Field(
            "TaxRateDetails",
            "list",
            parts=(
                Field("TaxRateName", "name", 100),
                Field("TaxRateId"),
                Field("RateValue", "number"),
                Field("TaxAgencyId"),
                Field("TaxApplicableOn", "enum", choices=("Sales", "Purchase", "Other"), default="Sales"),
            ),
        ),
    ),
)


def create(world: World, company: Company, body: dict[str, Json]) -> dict[str, Json]:
    """Make a tax code of new and existing rates; faults 2020, 2500 and 6240."""
    now = world.clock.now()
    read = _REQUEST.read(body, world.quirks)
    given = read if isinstance(read, dict) else {}
    name, rows = given.get("TaxCode"), given.get("TaxRateDetails")
    if not isinstance(name, str):
        raise faults.required("TaxCode")
    if not isinstance(rows, list) or not rows:
        raise faults.required("TaxRateDetails")
    if company.find("TaxCode", "Name", name):
        raise faults.duplicate_list_name("tax code")
    checked = [_checked(company, row) for row in rows if isinstance(row, dict)]
    details = [_rate(company, row, now) for row in checked]
    code = Stored(
        "TaxCode", company.next_id("TaxCodes"), 0, now, now,
        taxcode.body(name, [str(detail["TaxRateId"]) for detail in details]),
    )  # fmt: skip
    company.put(code, taxcode.ENTITY.indexed)
    return {"TaxCode": name, "TaxCodeId": code.id, "TaxRateDetails": list(details)}


def _checked(company: Company, row: dict[str, Json]) -> dict[str, Json]:
    if "TaxRateId" in row:
        if company.get("TaxRate", str(row["TaxRateId"])) is None:
            raise faults.bad_reference("TaxRates", str(row["TaxRateId"]))
        return row
    for attribute in ("TaxRateName", "RateValue", "TaxAgencyId"):
        if attribute not in row:
            raise faults.required(f"TaxRateDetails.{attribute}")
    if company.get("TaxAgency", str(row["TaxAgencyId"])) is None:
        raise faults.bad_reference("TaxAgencies", str(row["TaxAgencyId"]))
    if company.find("TaxRate", "Name", row["TaxRateName"]):
        raise faults.duplicate_list_name("tax rate")
    return row


def _rate(company: Company, row: dict[str, Json], now: float) -> dict[str, Json]:
    """The rate a row names, made if it is new, as the answer shows it."""
    stored = company.get("TaxRate", str(row.get("TaxRateId")))
    if stored is None:
        body: dict[str, Json] = {
            "Name": row["TaxRateName"],
            "Description": row["TaxRateName"],
            "Active": True,
            "RateValue": number(row["RateValue"]),
            "AgencyRef": {"value": str(row["TaxAgencyId"])},
            "SpecialTaxType": "NONE",
            "DisplayType": "ReadOnly",
        }
        stored = Stored("TaxRate", company.next_id("TaxRates"), 0, now, now, body)
        company.put(stored, ("Name",))
    agency = stored.body["AgencyRef"]
    return {
        "TaxRateName": stored.body["Name"],
        "TaxRateId": stored.id,
        "RateValue": stored.body["RateValue"],
        "TaxAgencyId": agency["value"] if isinstance(agency, dict) else None,
        "TaxApplicableOn": row.get("TaxApplicableOn", "Sales"),
    }
