"""PaymentMethod (API reference, PaymentMethod)."""

from syncd.sandbox import lists
from syncd.sandbox.entity import Entity
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json

_CARD, _OTHER = "CREDIT_CARD", "NON_CREDIT_CARD"


def _seeds(_company: Company) -> list[dict[str, Json]]:
    methods = (("Cash", _OTHER), ("Check", _OTHER), ("Visa", _CARD), ("MasterCard", _CARD))
    return [{"Name": name, "Active": True, "Type": kind} for name, kind in methods]


ENTITY = Entity(
    name="PaymentMethod",
    space="PaymentMethods",
    name_list=True,
    rules=lists.settle_name,
    show=lists.show_name,
    seeds=_seeds,
    fields=(
        Field("Name", "name", 31, keep=True, query="sort", indexed=True),
        Field("Active", "bool", default=True, query="sort"),
        Field("Type", "enum", choices=(_CARD, _OTHER), default=_OTHER, query="sort"),
    ),
    accepted=words("AttachableRef CustomField IntuitId PaymentMethodEx status"),
)
