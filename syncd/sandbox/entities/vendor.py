"""Vendor (API reference, Vendor)."""

from syncd.sandbox import names
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

_TAX_DIGITS_SHOWN = 4


def _rules(write: Write) -> None:
    names.settle_name(write)
    names.settle_currency(write)
    names.settle_balance(write)
    names.keep_masked(write, "TaxIdentifier", _TAX_DIGITS_SHOWN)


def _show(company: Company, stored: Stored, shown: dict[str, Json], quirks: Quirks) -> None:
    if isinstance(number := shown.get("TaxIdentifier"), str):
        shown["TaxIdentifier"] = names.mask(number, _TAX_DIGITS_SHOWN)
    names.show_name(company, stored, shown, quirks)


ENTITY = Entity(
    name="Vendor",
    space=names.SPACE,
    name_list=True,
    rules=_rules,
    effects=names.post_opening,
    show=_show,
    fields=(
        *names.name_fields(100),
        Field("CompanyName", limit=100, query="sort"),
        Field("PrimaryPhone", "phone", 30),
        Field("AlternatePhone", "phone", 30),
        Field("Mobile", "phone", 30),
        Field("Fax", "phone", 30),
        Field("PrimaryEmailAddr", "email", 100, query="filter"),
        Field("WebAddr", "web"),
        Field("BillAddr", "address"),
        Field("AcctNum", limit=100, query="sort"),
        Field("TaxIdentifier", limit=20),
        Field("TaxReportingBasis", "enum", choices=("Cash", "Accrual")),
        Field("Vendor1099", "bool", default=False),
        Field("BillRate", "number"),
        Field("CostRate", "number"),
        Field("Balance", "number", create_only=True, query="sort"),
        Field("OpenBalanceDate", "date", create_only=True),
        Field("CurrencyRef", "ref", keep=True),
        Field("TermRef", "ref", target="Term"),
        Field("APAccountRef", "ref", target="Account"),
    ),
    accepted=names.BASE_ATTRIBUTES
    | words(
        "Organization ContactName AltContactName Notes ShipAddr OtherAddr "
        "TaxCountry BusinessNumber ParentRef VendorTypeRef PrefillAccountRef CreditLimit "
        "T4AEligible T5018Eligible CurrencyCode VendorEx HasTPAR GSTIN GSTRegistrationType "
        "IsSubContractorCIS SubcontractorType CISRate TDSEnabled DefaultTaxCodeRef "
        "PurchaseTaxCodeRef FullyQualifiedName VendorPaymentBankDetail Source EligibleFor1099 "
        "ClientEntityId"
    ),
)
