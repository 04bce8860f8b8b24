"""The books as an accountant looks at them: what SIP invoiced and collected must be what the accounts have come to."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.demo.businesses import ACCOUNTS
from syncd.demo.truth import cents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncd.demo.truth.office import Office

RECEIVABLE = "Accounts Receivable (A/R)"
TAX = "Sales Tax Payable"


def expected(office: Office) -> dict[str, Decimal]:
    """The balance of each account that SIP's invoices and payments move; debits are above 0."""
    sent = [row for key, row in office.tables.invoices.items() if not office.not_invoice(key)]

    def total(column: str) -> Decimal:
        return sum((row[column] for row in sent), Decimal(0))

    paid = sum(office.collected().values(), Decimal(0))
    return {
        RECEIVABLE: total("total") - paid,
        ACCOUNTS["undeposited-funds"]: paid,
        ACCOUNTS["discounts"]: total("discount"),
        TAX: -total("tax"),
        ACCOUNTS["income"]: -total("subtotal"),
    }


def differences(who: str, wanted: Mapping[str, Decimal], found: Mapping[str, Decimal]) -> Iterator[str]:
    """Sentences; none if the books are as SIP's figures make them, and balance."""
    if balance := sum(found.values(), Decimal(0)):
        yield f"The books of {who} do not balance: {cents(balance)} is left over."
    for account in {**wanted, **found}:
        should, is_ = wanted.get(account, Decimal(0)), found.get(account, Decimal(0))
        if should != is_:
            yield f"{account} of {who} should be {cents(should)} and is {cents(is_)} in QuickBooks."
