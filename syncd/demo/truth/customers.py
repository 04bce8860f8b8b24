"""Customers: no colon in a name, one valid e-mail address of up to 100 characters, a phone number of up to 30."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syncd.demo.truth import Held, Wanted, lines_of, plain

if TYPE_CHECKING:
    from syncd.demo.truth import Row
    from syncd.demo.truth.books import Books
    from syncd.demo.truth.office import Office

EMAIL = re.compile(r"[^\s@,;:<>()]+@[\w-]+(\.[\w-]+)+", re.ASCII)
LINES = ("Line1", "Line2", "Line3", "Line4", "Line5")


def wanted(office: Office) -> list[Wanted]:
    """SIP's customers, by name."""
    return [
        Wanted(str(key), row["name"], sent_name(row), expected(row), office.not_customer(key))
        for key, row in office.tables.customers.items()
    ]


def held(books: Books) -> list[Held]:
    """QuickBooks' customers, by name."""
    return [Held(row["DisplayName"], shown(row)) for row in books.all("Customer")]


def sent_name(row: Row) -> str:
    """The name as QuickBooks can take it."""
    return plain(row["name"].replace(":", " - "))


def sent_email(text: str | None) -> str:
    """An e-mail address as QuickBooks can take it; "" if it cannot."""
    email = plain(text)
    return email if EMAIL.fullmatch(email) and len(email) <= 100 else ""


def expected(row: Row) -> dict[str, str]:
    """What QuickBooks must say, field by field; "" where nothing."""
    phone = plain(row["phone"])
    return {
        "name": sent_name(row),
        "e-mail": sent_email(row["email"]),
        "phone": phone if len(phone) <= 30 else "",
        "street": " / ".join(lines_of(row["street"])),
        "city": plain(row["city"]),
        "state": plain(row["state"]),
        "postal code": plain(row["zip"]),
        "active": "yes",
    }


def shown(row: Row) -> dict[str, str]:
    """What QuickBooks says."""
    address = row.get("BillAddr") or {}
    return {
        "name": row["DisplayName"],
        "e-mail": (row.get("PrimaryEmailAddr") or {}).get("Address", ""),
        "phone": (row.get("PrimaryPhone") or {}).get("FreeFormNumber", ""),
        "street": " / ".join(address[line] for line in LINES if address.get(line)),
        "city": address.get("City", ""),
        "state": address.get("CountrySubDivisionCode", ""),
        "postal code": address.get("PostalCode", ""),
        "active": "yes" if row["Active"] else "no",
    }
