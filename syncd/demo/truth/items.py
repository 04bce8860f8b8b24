"""Service items: name, description, price, and, in the United States only, whether taxed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.demo.businesses import ACCOUNTS, OWN_ITEM
from syncd.demo.truth import Held, Wanted, number, plain

if TYPE_CHECKING:
    from syncd.demo.truth.books import Books
    from syncd.demo.truth.office import Office

NOT_OF_SIP = {"Services", "Hours", OWN_ITEM}
"""What every new company has, and what syncd makes for lines without an item."""


def wanted(office: Office) -> list[Wanted]:
    """SIP's service items, by name."""
    taxed = office.business.kind.region == "us"
    return [
        Wanted(
            str(key),
            row["name"],
            plain(row["name"]),
            {
                "description": plain(row["description"]),
                "price": number(row["price"]),
                "taxed": str(row["taxable"]) if taxed else "",
                "type": "Service",
                "income account": ACCOUNTS["income"],
                "active": "yes",
            },
            office.not_item(key),
        )
        for key, row in office.tables.service_items.items()
    ]


def held(books: Books) -> list[Held]:
    """QuickBooks' items, by name."""
    return [
        Held(
            row["Name"],
            {
                "description": row.get("Description", ""),
                "price": number(row.get("UnitPrice")),
                "taxed": str(row["Taxable"]) if "Taxable" in row else "",
                "type": row["Type"],
                "income account": books.name("Account", row.get("IncomeAccountRef")),
                "active": "yes" if row["Active"] else "no",
            },
        )
        for row in books.all("Item")
        if row["Name"] not in NOT_OF_SIP
    ]
