"""Sales documents and the ledger, for tests."""

from typing import Any

from .server import Company


def line(
    amount: Any, *, item: str = "1", qty: Any = None, price: Any = None, tax: str = "", **more: Any
) -> dict[str, Any]:
    """A sales line; `more` goes onto the line itself."""
    detail = {"ItemRef": {"value": item}, "Qty": qty, "UnitPrice": price}
    if tax:
        detail["TaxCodeRef"] = {"value": tax}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": detail} | more


def discount(amount: Any, percent: Any = None) -> dict[str, Any]:
    """A discount line."""
    detail = {"PercentBased": percent is not None, "DiscountPercent": percent}
    return {"DetailType": "DiscountLineDetail", "Amount": amount, "DiscountLineDetail": detail}


def customer_id(company: Company) -> str:
    """The company's first customer, made if there is none."""
    found = company.objects("Customer")
    return str(found[0]["Id"] if found else company.save("Customer", DisplayName="Ann Lee")["Id"])


def invoice(company: Company, **more: Any) -> dict[str, Any]:
    """The body of an invoice."""
    customer = {} if "CustomerRef" in more else {"CustomerRef": {"value": customer_id(company)}}
    return {**customer, "Line": [line(100)]} | more


def sell(company: Company, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A saved invoice."""
    return company.save("Invoice", **invoice(company, Line=list(lines), **more))


def refuse_invoice(company: Company, **more: Any) -> dict[str, Any]:
    """The error of an invoice that must be refused."""
    return company.refused("Invoice", **invoice(company, **more))


def pay(company: Company, amount: Any, *invoices: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """A saved payment of so much for each of these invoices."""
    return company.save("Payment", **payment(company, amount, *invoices, **more))


def payment(company: Company, amount: Any, *invoices: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """The body of a payment."""
    lines = [{"Amount": part, "LinkedTxn": [{"TxnId": key, "TxnType": "Invoice"}]} for key, part in invoices]
    return {"CustomerRef": {"value": customer_id(company)}, "TotalAmt": amount, "Line": lines} | more


def books(company: Company) -> dict[str, float]:
    """Every account that has a balance; the sandbox adds everything up anew for it."""
    accounts = company.sandbox.control(f"/sandbox/ledger/{company.realm}")["accounts"]
    return {name: balance for name, balance in accounts.items() if balance}
