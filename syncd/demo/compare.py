"""Is QuickBooks equal to SIP? Each customer of SIP is looked up by its link and compared field by field.

What QuickBooks should hold is worked out here anew, from SIP's rows and the published rules (names: no colon;
e-mail: one valid address of up to 100 characters; phone: up to 30): nothing of syncd/push is used, so that a fault
there shows here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EMAIL = re.compile(r"[^\s@,;:<>()]+@[\w-]+(\.[\w-]+)+", re.ASCII)
LINES = ("Line1", "Line2", "Line3", "Line4", "Line5")


class Customer(NamedTuple):
    """A row of sip.customers, as text."""

    company_id: str
    customer_id: str
    name: str
    email: str | None
    phone: str | None
    street: str | None
    city: str | None
    state: str | None
    zip: str | None

    @property
    def key(self) -> tuple[str, str]:
        """Company and customer."""
        return self.company_id, self.customer_id


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many of SIP's customers QuickBooks holds unaltered, and a sentence for everything else."""

    equal: int
    differences: list[str]


def compare(
    customers: Sequence[Customer],
    links: Mapping[tuple[str, str], str],
    held: set[tuple[str, str]],
    objects: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Comparison:
    """`links` gives the QuickBooks id of (company, customer), `objects` each company's customers in QuickBooks;
    `held` ones may be missing there.
    """
    by_id = {(company, str(o["Id"])): o for company, found in objects.items() for o in found}
    unclaimed = dict(by_id)
    equal, differences = 0, []
    for customer in customers:
        if customer.key in held and customer.key not in links:
            continue
        qbo_id = links.get(customer.key, "")
        place = (customer.company_id, qbo_id)
        if place not in by_id:
            differences.append(f"{_named(customer)} is missing in QuickBooks.")
        elif unclaimed.pop(place, None) is None:
            differences.append(
                f"{_named(customer)} shares QuickBooks' customer {qbo_id} with another of SIP's."
            )
        elif found := _differences(customer, by_id[place]):
            differences += found
        else:
            equal += 1
    differences += [
        f'QuickBooks of company {company} has a customer that SIP does not: "{o["DisplayName"]}" ({qbo_id}).'
        for (company, qbo_id), o in unclaimed.items()
    ]
    return Comparison(equal, differences)


def _differences(customer: Customer, found: Mapping[str, Any]) -> list[str]:
    wanted, present = expected(customer), _held(found)
    return [
        f'{_named(customer)}: {field} should be "{wanted[field]}" and is "{present[field]}" in QuickBooks.'
        for field in wanted
        if wanted[field] != present[field]
    ]


def expected(customer: Customer) -> dict[str, str]:
    """What QuickBooks should hold, field by field; "" where nothing."""
    email, phone = _plain(customer.email), _plain(customer.phone)
    street = [_plain(line) for line in (customer.street or "").splitlines()]
    return {
        "name": _plain(customer.name.replace(":", " - ")),
        "e-mail": email if EMAIL.fullmatch(email) and len(email) <= 100 else "",
        "phone": phone if len(phone) <= 30 else "",
        "street": " / ".join(line for line in street if line),
        "city": _plain(customer.city),
        "state": _plain(customer.state),
        "postal code": _plain(customer.zip),
        "active": "yes",
    }


def _held(found: Mapping[str, Any]) -> dict[str, str]:
    address = found.get("BillAddr") or {}
    return {
        "name": found["DisplayName"],
        "e-mail": (found.get("PrimaryEmailAddr") or {}).get("Address", ""),
        "phone": (found.get("PrimaryPhone") or {}).get("FreeFormNumber", ""),
        "street": " / ".join(address[line] for line in LINES if address.get(line)),
        "city": address.get("City", ""),
        "state": address.get("CountrySubDivisionCode", ""),
        "postal code": address.get("PostalCode", ""),
        "active": "yes" if found["Active"] else "no",
    }


def _plain(text: str | None) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text or "").strip()


def _named(customer: Customer) -> str:
    return f'Customer "{customer.name}" ({customer.customer_id} of company {customer.company_id})'
