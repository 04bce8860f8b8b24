"""Employee, and how QuickBooks Payroll takes half of it over (API reference, Employee)."""

import re

from syncd.sandbox import faults, names
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

_SSN_SHOWN = "XXX-XX-XXXX"
_NOT_WITH_PAYROLL = ("Title", "Suffix", "PrintOnCheckName", "SSN")


def _rules(write: Write) -> None:
    if write.company.payroll:
        _payroll_rules(write)
    if not (write.text("GivenName") or write.text("FamilyName")):
        write.draft.pop("DisplayName", None)
    names.settle_name(write, ("GivenName", "FamilyName"))
    if not write.draft["BillableTime"]:
        write.draft.pop("BillRate", None)
    _settle_ssn(write)


def _payroll_rules(write: Write) -> None:
    """Payroll owns the name and refuses some attributes outright; it needs an address."""
    for attribute in _NOT_WITH_PAYROLL:
        if write.given.get(attribute) is not None:
            raise faults.bad_property(f"{attribute} specified")
    if write.given.get("BillRate"):
        raise faults.bad_property("BillRate specified")
    write.draft.pop("DisplayName", None)
    write.draft.pop("PrintOnCheckName", None)
    address = write.draft.get("PrimaryAddr")
    for part in ("City", "CountrySubDivisionCode", "PostalCode"):
        if not isinstance(address, dict) or not address.get(part):
            raise faults.required(f"PrimaryAddr.{part}")


def _settle_ssn(write: Write) -> None:
    number = write.text("SSN")
    if number == _SSN_SHOWN and write.before is not None:
        write.draft["SSN"] = write.before.body.get("SSN")
    elif number and not re.fullmatch(r"\d{3}-\d{2}-\d{4}", number):
        raise faults.system_failure("Payroll call failed with no information")


def _show(company: Company, stored: Stored, shown: dict[str, Json], quirks: Quirks) -> None:
    if shown.get("SSN"):
        shown["SSN"] = _SSN_SHOWN
    if company.payroll:
        shown.pop("PrintOnCheckName", None)
    names.show_name(company, stored, shown, quirks)


ENTITY = Entity(
    name="Employee",
    space=names.SPACE,
    name_list=True,
    rules=_rules,
    show=_show,
    fields=(
        *names.name_fields(100),
        Field("PrimaryAddr", "address"),
        Field("PrimaryPhone", "phone", 20),
        Field("Mobile", "phone", 20),
        Field("PrimaryEmailAddr", "email", 100),
        Field("SSN", limit=100),
        Field("EmployeeNumber", limit=100),
        Field("BillableTime", "bool", default=False),
        Field("BillRate", "number"),
        Field("CostRate", "number"),
        Field("BirthDate", "date"),
        Field("HiredDate", "date"),
        Field("ReleasedDate", "date"),
        Field("Gender", "enum", choices=("Male", "Female")),
    ),
    accepted=names.BASE_ATTRIBUTES
    | words(
        "Organization EmailAddress CompanyName FullyQualifiedName AlternatePhone Fax WebAddr "
        "EmployeeType UseTimeEntry EmployeeEx DefaultTaxCodeRef"
    ),
)
