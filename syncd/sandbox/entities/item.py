"""Item: services, products without stock, and categories (API reference, Item).

Inventory and bundles are refused: their costs would need a stock ledger.
"""

from syncd.sandbox import chart, faults, lists
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

TYPES = ("Service", "NonInventory", "Category")
_COSTS = ("Expense", "Other Expense", "Cost of Goods Sold")
MAX_PRICE = 99_999_999_999


def _rules(write: Write) -> None:
    draft = write.draft
    kind = write.text("Type")
    if not kind:
        raise faults.required("Type")
    if kind not in TYPES:
        raise faults.unsupported(f"Item of type {kind}")
    lists.settle_parent(write, "SubItem")
    lists.settle_name(write)
    draft["FullyQualifiedName"] = draft["Name"]
    if kind == "Category":
        draft.pop("IncomeAccountRef", None)
        return
    _settle_accounts(write)
    for price in ("UnitPrice", "PurchaseCost"):
        value = draft.setdefault(price, 0)
        if isinstance(value, bool | str | list | dict) or value is None or not 0 <= value <= MAX_PRICE:
            raise faults.bad_format("2090", "Number", price, str(value))
    if write.company.profile.country != "US":
        draft.pop("Taxable", None)
    else:
        draft.setdefault("Taxable", False)


def _settle_accounts(write: Write) -> None:
    draft = write.draft
    if "IncomeAccountRef" not in draft:
        raise faults.required("IncomeAccountRef")
    if write.company.profile.country != "US" and "ExpenseAccountRef" not in draft:
        raise faults.required("ExpenseAccountRef")
    chart.require_type(write.company, draft["IncomeAccountRef"], "IncomeAccountRef", "Income")
    chart.require_type(write.company, draft.get("ExpenseAccountRef"), "ExpenseAccountRef", *_COSTS)


def _seeds(company: Company) -> list[dict[str, Json]]:
    income = chart.of_type(company, "ServiceFeeIncome")
    cost = chart.of_type(company, "SuppliesMaterialsCogs")
    items: list[dict[str, Json]] = []
    for name in ("Services", "Hours"):
        body: dict[str, Json] = {
            "Name": name,
            "FullyQualifiedName": name,
            "Active": True,
            "SubItem": False,
            "Type": "Service",
            "UnitPrice": 0,
            "PurchaseCost": 0,
            "IncomeAccountRef": {"value": income},
        }
        if company.profile.country == "US":
            body["Taxable"] = False
        else:
            body["ExpenseAccountRef"] = {"value": cost}
        items.append(body)
    return items


def _show(company: Company, stored: Stored, shown: dict[str, Json], quirks: Quirks) -> None:
    lists.show_name(company, stored, shown, quirks)
    shown["TrackQtyOnHand"] = False


ENTITY = Entity(
    name="Item",
    space="Items",
    name_list=True,
    sparse_quirk="sparse-item",
    rules=_rules,
    show=_show,
    seeds=_seeds,
    fields=(
        Field("Name", "name", 100, keep=True, query="sort", indexed=True),
        Field("FullyQualifiedName", read_only=True, query="sort"),
        Field("Active", "bool", default=True, query="sort"),
        Field("Type", "enum", choices=(*TYPES, "Inventory", "Group"), query="sort"),
        Field("Sku", limit=100, on_request=True),
        Field("Description", limit=4000),
        Field("PurchaseDesc", limit=1000),
        Field("UnitPrice", "number"),
        Field("PurchaseCost", "number"),
        Field("Taxable", "bool", query="filter"),
        Field("SalesTaxIncluded", "bool"),
        Field("PurchaseTaxIncluded", "bool"),
        Field("SubItem", "bool", default=False, query="filter"),
        Field("ParentRef", "ref", target="Item"),
        Field("Level", "number", read_only=True),
        Field("IncomeAccountRef", "ref", target="Account"),
        Field("ExpenseAccountRef", "ref", target="Account"),
        Field("AssetAccountRef", "ref", target="Account"),
        Field("SalesTaxCodeRef", "ref", target="TaxCode"),
        Field("PurchaseTaxCodeRef", "ref", target="TaxCode"),
        Field("ClassRef", "ref", target="Class"),
        Field("PrefVendorRef", "ref", target="Vendor"),
        Field("TrackQtyOnHand", "bool", read_only=True),
    ),
    accepted=words(
        "AbatementRate AttachableRef AvgCost CustomField DeferredRevenue IntuitId InvStartDate ItemAssemblyDetail "
        "ItemCategoryType ItemEx ItemGroupDetail ManPartNum PrintGroupedItems QtyOnHand QtyOnPurchaseOrder "
        "QtyOnSalesOrder RatePercent ReorderPoint ReverseChargeRate ServiceType SpecialItem SpecialItemType "
        "Source TaxClassificationRef UOMSetRef UQCDisplayText UQCId status"
    ),
)
