"""What a company holds in QuickBooks, and the names behind its references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncd.demo.quickbooks import QuickBooks, Realm
    from syncd.demo.truth import Row

NAMES = {
    "Customer": "DisplayName",
    "Employee": "DisplayName",
    "Item": "Name",
    "Account": "Name",
    "PaymentMethod": "Name",
    "TaxCode": "Name",
    "TaxRate": "Name",
    "Invoice": "DocNumber",
}
TYPES = (*NAMES, "Payment", "TimeActivity")


def read(quickbooks: QuickBooks, realm: Realm) -> Books:
    """All that a company holds now."""
    return Books({entity: quickbooks.objects(realm, entity) for entity in TYPES})


class Books:
    """One company: its objects by type."""

    def __init__(self, objects: Mapping[str, list[Row]]) -> None:
        self._objects = objects
        self._names = {
            (entity, str(found["Id"])): str(found.get(name, ""))
            for entity, name in NAMES.items()
            for found in objects.get(entity, [])
        }

    def all(self, entity: str) -> list[Row]:
        """Every object of a type."""
        return self._objects.get(entity, [])

    def name(self, entity: str, reference: Any) -> str:
        """What a reference refers to, by name; "" for none."""
        value = reference.get("value", "") if isinstance(reference, dict) else str(reference or "")
        return self._names.get((entity, value), value)
