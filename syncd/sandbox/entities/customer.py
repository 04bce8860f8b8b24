"""Customer, with sub-customers (API reference, Customer)."""

from decimal import Decimal

from syncd.sandbox import faults, names
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

MAX_LEVEL = 4


def _rules(write: Write) -> None:
    _settle_parent(write)
    names.settle_name(write)
    names.settle_currency(write)
    names.settle_balance(write)
    names.keep_masked(write, "PrimaryTaxIdentifier", 5)
    reason = write.text("TaxExemptionReasonId")
    if reason and reason not in {str(number) for number in range(1, 16)}:
        raise faults.bad_id(reason, "TaxExemptionReasonId")


def _settle_parent(write: Write) -> None:
    """ParentRef counts with Job true only; alone it is dropped without a word."""
    draft = write.draft
    if not draft["Job"]:
        draft.pop("ParentRef", None)
        return
    reference = draft.get("ParentRef")
    if not isinstance(reference, dict):
        raise faults.validation(
            "6150", "Parent Reference Missing", "A sub-customer (Job) needs a ParentRef.", "ParentRef"
        )
    line = _line(write.company, write.company.objects["Customer"][str(reference["value"])])
    below = 0 if write.before is None else _depth_below(write.company, write.before)
    if write.before is not None and write.before.id in {ancestor.id for ancestor in line}:
        raise faults.validation("900", "Parent cannot be child", "A customer cannot be its own parent.")
    if len(line) + below > MAX_LEVEL:
        raise faults.validation(
            "6180", "Invalid Depth", f"Sub-customers may be at most {MAX_LEVEL} levels deep.", "ParentRef"
        )


def _line(company: Company, customer: Stored) -> list[Stored]:
    """A customer and its ancestors, the customer itself last."""
    line = [customer]
    while isinstance(reference := line[0].body.get("ParentRef"), dict):
        line.insert(0, company.objects["Customer"][str(reference["value"])])
    return line


def _children(company: Company, customer: Stored) -> list[Stored]:
    return company.find("Customer", "ParentRef", customer.id)


def _depth_below(company: Company, customer: Stored) -> int:
    return max((1 + _depth_below(company, child) for child in _children(company, customer)), default=0)


def _balance_with_jobs(company: Company, customer: Stored) -> Decimal:
    own = customer.body["Balance"]
    total = Decimal(own) if isinstance(own, int | Decimal) else Decimal(0)
    return total + sum(_balance_with_jobs(company, child) for child in _children(company, customer))


def _show(company: Company, stored: Stored, shown: dict[str, Json], quirks: Quirks) -> None:
    line = _line(company, stored)
    shown["FullyQualifiedName"] = ":".join(str(entry.body["DisplayName"]) for entry in line)
    shown["BalanceWithJobs"] = _balance_with_jobs(company, stored)
    if len(line) > 1:
        shown["Level"] = len(line) - 1
        shown["ParentRef"] = {"value": line[-2].id, "name": line[-2].body["DisplayName"]}
    shown["IsProject"] = False
    if isinstance(number := shown.get("PrimaryTaxIdentifier"), str):
        shown["PrimaryTaxIdentifier"] = names.mask(number, 5)
    names.show_name(company, stored, shown, quirks)


ENTITY = Entity(
    name="Customer",
    space=names.SPACE,
    name_list=True,
    rules=_rules,
    effects=names.post_opening,
    show=_show,
    fields=(
        *names.name_fields(110),
        Field("CompanyName", limit=100, query="sort"),
        Field("FullyQualifiedName", read_only=True, query="sort"),
        Field("Level", "number", read_only=True),
        Field("IsProject", "bool", read_only=True),
        Field("Job", "bool", default=False),
        Field("ParentRef", "ref", target="Customer", indexed=True),
        Field("BillWithParent", "bool", default=False),
        Field("PrimaryPhone", "phone", 30),
        Field("AlternatePhone", "phone", 30),
        Field("Mobile", "phone", 30),
        Field("Fax", "phone", 30),
        Field("PrimaryEmailAddr", "email", 100, query="filter"),
        Field("WebAddr", "web"),
        Field("BillAddr", "address"),
        Field("ShipAddr", "address"),
        Field("Notes", limit=2000),
        Field("Taxable", "bool", default=True),
        Field("ResaleNum", limit=16),
        Field("TaxExemptionReasonId"),
        Field("PrimaryTaxIdentifier", limit=30),
        Field("SecondaryTaxIdentifier", limit=30),
        Field("BusinessNumber", limit=10),
        Field("PreferredDeliveryMethod", "enum", choices=("Print", "Email", "None"), default="Print"),
        Field("Balance", "number", create_only=True, query="sort"),
        Field("OpenBalanceDate", "date", create_only=True),
        Field("BalanceWithJobs", "number", read_only=True),
        Field("CurrencyRef", "ref", keep=True),
        Field("DefaultTaxCodeRef", "ref", target="TaxCode"),
        Field("SalesTermRef", "ref", target="Term"),
        Field("PaymentMethodRef", "ref", target="PaymentMethod"),
        Field("ARAccountRef", "ref", target="Account"),
        Field("CustomerTypeRef", "ref", target="CustomerType"),
    ),
    accepted=names.BASE_ATTRIBUTES
    | words(
        "Organization RootCustomerRef SalesRepRef TaxGroupCodeRef TaxRateRef CCDetail "
        "PriceLevelRef CreditLimit AcctNum OverDueBalance TotalRevenue TotalExpense JobInfo "
        "TDSEnabled CustomerEx GSTIN GSTRegistrationType IsCISContractor ClientCompanyId "
        "ClientEntityId Source"
    ),
)
